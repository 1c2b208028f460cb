// graft merge: a bundle given back as a whole network with the inputs and outputs of the published one, for tools that
// know nothing of bundles. What the network read it reads again; what it gave is given under its own name.

import { writeAtomically } from '../base/node.js';
import { entranceKey } from '../artifacts/index.js';
import { decodeModel, encodeModel } from '../codec/index.js';
import { Builder, embed, modelOf, verify, type Model, type Value } from '../graph/index.js';
import { inspectModel } from '../inspect/index.js';
import { dropUnused, split } from '../passes/index.js';
import { errors } from './errors.js';
import { openBundle } from './open-bundle.js';

export interface MergeOptions {
  /** The file that is written. */
  readonly out: string;
  /** Write over a file that is there. @default false */
  readonly force?: boolean;
}

/** What was written. */
export interface MergeResult {
  readonly file: string;
  readonly input: { readonly name: string; readonly shape: readonly (number | string)[] };
  readonly output: { readonly name: string; readonly shape: readonly (number | string)[] };
  /** Whether it gives calibrated probabilities, as the published network gave probabilities, or logits. */
  readonly gives: 'probabilities' | 'logits';
}

/**
 * Writes the network inside a bundle with the published network's own input and output.
 *
 * @throws GRAFT_MERGE where the bundle does not tell its network's input; BUNDLE_…, DISK_EXISTS
 * @example
 * await merge('run/bundle', { out: 'ants-and-bees.onnx' });
 */
export async function merge(folder: string, { out, force = false }: MergeOptions): Promise<MergeResult> {
  const { manifest, model: bytes } = await openBundle(folder);
  const model = decodeModel(bytes);
  const entrance = model.metadata.get(entranceKey);
  const { network } = manifest.backbone;
  if (manifest.ensemble) throw errors.MERGE({ bundle: folder, reason: 'it is an ensemble' });
  if (!entrance || !network)
    throw errors.MERGE({ bundle: folder, reason: 'it does not tell what its network read and gave' });
  const { facts } = inspectModel(model);
  const inner = split(model, [[entrance]], facts)[1]!;
  const { name: input, shape } = inner.graph.inputs.find(({ name }) => name === entrance)!;
  const gives = network.gives;
  const merged = verify(renamed(inner, { entrance: input, input: network.input, gives, output: network.output }));
  await writeAtomically(out, encodeModel(merged), { force });
  const made = merged.graph.outputs[0]!;
  return {
    file: out,
    input: { name: network.input, shape: shape ?? [] },
    output: { name: network.output, shape: made.shape ?? [] },
    gives,
  };
}

interface Names {
  readonly entrance: string;
  readonly input: string;
  readonly gives: string;
  readonly output: string;
}

/** The network alone: one input, one output, each under the published name. */
function renamed(model: Model, { entrance, input, gives, output }: Names): Model {
  const builder = new Builder('network');
  const info = model.graph.inputs.find(({ name }) => name === entrance)!;
  const fed: Value = builder.input(input, info.type ?? 'float32', info.shape ?? []);
  // A value inside that has the output's name gives way.
  builder.fresh(output);
  const graph = { ...model.graph, outputs: model.graph.outputs.filter(({ name }) => name === gives) };
  const made = embed(builder, dropUnused({ ...model, graph }).graph, new Map([[entrance, fed]]));
  builder.output(made.get(gives)!, output);
  return { ...modelOf(builder.finish()), opsets: model.opsets };
}
