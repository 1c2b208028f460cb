// A member's network in two: the trunk up to the features, and the head that reads them. Members on one trunk differ in
// their heads alone, so that a picture goes through the trunk once however many heads are asked.

import { floats, tensor } from '../base/index.js';
import { sha256 } from '../base/node.js';
import { featuresKey } from '../artifacts/index.js';
import { encodeModel } from '../codec/index.js';
import { Builder, embed, modelOf, type Model } from '../graph/index.js';
import { split } from '../passes/index.js';
import type { Runtime } from '../runtime/index.js';

/** The two parts. */
export interface TrunkParts {
  /** `pictures` → the features, under the name `logits` so that it is asked like a member. */
  readonly trunk: Model;
  /** Of its contents. */
  readonly sha256: string;
  /** Numbers of a picture. */
  readonly width: number;
  /** The features, under their own name, → `logits`. */
  readonly head: Model;
  readonly features: string;
}

/** Wider features than these are not worth keeping. */
const widest = 8192;
const known = new WeakMap<Model, TrunkParts | undefined>();

/** The parts of a network whose metadata names its features; nothing where it cannot be parted there. */
export function trunkParts(model: Model): TrunkParts | undefined {
  if (!known.has(model)) known.set(model, parted(model));
  return known.get(model);
}

function parted(model: Model): TrunkParts | undefined {
  const features = model.metadata.get(featuresKey);
  if (features === undefined || !model.graph.nodes.some(({ outputs }) => outputs.includes(features))) return undefined;
  const outputs = model.graph.outputs.filter(({ name }) => name === 'logits');
  const [first, head] = split({ ...model, graph: { ...model.graph, outputs } }, [[features]]) as [Model, Model];
  const [input, ...others] = head.graph.inputs.filter(({ name }) => !head.graph.initializers.has(name));
  const width = model.graph.values.get(features)?.shape?.[1] ?? first.graph.outputs[0]?.shape?.[1];
  if (input?.name !== features || others.length > 0 || typeof width !== 'number' || width > widest) return undefined;
  const builder = new Builder('trunk');
  const { name, shape = [] } = first.graph.inputs.find(one => !first.graph.initializers.has(one.name))!;
  const pictures = builder.input(name, 'uint8', shape);
  builder.fresh('logits');
  builder.output(embed(builder, first.graph, new Map([[name, pictures]])).get(features)!, 'logits');
  const trunk = { ...modelOf(builder.finish()), opsets: model.opsets };
  return { trunk, sha256: sha256(encodeModel(trunk)), width, head, features };
}

/** Rows that a head sees at once. */
const atOnce = 1024;

/** The logits of a head, [pictures, classes]. */
export async function headLogits(
  runtime: Runtime,
  { head, features: name, width }: TrunkParts,
  features: Float32Array,
  classes: number,
): Promise<Float32Array> {
  const count = features.length / width;
  const logits = new Float32Array(count * classes);
  const session = await runtime.open(encodeModel(head));
  try {
    for (let from = 0; from < count; from += atOnce) {
      const rows = Math.min(atOnce, count - from);
      const part = features.subarray(from * width, (from + rows) * width);
      const feed = runtime.tensor(tensor('float32', [rows, width], part));
      const results = await session.run(new Map([[name, feed]]), ['logits']);
      logits.set(floats(await results.get('logits')!.read()), from * classes);
      for (const value of [feed, ...results.values()]) value.dispose();
    }
    return logits;
  } finally {
    await session.close();
  }
}
