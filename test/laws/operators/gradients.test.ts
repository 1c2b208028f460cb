// The law of every gradient rule: along any direction v it is the central difference of the loss Σ C · Y,
//   Σᵢ dXᵢ · vᵢ = (loss(X + h · v) − loss(X − h · v)) / 2h, computed by onnxruntime in float32, summed in float64.
import test from 'ava';
import { differentiate } from '../../../src/autodiff/index.js';
import { elementCount, floats, Random, tensor, type GraftError } from '../../../src/base/index.js';
import { encodeModel } from '../../../src/codec/index.js';
import { Builder, modelOf } from '../../../src/graph/index.js';
import { AveragePool, Concat, Conv, coreOperators, Slice } from '../../../src/operators/index.js';
import { nodeRuntime } from '../../../src/runtime/node.js';
import { samplers, type Region, type Sample } from './samplers/index.js';

const runtime = nodeRuntime();
const h = 1 / 128;

function draw(shape: readonly number[], region: Region, random: Random, input = 0): number[] {
  const count = elementCount(shape);
  if (region === 'apart') {
    // a grid of 0.13 with noise of 0.03, every other input half a step aside: what is moved by 1.5 h never meets
    const order = random.permutation(count);
    const aside = 0.065 * (input % 2) - 0.13 * Math.floor(count / 2);
    return Array.from(order, place => 0.13 * (place + 1) + aside + 0.03 * random.uniform());
  }
  const [low, high] = { signed: [0.3, 1.5], inner: [0.2, 0.7], positive: [0.5, 1.5], above: [1.3, 2.5] }[region];
  return Array.from({ length: count }, () => {
    const size = low! + (high! - low!) * random.uniform();
    return (region === 'signed' || region === 'inner') && random.uniform() < 0.5 ? -size : size;
  });
}

/** What the rules say and what the difference says, with the size of what was summed. */
async function bothWays({ shapes, region = 'signed', make }: Sample, seed: string) {
  const random = new Random(seed);
  const builder = new Builder();
  const xs = shapes.map((shape, i) => builder.input(`x${i}`, 'float32', shape));
  const y = make(...xs);
  const c = builder.input('c', 'float32', y.shape);
  const gradients = differentiate(builder, new Map([[y, c]]), xs);
  builder.output(y, 'y');
  const foretold = y.shape;
  const shapesFound = xs.map((x, i) => builder.output(gradients.get(x)!, `dx${i}`).shape);
  const session = await runtime.open(encodeModel(modelOf(builder.finish())), { optimization: 'disabled' });
  try {
    const at = xs.map((x, i) => draw(shapes[i]!, region, random.at(x.name), i));
    const along = shapes.map((shape, i) => draw(shape, 'signed', random.at('v', i)));
    const weights = draw(y.shape as number[], 'signed', random.at('c'));
    const run = async (step: number, fetches: readonly string[]) => {
      const feeds = new Map(
        xs.map(({ name }, i) => {
          const moved = at[i]!.map((value, k) => value + step * along[i]![k]!);
          return [name, runtime.tensor(tensor('float32', shapes[i]!, moved))];
        }),
      );
      feeds.set('c', runtime.tensor(tensor('float32', y.shape as number[], weights)));
      const results = await session.run(feeds, fetches);
      return Promise.all(fetches.map(async name => results.get(name)!.read()));
    };
    const terms = ([found]: Awaited<ReturnType<typeof run>>) =>
      Array.from(floats(found!), (value, i) => value * weights[i]!);
    const above = await run(h, ['y']);
    const [up, down] = [terms(above), terms(await run(-h, ['y']))];
    const difference = up.reduce((sum, term, i) => sum + term - down[i]!, 0) / (2 * h);
    const dxs = await run(
      0,
      shapes.map((_, i) => `dx${i}`),
    );
    const products = dxs.flatMap((dx, i) => Array.from(floats(dx), (value, k) => value * along[i]![k]!));
    const size = up.reduce(
      (sum, term) => sum + Math.abs(term),
      products.reduce((sum, p) => sum + Math.abs(p), 0),
    );
    return {
      rule: products.reduce((a, b) => a + b, 0),
      difference,
      size,
      shapesFound: [foretold, ...shapesFound],
      computed: [...above, ...dxs].map(({ shape }) => shape),
    };
  } finally {
    await session.close();
  }
}

for (const [name, samples] of Object.entries(samplers))
  test(`the gradient of ${name}`, async t => {
    for (const [i, sample] of samples.entries()) {
      const { rule, difference, size, shapesFound, computed } = await bothWays(sample, `${name} ${i}`);
      t.true(Math.abs(rule - difference) <= 1e-3 * size, `sample ${i}: rule ${rule}, difference ${difference}`);
      t.deepEqual(computed.slice(1), sample.shapes);
      t.deepEqual(shapesFound, computed);
    }
  });

test('every operator with a gradient has a sampler', t => {
  const rules = [...coreOperators].filter(({ spec }) =>
    Object.values(spec.gradient ?? {}).some(rule => rule !== 'none'),
  );
  t.deepEqual(
    rules.map(({ operatorName }) => operatorName).filter(name => !samplers[name]),
    [],
  );
});

test('a gradient that needs a size which is open says so', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 2, 'height', 8]);
  const w = b.input('w', 'float32', [3, 2, 3, 3]);
  const cases = [
    Conv(x, w),
    AveragePool(x, { kernel_shape: [2, 2] }),
    Concat(x, x, { axis: 2 }),
    Slice(x, [1], [3], [2]),
  ];
  for (const y of cases) {
    const c = b.input(b.fresh('c'), 'float32', y.shape);
    const error = t.throws<GraftError>(() => differentiate(b, new Map([[y, c]]), [x]));
    t.is(error.code, 'OPERATOR_SHAPE');
  }
});
