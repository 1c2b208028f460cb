// The types and shapes that the operators' rules foretell for every value of a network, against what onnxruntime
// computes. Named dimensions are fed with numbers: a product such as `4*batch` must come out as one.

import type { Dim, Model, ValueInfo } from '../../src/graph/index.js';
import { houseOpset } from '../../src/graph/index.js';
import { Random } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { coreOperators, inferShapes } from '../../src/operators/index.js';
import type { Runtime } from '../../src/runtime/index.js';
import { randomFeeds } from '../../src/workflows/compare.js';

/** What was compared and what differed. */
export interface ValuesCompared {
  readonly count: number;
  readonly wrong: readonly string[];
}

/** Runs the network with every value as an output. */
export async function compareEveryValue(model: Model, runtime: Runtime, pictures = 2): Promise<ValuesCompared> {
  const { graph } = model;
  const { facts, problems } = inferShapes(graph, coreOperators, { opset: model.opsets.get('') ?? houseOpset });
  const wrong = problems.map(({ node, error }) => `${node.op} ${node.name}: ${error?.message ?? 'unknown operator'}`);
  const made = graph.nodes.flatMap(node => node.outputs).filter(Boolean);
  const untyped = made.filter(name => !facts.get(name)?.type);
  if (untyped.length > 0) return { count: made.length, wrong: [...wrong, ...untyped.map(name => `${name}: no type`)] };
  const outputs = made.map((name): ValueInfo => ({ name, type: facts.get(name)!.type! }));
  const bytes = encodeModel({ ...model, graph: { ...graph, outputs, values: new Map() } });
  const feeds = randomFeeds(model, new Random('values'), { batch: pictures, other: 64 });
  const sizes = new Map<string, number>();
  for (const { name, shape } of graph.inputs)
    shape?.forEach((dim, axis) => {
      const size = feeds.get(name)?.shape[axis];
      if (typeof dim === 'string' && size !== undefined) sizes.set(dim, size);
    });
  const session = await runtime.open(bytes, { optimization: 'disabled' });
  try {
    const results = await session.run(new Map([...feeds].map(([name, data]) => [name, runtime.tensor(data)])));
    for (const [name, found] of results) {
      const fact = facts.get(name);
      const shape = fact?.shape?.map(dim => sizeOf(dim, sizes));
      if (fact?.type !== found.type || String(shape) !== String(found.shape))
        wrong.push(`${name}: ${fact?.type} [${String(fact?.shape)}], computed ${found.type} [${String(found.shape)}]`);
      found.dispose();
    }
    return { count: results.size, wrong };
  } finally {
    await session.close();
  }
}

/** A dimension in numbers; undefined where the rules do not know it. */
const sizeOf = (dim: Dim, sizes: ReadonlyMap<string, number>): number | undefined =>
  typeof dim === 'number'
    ? dim
    : dim.split('*').reduce<number | undefined>((n, part) => {
        const factor = sizes.get(part) ?? (/^\d+$/.test(part) ? Number(part) : undefined);
        return n === undefined || factor === undefined ? undefined : n * factor;
      }, 1);
