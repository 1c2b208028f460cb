// Builds a graph out of operators, runs it in onnxruntime and compares the types and shapes that come out with those
// that the operators' rules foretold. The oracle of this room's tests.

import type { ExecutionContext } from 'ava';
import { tensor, type ArrayType } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Model, type Value } from '../../src/graph/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import type { DeviceTensor } from '../../src/runtime/index.js';

/** A value that is fed: small numbers that differ, where `data` names none. */
export type Feed = (shape: readonly number[], type?: ArrayType, data?: readonly number[]) => Value;

/** What one case gave: the values as foretold and the tensors as computed. */
export interface Outcome {
  readonly foretold: readonly Value[];
  readonly computed: readonly DeviceTensor[];
}

/** Runs the graph that `build` makes of its inputs. */
export async function runGraph(build: (feed: Feed, builder: Builder) => readonly Value[]): Promise<Outcome> {
  const builder = new Builder('case');
  const runtime = nodeRuntime();
  const feeds = new Map<string, DeviceTensor>();
  const feed: Feed = (shape, type = 'float32', data) => {
    const value = builder.input(builder.fresh('input'), type, shape);
    const count = shape.reduce((a, b) => a * b, 1);
    feeds.set(value.name, runtime.tensor(tensor(type, shape, data ?? Array.from({ length: count }, (_, i) => i % 7))));
    return value;
  };
  const outputs = build(feed, builder).map((value, i) => builder.output(value, `output${i}`));
  const model = withDomains(modelOf(builder.finish()));
  const session = await runtime.open(encodeModel(model), { optimization: 'disabled' });
  try {
    const results = await session.run(feeds);
    return { foretold: outputs, computed: outputs.map(({ name }) => results.get(name)!) };
  } finally {
    await session.close();
  }
}

/** Every foretold number and type is what onnxruntime computed; unknown dimensions are allowed where `open` says so. */
export async function agrees(
  t: ExecutionContext,
  build: (feed: Feed, builder: Builder) => readonly Value[],
  open = false,
): Promise<void> {
  const { foretold, computed } = await runGraph(build);
  foretold.forEach(({ type, shape }, i) => {
    const found = computed[i]!;
    t.is(type, found.type);
    const wanted = open ? found.shape.map((dim, axis) => (shape[axis] === '' ? '' : dim)) : found.shape;
    t.deepEqual(shape, wanted);
  });
}

function withDomains(model: Model): Model {
  const domains = model.graph.nodes.map(({ domain }) => domain).filter(Boolean);
  return { ...model, opsets: new Map([...model.opsets, ...domains.map(domain => [domain, 1] as const)]) };
}
