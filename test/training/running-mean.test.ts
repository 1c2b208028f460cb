// The mean of weights that come one after the other: each counts once, and numbers do not drift.

import test from 'ava';
import { elements, floats, tensor } from '../../src/base/index.js';
import { meanWith, roundedMean, type RunningMean } from '../../src/training/running-mean.js';

const weights = (...values: number[]) => new Map([['w', tensor('float32', [values.length], values)]]);
const meanOf = (sets: readonly ReturnType<typeof weights>[]) =>
  sets.reduce<RunningMean | undefined>((before, set) => meanWith(before, set), undefined)!;

test('1, 3, 5, 7 have the mean 4: the first is not counted twice', t => {
  const mean = meanOf([1, 3, 5, 7].map(value => weights(value)));
  t.is(mean.count, 4);
  t.deepEqual([...(elements(mean.mean.get('w')!) as Float64Array)], [4]);
  t.deepEqual([...floats(roundedMean(mean).get('w')!)], [4]);
});

test('the mean of equal weights is those weights, and it is exact where float32 is not', t => {
  const equal = weights(0.1, -1e-30, 3e38);
  const mean = meanOf(Array.from({ length: 50 }, () => equal));
  t.deepEqual([...roundedMean(mean).get('w')!.bytes], [...equal.get('w')!.bytes]);
  // a running mean in float32 stays at 1: the steps of 2⁻²⁴ / k are below half its last place
  const grown = [1, ...Array.from({ length: 99 }, () => 1 + 2 ** -23)].map(value => weights(value));
  const [found] = elements(meanOf(grown).mean.get('w')!) as Float64Array;
  t.true(Math.abs(found! - (1 + 0.99 * 2 ** -23)) < 1e-15);
});
