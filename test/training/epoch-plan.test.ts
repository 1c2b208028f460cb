// Every picture is seen once an epoch, in steps of nearly equal size, and chance depends on seed and epoch alone.

import test from 'ava';
import fc from 'fast-check';
import { Random } from '../../src/base/index.js';
import { windowsOf, type Plan } from '../../src/training/epoch-plan.js';

const plan = (at: Partial<Plan>): Plan => ({
  count: 10,
  batch: 4,
  classes: 3,
  dropouts: [],
  random: new Random(3),
  rateAt: step => step / 10,
  averagingAt: step => 1 / step,
  ...at,
});

test('every picture once an epoch, in steps that differ by one picture at most', t => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 64 }), (count, batch) => {
      const windows = [...windowsOf(plan({ count, batch }), 2)];
      const seen = windows.flatMap(({ order }) => [...order].map(Number)).sort((a, b) => a - b);
      t.deepEqual(
        seen,
        Array.from({ length: count }, (_, i) => i),
      );
      const sizes = windows.map(window => window.batch);
      t.true(Math.max(...sizes) <= batch && Math.max(...sizes) - Math.min(...sizes) <= 1 && windows.length <= 2);
      const steps = windows.flatMap(({ step }) => [...step]);
      const perEpoch = Math.ceil(count / batch);
      t.deepEqual(
        steps,
        Array.from({ length: perEpoch }, (_, i) => perEpoch + 1 + i),
      );
      for (const { rate, averaging, step, order, steps: s, batch: b } of windows) {
        t.deepEqual(
          [...rate],
          [...step].map(at => Math.fround(at / 10)),
        );
        t.deepEqual(
          [...averaging],
          [...step].map(at => Math.fround(1 / at)),
        );
        t.is(order.length, s * b);
      }
    }),
    { numRuns: 60 },
  );
});

test('masks are 0 or 1 / (1 - rate), drop their share, and come again for the same epoch', t => {
  const dropouts = [
    { name: 'a', width: 50, rate: 0.25 },
    { name: 'b', width: 3, rate: 0.5 },
  ];
  const epoch = (number: number) => [...windowsOf(plan({ count: 400, batch: 32, dropouts }), number)];
  const [first, again, second] = [epoch(1), epoch(1), epoch(2)];
  t.deepEqual(first, again);
  t.notDeepEqual(first[0]!.order, second[0]!.order);
  t.notDeepEqual(first[0]!.masks.get('a'), second[0]!.masks.get('a'));
  const mask = first.flatMap(({ masks }) => [...masks.get('a')!]);
  t.is(mask.length, 400 * 50);
  t.deepEqual([...new Set(mask)].sort(), [0, Math.fround(4 / 3)]);
  // 20,000 draws: the standard deviation of the share is 0.003.
  t.true(Math.abs(mask.filter(at => at === 0).length / mask.length - 0.25) < 0.012);
});

test('masks and logits too large to be held at once make more windows of the same steps', t => {
  const sizes = (at: Partial<Plan>) =>
    [...windowsOf(plan({ count: 12, batch: 4, ...at }), 1)].map(({ steps, batch }) => [steps, batch]);
  const dropouts = [{ name: 'a', width: 1 << 21, rate: 0.5 }];
  const two = [
    [2, 4],
    [1, 4],
  ];
  t.deepEqual(sizes({ classes: 0, dropouts }), two);
  t.deepEqual(sizes({ classes: 1 << 21 }), two);
  t.is(sizes({ classes: 1 << 21, dropouts }).length, 3);
});
