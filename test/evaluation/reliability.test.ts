import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { reliability, type Predictions } from '../../src/evaluation/index.js';

/** Pictures of two classes that say the first at these confidences, and are right or not. */
const saying = (...outcomes: readonly (readonly [confidence: number, right: boolean])[]): Predictions => ({
  probabilities: Float32Array.from(outcomes.flatMap(([p]) => [p, 1 - p])),
  labels: outcomes.map(([, right]) => (right ? 0 : 1)),
  classes: ['a', 'b'],
});
const counts = (bins: readonly { readonly count: number }[]) => bins.map(bin => bin.count);

test('fifteen bins of equal width, and their error by hand', t => {
  const found = reliability(saying([0.95, true], [0.97, false], [0.6, true]));
  t.is(found.bins.length, 15);
  t.is(found.count, 3);
  // 0.6 = 9/15 is the upper end of bin 8; 0.95 and 0.97 lie in the last, (14/15, 1]
  t.deepEqual(counts(found.bins), [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2]);
  t.true(Math.abs(found.expectedCalibrationError - ((2 / 3) * (0.96 - 0.5) + (1 / 3) * 0.4)) < 1e-7);
  t.true(Math.abs(found.confidence - 2.52 / 3) < 1e-7);
  t.is(found.accuracy, 2 / 3);
  const last = found.bins.at(-1)!;
  t.is(last.accuracy, 0.5);
  // Wilson of 1 of 2 is symmetric: 0.5 ± 0.4055
  t.deepEqual(
    last.accuracyInterval.map(end => Math.round(end * 1e4) / 1e4),
    [0.0945, 0.9055],
  );
});

test('an empty bin has no means', t => {
  const [first] = reliability(saying([1, true])).bins;
  t.deepEqual(first, {
    low: 0,
    high: 1 / 15,
    count: 0,
    confidence: null,
    accuracy: null,
    accuracyInterval: [0, 1],
  });
});

// (low, high]: an edge belongs to the bin below it, also where float32 and float64 round it differently
for (const bins of [3, 5, 7, 10, 15])
  test(`edges of ${bins} bins belong to the bin below`, t => {
    for (let edge = Math.ceil(bins / 2); edge <= bins; edge++) {
      const found = reliability(saying([edge / bins, true]), { bins }).bins;
      t.is(found[edge - 1]!.count, 1, `${edge}/${bins}`);
    }
  });

test('zero belongs to the first bin', t => {
  const found = reliability({ probabilities: Float32Array.of(0), targets: [0], classes: ['a'] });
  t.is(found.bins[0]!.count, 1);
  t.is(found.expectedCalibrationError, 0);
});

test('of several labels every answer is an outcome', t => {
  const found = reliability({ probabilities: Float32Array.of(0.9, 0.1), targets: [1, 0], classes: ['a', 'b'] });
  t.is(found.count, 2);
  t.true(Math.abs(found.expectedCalibrationError - 0.1) < 1e-7);
});

test('bins of equal mass never split equal confidences', t => {
  const at = saying([0.6, true], [0.75, true], [0.75, false], [0.75, true], [0.9, true], [0.95, true]);
  const { bins } = reliability(at, { bins: 3, by: 'mass' });
  // ranks 0 1 | 2 3 | 4 5, but the three of 0.75 stay together in the bin of the first of them
  t.deepEqual(counts(bins), [4, 2]);
  t.deepEqual(
    bins.map(({ low, high }) => [low, high]),
    [
      [Math.fround(0.6), 0.75],
      [Math.fround(0.9), Math.fround(0.95)],
    ],
  );
});

test('what is asked for must make sense', t => {
  t.throws(() => reliability(saying([1, true]), { bins: 0 }), { code: 'EVALUATION_OPTION' });
  t.throws(() => reliability(saying([1, true]), { bins: 1.5 }), { code: 'EVALUATION_OPTION' });
  t.throws(() => reliability(saying()), { code: 'EVALUATION_EMPTY' });
});

testProp(
  'bins hold every outcome once, and one bin leaves the plain difference',
  [
    fc.array(fc.tuple(fc.integer({ min: 50, max: 100 }), fc.boolean()), { minLength: 1, maxLength: 60 }),
    fc.integer({ min: 1, max: 20 }),
    fc.constantFrom('width' as const, 'mass' as const),
  ],
  (t, outcomes, bins, by) => {
    const at = saying(...outcomes.map(([p, right]) => [p / 100, right] as const));
    const found = reliability(at, { bins, by });
    t.is(
      counts(found.bins).reduce((a, b) => a + b, 0),
      outcomes.length,
    );
    const one = reliability(at, { bins: 1, by });
    t.true(Math.abs(one.expectedCalibrationError - Math.abs(one.accuracy - one.confidence)) < 1e-9);
    // by Jensen's inequality finer bins of one confidence each only find more
    t.true(found.expectedCalibrationError >= one.expectedCalibrationError - 1e-9);
  },
);
