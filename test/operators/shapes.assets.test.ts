// Every value of every published network: what the rules foretell against what onnxruntime computes.
import test, { type ExecutionContext } from 'ava';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { elementCount, tensor, type ArrayType } from '../../src/base/index.js';
import { decodeModel, encodeModel } from '../../src/codec/index.js';
import { houseOpset, type Dim, type Model, type ValueInfo } from '../../src/graph/index.js';
import { coreOperators, inferShapes, type Inferred } from '../../src/operators/index.js';
import { inferShapes as inferPass, upgradeTo } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import type { DeviceTensor, Feeds } from '../../src/runtime/index.js';
import { assets } from '../assets.js';

const runtime = nodeRuntime();
const pictures = 2;

/** The model with every value of its graph as output; types as inferred, shapes left to onnxruntime. */
function withEveryValue(model: Model, { facts }: Inferred): Model {
  const made = model.graph.nodes.flatMap(node => node.outputs).filter(Boolean);
  const outputs = made.map((name): ValueInfo => ({ name, type: facts.get(name)!.type }));
  return { ...model, graph: { ...model.graph, outputs, values: new Map() } };
}

/** Small numbers for every input that no weight stands for; named dimensions become two. */
function feedsOf({ graph }: Model): { feeds: Feeds; names: Map<string, number> } {
  const feeds = new Map<string, DeviceTensor>();
  const names = new Map<string, number>();
  for (const { name, type, shape } of graph.inputs) {
    if (graph.initializers.has(name)) continue;
    const sizes = shape!.map(dim => {
      if (typeof dim === 'string') names.set(dim, pictures);
      return typeof dim === 'string' ? pictures : dim;
    });
    const data = Array.from({ length: elementCount(sizes) }, (_, i) =>
      type === 'bool' ? 1 : ((i * 7919) % 101) / 101,
    );
    const whole = type?.includes('int') ? data.map(() => pictures) : data;
    feeds.set(name, runtime.tensor(tensor(type as ArrayType, sizes, whole)));
  }
  return { feeds, names };
}

/** A dimension in numbers: `4*batch` with the batch that was fed; undefined where the rules do not know. */
const evaluated = (dim: Dim, names: ReadonlyMap<string, number>): number | undefined =>
  typeof dim === 'number'
    ? dim
    : dim.split('*').reduce<number | undefined>((n, part) => {
        const factor = names.get(part) ?? (/^\d+$/.test(part) ? Number(part) : undefined);
        return n === undefined || factor === undefined ? undefined : n * factor;
      }, 1);

async function compare(t: ExecutionContext, model: Model): Promise<void> {
  const inferred = inferShapes(model.graph, coreOperators, { opset: model.opsets.get('') ?? houseOpset });
  t.deepEqual(
    inferred.problems.map(({ node, error }) => `${node.op} ${node.name} ${error?.message ?? ''}`),
    [],
  );
  const { feeds, names } = feedsOf(model);
  const session = await runtime.open(encodeModel(withEveryValue(model, inferred)), { optimization: 'disabled' });
  try {
    const results = await session.run(feeds);
    const wrong: string[] = [];
    for (const [name, found] of results) {
      const fact = inferred.facts.get(name);
      const shape = fact?.shape?.map(dim => evaluated(dim, names));
      if (fact?.type !== found.type || String(shape) !== String(found.shape))
        wrong.push(`${name}: ${fact?.type} [${String(fact?.shape)}], computed ${found.type} [${String(found.shape)}]`);
      found.dispose();
    }
    t.deepEqual(wrong, []);
    t.log(`${results.size} values, ${inferred.macs.size} nodes that multiply`);
  } finally {
    await session.close();
  }
}

const folders = assets ? ['models', join('models', 'awkward')].map(folder => join(assets!, folder)) : [];
const files = folders.flatMap(folder =>
  readdirSync(folder)
    .filter(name => name.endsWith('.onnx'))
    .map(name => ({ name, path: join(folder, name) })),
);
const isForeign = ({ graph }: Model) => graph.nodes.some(({ domain }) => domain === 'com.microsoft.extensions');

if (files.length === 0) test('no assets here', t => (t.log('no assets folder'), t.pass()));
for (const { name, path } of files) {
  test.serial(`every value of ${name}`, async t => {
    const model = decodeModel(readFileSync(path));
    if (isForeign(model)) {
      const { problems } = inferShapes(model.graph, coreOperators, { opset: model.opsets.get('')! });
      t.deepEqual([...new Set(problems.map(({ node }) => node.domain))], ['com.microsoft.extensions']);
    } else await compare(t, model);
  });
  test.serial(`every value of ${name}, upgraded`, async t => {
    const model = decodeModel(readFileSync(path));
    if (isForeign(model)) t.notThrows(() => inferPass(upgradeTo(houseOpset)(model)));
    else await compare(t, upgradeTo(houseOpset)(model));
  });
}
