// What a run leaves beside its bundle: the graphs that trained it, and the logits of what it was judged by.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors, tensor, type Tensor } from '../base/index.js';
import { sha256, writeAtomically, writeTogether } from '../base/node.js';
import { encodeModel } from '../codec/index.js';
import { houseOpset } from '../graph/index.js';
import type { FittedHead } from './fit-head.js';
import type { SplitFeatures } from './set-features.js';

/** Writes `artifacts/`: training, evaluation, optimizer and epoch graph, the trained state, and what they are. */
export async function writeArtifacts(folder: string, fitted: FittedHead, loss: string): Promise<void> {
  const { artifacts, trained, scale, last } = fitted;
  const { parameters } = artifacts;
  const state = new Map<string, Tensor>(last?.state ?? stateOf(artifacts, trained));
  state.set('step', tensor('int64', [], [last?.step ?? 0]));
  if (scale) {
    state.set('features.mean', tensor('float32', [scale.mean.length], Float32Array.from(scale.mean)));
    state.set('features.deviation', tensor('float32', [scale.deviation.length], Float32Array.from(scale.deviation)));
  }
  const pieces = encodeSafetensors(state);
  const contents = new Map<string, Uint8Array | readonly Uint8Array[] | string>([
    ['training_model.onnx', encodeModel(artifacts.training)],
    ['eval_model.onnx', encodeModel(artifacts.evaluation)],
    ['optimizer_model.onnx', encodeModel(artifacts.optimizer)],
    ['epoch_model.onnx', encodeModel(artifacts.epoch)],
    ['checkpoint.safetensors', pieces],
  ]);
  const files = [...contents].map(([name, content]) => {
    const parts = (content instanceof Uint8Array ? [content] : content) as readonly Uint8Array[];
    return { name, bytes: parts.reduce((n, part) => n + part.length, 0), sha256: sha256(...parts) };
  });
  const inputs = artifacts.training.graph.inputs.map(({ name, type, shape }) => ({ name, type, shape }));
  const said = {
    version: 1,
    target: 'plain',
    opset: houseOpset,
    loss,
    optimizer: fitted.optimizer,
    parameters: parameters.map(({ name, shape }) => ({ name, shape, trainable: true })),
    inputs: inputs.filter(({ name }) => !state.has(name)),
    standardised: scale !== undefined,
    files,
  };
  contents.set('artifacts.json', `${JSON.stringify(said, null, 2)}\n`);
  await writeTogether(folder, contents, 'artifacts.json', { force: true });
}

/** The state before the first step of weights that L-BFGS found: the average is the weights, moments are zero. */
function stateOf({ parameters, slots }: FittedHead['artifacts'], trained: ReadonlyMap<string, Tensor>) {
  return parameters.flatMap(({ name, shape }): [string, Tensor][] => {
    const weights = trained.get(name)!;
    const zeros = () => tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
    return [
      [name, weights],
      ...slots.map((slot): [string, Tensor] => [`${name}.${slot}`, slot === 'average' ? weights : zeros()]),
    ];
  });
}

/** Writes `predictions/<split>.safetensors`: `logits` [n, classes], `hashes` uint8 [n, 32] of the pictures. */
export async function writePredictions(
  folder: string,
  split: string,
  logits: Float32Array,
  { hashes, count }: SplitFeatures,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const bytes = new Uint8Array(32 * count);
  hashes.forEach((hash, i) => bytes.set(Buffer.from(hash, 'hex'), 32 * i));
  const tensors = new Map([
    ['logits', tensor('float32', [count, logits.length / count], logits)],
    ['hashes', tensor('uint8', [count, 32], bytes)],
  ]);
  await writeAtomically(join(folder, `${split}.safetensors`), encodeSafetensors(tensors), { force: true });
}
