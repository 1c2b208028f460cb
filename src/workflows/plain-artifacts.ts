// The folder of plain training artifacts (formats.md): the graphs, the checkpoint, and artifacts.json, which says what
// they are and is written last.

import { encodeSafetensors, tensor, type Tensor } from '../base/index.js';
import { sha256, writeTogether } from '../base/node.js';
import { encodeModel } from '../codec/index.js';
import { houseOpset, type Model } from '../graph/index.js';

/** What goes into a folder of plain artifacts. */
export interface PlainArtifacts {
  readonly training: Model;
  readonly evaluation: Model;
  readonly optimizer: Model;
  /** Many steps in one run. */
  readonly epoch?: Model;
  /** `P`, `P.m`, …: everything that the graphs carry. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** Steps done. @default 0 */
  readonly step?: number;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly loss: string;
  readonly optimizerName: string;
  /** Further fields of artifacts.json. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/**
 * Writes `training_model.onnx`, `eval_model.onnx`, `optimizer_model.onnx`, `epoch_model.onnx`,
 * `checkpoint.safetensors` and `artifacts.json`.
 *
 * @returns the names of the files
 * @throws DISK_…
 */
export async function writePlainArtifacts(
  folder: string,
  artifacts: PlainArtifacts,
  { force = false }: { readonly force?: boolean } = {},
): Promise<string[]> {
  const { training, evaluation, optimizer, epoch, state, step = 0, parameters } = artifacts;
  const kept = new Map(state);
  kept.set('step', tensor('int64', [], [step]));
  const contents = new Map<string, Uint8Array | readonly Uint8Array[] | string>([
    ['training_model.onnx', encodeModel(training)],
    ['eval_model.onnx', encodeModel(evaluation)],
    ['optimizer_model.onnx', encodeModel(optimizer)],
    ...(epoch ? [['epoch_model.onnx', encodeModel(epoch)] as const] : []),
    ['checkpoint.safetensors', encodeSafetensors(kept)],
  ]);
  const files = [...contents].map(([name, content]) => {
    const parts = (content instanceof Uint8Array ? [content] : content) as readonly Uint8Array[];
    return { name, bytes: parts.reduce((n, part) => n + part.length, 0), sha256: sha256(...parts) };
  });
  const inputs = training.graph.inputs.map(({ name, type, shape }) => ({ name, type, shape }));
  const said = {
    version: 1,
    target: 'plain',
    opset: training.opsets.get('') ?? houseOpset,
    loss: artifacts.loss,
    optimizer: artifacts.optimizerName,
    parameters: parameters.map(({ name, shape }) => ({ name, shape, trainable: true })),
    inputs: inputs.filter(({ name }) => !kept.has(name)),
    ...artifacts.extra,
    files,
  };
  contents.set('artifacts.json', `${JSON.stringify(said, null, 2)}\n`);
  await writeTogether(folder, contents, 'artifacts.json', { force });
  return [...contents.keys()];
}
