// graft artifacts --import: artifacts that Microsoft's generate_artifacts made, as plain ones that any onnxruntime
// trains. Training-only operators are said in ONNX's own, frozen weights go into the graphs, the optimizer becomes a
// graph, the checkpoint becomes safetensors.

import { importedOptimizer, importedOptimizerModel, readOptimizerModel } from '../artifacts/index.js';
import type { Tensor } from '../base/index.js';
import { verify, type Graph, type Model } from '../graph/index.js';
import { movingStatistics, standardEvaluation, standardTraining } from '../passes/index.js';
import { readArtifactFolder } from './artifact-folder.js';
import { errors } from './import-errors.js';
import { stateOfOrtCheckpoint } from './ort-state.js';
import { writePlainArtifacts } from './plain-artifacts.js';

/** Options of {@link importArtifacts}. */
export interface ImportArtifactsOptions {
  /** The folder that is written. */
  readonly out: string;
  /** Write over a folder that is there. @default false */
  readonly force?: boolean;
}

/** What was read and written. */
export interface ImportArtifactsResult {
  readonly folder: string;
  readonly files: readonly string[];
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** Weights that do not train; they are inside the graphs. */
  readonly frozen: readonly string[];
  /** Running statistics: inputs of the graphs whose next values, `next.<name>`, the training model gives. */
  readonly statistics: readonly string[];
  readonly optimizer: string;
  /** Steps done. */
  readonly step: number;
}

/**
 * Reads a folder of training artifacts of onnxruntime and writes plain ones: `training_model.onnx` (what the network is
 * fed, labels, every trainable parameter `P` → `loss`, further outputs, `P_grad`, and `next.<name>` of running statistics), `eval_model.onnx`,
 * `optimizer_model.onnx` (`P`, `P_grad`, `P.m`, `P.v`, `rate`, `step` → `next.P`, …), `checkpoint.safetensors`,
 * `artifacts.json`. Inputs keep their names and types.
 *
 * @param dir the folder; names may carry a prefix, the checkpoint may have any
 * @throws IMPORT_…, ORT_TRAINING_OPTIMIZER_GRAPH, CHECKPOINT_…, ONNX_…, DISK_…
 * @example
 * await artifacts('squeezenet1.1.onnx', { out: 'on-device', target: 'ort-training' });
 * await importArtifacts('on-device', { out: 'plain' });
 */
export async function importArtifacts(
  dir: string,
  { out, force = false }: ImportArtifactsOptions,
): Promise<ImportArtifactsResult> {
  const read = await readArtifactFolder(dir, ['training', 'evaluation', 'optimizer', 'checkpoint']);
  const { checkpoint } = read;
  const from = readOptimizerModel(read.optimizer);
  // Running statistics are frozen parameters to the checkpoint, but training moves them.
  const moves = movingStatistics(read.training.graph);
  const fixed = new Map([...checkpoint.frozen].filter(([name]) => !moves.has(name)));
  const statistics = [...checkpoint.frozen].filter(([name]) => moves.has(name));
  const training = standardTraining(withFrozen(read.training, fixed, 'the training model'));
  const evaluation = standardEvaluation(withFrozen(read.evaluation, fixed, 'the evaluation model'));
  const given = new Set(training.graph.outputs.map(({ name }) => name));
  for (const [name, { type, shape }] of checkpoint.trainable) {
    const wanted = `${type} [${shape.join(',')}]`;
    const input = training.graph.inputs.find(one => one.name === name);
    const found = input ? `${input.type ?? 'of no type'} [${input.shape?.join(',') ?? '?'}]` : 'not there';
    if (found !== wanted || type !== 'float32')
      throw errors.PARAMETER({ name, model: 'the training model', found, wanted });
    if (!given.has(`${name}_grad`))
      throw errors.PARAMETER({ name, model: 'the training model', found: 'without a gradient', wanted: 'trained' });
  }
  // in the order of the graph's inputs, as the runtime counts them
  const parameters = training.graph.inputs.flatMap(({ name }) => {
    const weight = checkpoint.trainable.get(name);
    return weight ? [{ name, shape: weight.shape }] : [];
  });
  const optimizer = importedOptimizerModel(from, parameters);
  for (const graph of [training, evaluation, optimizer]) verify(graph);
  const { state, step } = stateOfOrtCheckpoint(checkpoint, from.optimizer);
  for (const [name, value] of statistics) state.set(name, value);
  const { name } = importedOptimizer(from);
  const files = await writePlainArtifacts(
    out,
    {
      training,
      evaluation,
      optimizer,
      state,
      step,
      parameters,
      loss: lossOf(read.evaluation),
      optimizerName: name,
      extra: {
        statistics: statistics.map(([name]) => name),
        imported: { optimizer: from, checkpointVersion: checkpoint.version },
      },
    },
    { force },
  );
  return {
    folder: out,
    files,
    parameters,
    frozen: [...fixed.keys()],
    optimizer: name,
    step,
    statistics: statistics.map(([one]) => one),
  };
}

/** Parameters that do not train as weights inside the graph. */
export function withFrozen(model: Model, frozen: ReadonlyMap<string, Tensor>, what: string): Model {
  const { graph } = model;
  const held = new Map(graph.initializers);
  for (const { name, type, shape = [] } of graph.inputs) {
    const weight = frozen.get(name);
    if (!weight) continue;
    const found = `${type ?? 'of no type'} [${shape.join(',')}]`;
    const wanted = `${weight.type} [${weight.shape.join(',')}]`;
    if (found !== wanted) throw errors.PARAMETER({ name, model: what, found, wanted });
    held.set(name, weight);
  }
  const next: Graph = { ...graph, inputs: graph.inputs.filter(({ name }) => !frozen.has(name)), initializers: held };
  return { ...model, graph: next };
}

/** What the loss is called in artifacts.json: the operator that gives it says it, where it is one. */
function lossOf({ graph }: Model): string {
  const last = graph.nodes.find(({ outputs }) => outputs.includes(graph.outputs[0]?.name ?? ''));
  return last && /CrossEntropyLoss/.test(last.op) ? 'cross-entropy' : 'imported';
}
