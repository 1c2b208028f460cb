// SWAG: mean, variance and deviations by hand, and samples that have the covariance of Maddox's formula.

import test from 'ava';
import { floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import { batchStatistics, sampleSwag, swagOf, type WeightSet } from '../../src/ensembles/index.js';
import { smallNetwork } from '../small-network.js';

const row = (...values: readonly number[]): Tensor => tensor('float32', [values.length], values);
const sets = (...rows: readonly (readonly number[])[]): WeightSet[] =>
  rows.map(v => new Map([['w', row(...v)], ['frozen', row(0.1, 0.2)]])); // prettier-ignore

test('mean and variance are of all sets, deviations from the mean of their time', t => {
  const swag = swagOf(sets([1], [3], [5], [7]), { rank: 3 });
  t.deepEqual([...floats(swag.weights.get('w')!)], [4]);
  const { mean, variance, deviations } = swag.moved.get('w')!;
  t.deepEqual([...mean], [4]);
  t.deepEqual([...variance], [5]); // (9 + 1 + 1 + 9) / 4
  // running means 1, 2, 3, 4; the last three deviations
  t.deepEqual(deviations.map(([d]) => d), [1, 2, 3]); // prettier-ignore
  t.is(swag.count, 4);
  t.false(swag.moved.has('frozen'));
});

test('samples have variance/2 + D Dᵀ / 2(K − 1), the mean in the middle; the seed decides', t => {
  const swag = swagOf(sets([1, 0], [3, 1], [5, -1], [7, 2]));
  const { variance, deviations } = swag.moved.get('w')!;
  const draws = Array.from({ length: 20_000 }, (_, i) => [...floats(sampleSwag(swag, new Random(i)).get('w')!)]);
  const mean = [0, 1].map(i => draws.reduce((a, d) => a + d[i]!, 0) / draws.length);
  t.true(Math.abs(mean[0]! - 4) < 0.05 && Math.abs(mean[1]! - 0.5) < 0.05);
  for (const [i, j] of [
    [0, 0],
    [0, 1],
    [1, 1],
  ] as const) {
    // prettier-ignore
    const found = draws.reduce((a, d) => a + (d[i]! - mean[i]!) * (d[j]! - mean[j]!), 0) / draws.length;
    const low = deviations.reduce((a, d) => a + d[i]! * d[j]!, 0) / (2 * (deviations.length - 1));
    const wanted = low + (i === j ? variance[i]! / 2 : 0);
    t.true(Math.abs(found - wanted) < 0.12, `covariance ${i} ${j}: ${found} for ${wanted}`);
  }
  t.deepEqual(sampleSwag(swag, new Random(7)), sampleSwag(swag, new Random(7)));
  t.notDeepEqual(sampleSwag(swag, new Random(7)), sampleSwag(swag, new Random(8)));
});

test('what never moved stays, bit for bit; scale 0 is the mean', t => {
  const swag = swagOf(sets([1], [3]));
  const drawn = sampleSwag(swag, new Random(1));
  t.deepEqual(drawn.get('frozen'), row(0.1, 0.2));
  t.deepEqual([...floats(sampleSwag(swag, new Random(1), { scale: 0 }).get('w')!)], [2]);
  t.deepEqual(sampleSwag(swagOf(sets([1])), new Random(1)).get('w'), row(1));
});

test('a clamp is a least variance of what moved', t => {
  const { variance } = swagOf(sets([1, 1], [1, 3]), { clamp: 0.25 }).moved.get('w')!;
  t.deepEqual([...variance], [0.25, 1]);
});

test('statistics of BatchNormalization are averaged, never drawn', t => {
  const networks = ['a', 'b', 'c'].map(seed => smallNetwork({ seed }).graph);
  const swag = swagOf(networks.map(({ initializers }) => initializers), { graph: networks[0]! }); // prettier-ignore
  t.is(swag.statistics.length, 4);
  for (const { mean, variance } of batchStatistics(networks[0]!))
    t.false(swag.moved.has(mean) || swag.moved.has(variance));
  t.true(swag.moved.has('fc.weight'));
});

test('impossible options are refused by name', t => {
  t.throws(() => swagOf(sets([1], [2]), { rank: 1 }), { code: 'ENSEMBLE_OPTION', message: /rank/ });
  t.throws(() => swagOf(sets([1], [2]), { clamp: -1 }), { code: 'ENSEMBLE_OPTION', message: /clamp/ });
  t.throws(() => sampleSwag(swagOf(sets([1])), new Random(1), { scale: -1 }), { code: 'ENSEMBLE_OPTION' });
});
