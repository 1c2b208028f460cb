// graft artifacts --export: a trained checkpoint and the evaluation model become an inference model: parameters are
// weights, the loss and its labels are gone. What onnxruntime's ExportModelForInferencing did.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSafetensors, type Tensor } from '../base/index.js';
import { writeAtomically } from '../base/node.js';
import { encodeModel } from '../codec/index.js';
import { readModel } from '../codec/node.js';
import { verify, type Graph, type Model, type Node, type ValueInfo } from '../graph/index.js';
import { coreOperators, inferShapes } from '../operators/index.js';
import { constantsToInitializers, dropUnused } from '../passes/index.js';
import { readArtifactFolder } from './artifact-folder.js';
import { errors } from './import-errors.js';
import { withFrozen } from './import-artifacts.js';

/** Options of {@link exportInference}. */
export interface ExportInferenceOptions {
  /** What the model is to give. @default the outputs beside the loss, else what the loss reads of the network */
  readonly outputs?: readonly string[];
  /** Write over a file that is there. @default false */
  readonly force?: boolean;
}

/** What was written. */
export interface ExportInferenceResult {
  readonly file: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Weights that the checkpoint gave. */
  readonly parameters: number;
}

/**
 * Writes the inference model of a folder of training artifacts, plain ones or those of onnxruntime.
 *
 * @param dir a folder with `eval_model.onnx` and a checkpoint
 * @param out the file that is written
 * @throws IMPORT_…, CHECKPOINT_…, ST_…, ONNX_…, DISK_…
 * @example
 * await artifacts('squeezenet1.1.onnx', { out: 'artifacts' });
 * await exportInference('artifacts', 'inference.onnx');
 */
export async function exportInference(
  dir: string,
  out: string,
  { outputs, force = false }: ExportInferenceOptions = {},
): Promise<ExportInferenceResult> {
  const { evaluation, weights } = await readTrained(dir);
  const model = inferenceModel(evaluation, weights, outputs);
  await writeAtomically(out, encodeModel(verify(model)), { force });
  return {
    file: out,
    inputs: model.graph.inputs.map(({ name }) => name),
    outputs: model.graph.outputs.map(({ name }) => name),
    parameters: [...weights.keys()].filter(name => model.graph.initializers.has(name)).length,
  };
}

/** The evaluation model and every parameter by name. */
async function readTrained(dir: string): Promise<{ evaluation: Model; weights: ReadonlyMap<string, Tensor> }> {
  if (!existsSync(join(dir, 'checkpoint.safetensors'))) {
    const { evaluation, checkpoint } = await readArtifactFolder(dir, ['evaluation', 'checkpoint']);
    return { evaluation, weights: new Map([...checkpoint.frozen, ...checkpoint.trainable]) };
  }
  const { model: evaluation } = readModel(join(dir, 'eval_model.onnx'));
  const { tensors } = decodeSafetensors(new Uint8Array(await readFile(join(dir, 'checkpoint.safetensors'))));
  return { evaluation, weights: tensors };
}

/** The evaluation model with weights inside, cut to what the network gives. */
export function inferenceModel(
  evaluation: Model,
  weights: ReadonlyMap<string, Tensor>,
  wanted?: readonly string[],
): Model {
  const held = withFrozen(evaluation, weights, 'the evaluation model');
  const { graph } = constantsToInitializers(held);
  const names = wanted ?? outputsOf(graph);
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  for (const name of names) if (!made.has(name)) throw errors.OUTPUTS({ found: [name] });
  const { facts } = inferShapes(graph, coreOperators, { opset: held.opsets.get('') ?? 20 });
  const outputs = names.map((name): ValueInfo => {
    const fact = facts.get(name);
    const said = graph.outputs.find(output => output.name === name) ?? graph.values.get(name) ?? { name };
    return { ...said, ...(fact?.type && fact.shape ? { type: fact.type, shape: fact.shape } : {}) };
  });
  const cut = dropUnused({ ...held, graph: { ...graph, outputs } });
  const read = new Set([...cut.graph.nodes.flatMap(({ inputs }) => inputs), ...names]);
  const domains = new Set(['', ...cut.graph.nodes.map(({ domain }) => domain)]);
  return {
    ...cut,
    opsets: new Map([...cut.opsets].filter(([domain]) => domains.has(domain))),
    graph: { ...cut.graph, inputs: cut.graph.inputs.filter(({ name }) => read.has(name)) },
  };
}

/** The outputs beside the loss; where there are none, the value through which all that the loss knows of the network goes. */
function outputsOf(graph: Graph): readonly string[] {
  const others = graph.outputs.slice(1).map(({ name }) => name);
  return others.length > 0 ? others : [beforeLoss(graph)];
}

function beforeLoss(graph: Graph): string {
  const data = graph.inputs.map(({ name }) => name);
  // labels come last; what depends on them belongs to the loss
  const labels = data.slice(-1);
  const late = dependents(graph.nodes, labels);
  const network = graph.nodes.filter(({ outputs }) => !outputs.some(name => late.has(name)));
  const made = new Set(network.flatMap(({ outputs }) => outputs));
  const fromData = dependents(network, data);
  const ends = [...new Set(graph.nodes.filter(node => !network.includes(node)).flatMap(({ inputs }) => inputs))].filter(
    name => made.has(name) && fromData.has(name),
  );
  if (ends.length === 0) throw errors.OUTPUTS({ found: [] });
  // the last value without which no end depends on the data any more
  for (const node of [...network].reverse())
    for (const name of node.outputs) {
      const around = dependents(network, data, name);
      if (!ends.some(end => end !== name && around.has(end))) return name;
    }
  throw errors.OUTPUTS({ found: ends });
}

/** Everything that depends on values, without going through one. */
function dependents(nodes: readonly Node[], from: readonly string[], without?: string): Set<string> {
  const names = new Set(from);
  for (const { inputs, outputs } of nodes)
    if (inputs.some(name => names.has(name))) for (const name of outputs) if (name && name !== without) names.add(name);
  return names;
}
