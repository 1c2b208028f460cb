import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { wilson } from '../../src/evaluation/index.js';

// Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3.
const published = [
  { right: 81, count: 263, interval: [0.2553, 0.3662] },
  { right: 15, count: 148, interval: [0.0624, 0.1605] },
  { right: 0, count: 20, interval: [0, 0.1611] },
  { right: 1, count: 29, interval: [0.0061, 0.1718] },
] as const;

for (const { right, count, interval } of published)
  test(`${right} of ${count} is as published`, t => {
    t.deepEqual(
      wilson(right, count).map(end => Math.round(end * 1e4) / 1e4),
      [...interval],
    );
  });

test('of nothing nothing is known', t => {
  t.deepEqual(wilson(0, 0), [0, 1]);
});

testProp(
  'the interval holds the proportion, stays within 0 … 1, and turns over with it',
  [fc.integer({ min: 1, max: 100000 }).chain(n => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)))],
  (t, [right, count]) => {
    const [low, high] = wilson(right, count);
    t.true(0 <= low && low <= right / count && right / count <= high && high <= 1);
    const [otherLow, otherHigh] = wilson(count - right, count);
    t.true(Math.abs(1 - otherHigh - low) < 1e-12 && Math.abs(1 - otherLow - high) < 1e-12);
  },
);
