import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { applyCalibrator, fitIsotonic } from '../../src/evaluation/index.js';
import { madeLogits } from './made-logits.js';

const classes = ['ants', 'bees'];
const near = (found: readonly number[], wanted: readonly number[]) =>
  found.length === wanted.length && found.every((one, i) => Math.abs(one - wanted[i]!) <= 1e-6);
const ofMargins = (margins: readonly number[], labels: readonly number[]) => ({
  logits: Float32Array.from(margins.flatMap(margin => [0, margin])),
  labels,
  classes,
});

// Reference: sklearn.isotonic.IsotonicRegression (1.9) on the 24 margins and, of weight ½ each, a 1 at the least and a 0
// at the largest margin; points are the mean margins of the pictures that share a value.
test('blocks of margins and their shares', t => {
  const found = fitIsotonic(madeLogits(24, 2));
  t.true(near(found.values, [0.0434782609, 0.5, 0.625, 0.6666666667]));
  t.true(near(found.points, [-1.9772727760401638, 0.020833343267440796, 1.7291666753590107, 3.375]));
});

test('equal margins are one block, whatever their labels', t => {
  // margin −1: 0, margin 0: 0 1 1, margin 1: 1 1; the ends have half a picture each
  const { points, values } = fitIsotonic(ofMargins([0, 1, 0, 1, -1, 0], [0, 1, 1, 1, 0, 1]));
  t.true(near(points, [-1, 0, 1]));
  t.true(near(values, [0.5 / 1.5, 2 / 3, 2 / 2.5]));
});

test('a set that is all right is not taken for certain', t => {
  const { points, values } = fitIsotonic(ofMargins([-2, -1, 1, 2], [0, 0, 1, 1]));
  t.true(near(points, [-1.5, 1.5]));
  t.true(near(values, [0.5 / 2.5, 2 / 2.5]));
});

test('margins that say nothing leave the share of the classes', t => {
  const { points, values } = fitIsotonic(ofMargins([1, 1, 1], [0, 0, 1]));
  t.true(near(points, [1]));
  t.true(near(values, [1.5 / 4]));
});

test('one class alone: half a picture of the other at each end', t => {
  const { values } = fitIsotonic(ofMargins([1, 2, 3], [1, 1, 1]));
  t.true(near(values, [3.5 / 4]));
});

testProp(
  'the function rises, keeps the order of pictures, and lies strictly within 0 and 1',
  [
    fc.array(fc.tuple(fc.float({ min: -20, max: 20, noNaN: true }), fc.nat({ max: 1 })), {
      minLength: 1,
      maxLength: 40,
    }),
  ],
  (t, rows) => {
    const at = ofMargins(
      rows.map(([margin]) => margin),
      rows.map(([, label]) => label),
    );
    const found = fitIsotonic(at);
    t.true(found.points.every((point, i) => i === 0 || point > found.points[i - 1]!));
    t.true(found.values.every((value, i) => i === 0 || value > found.values[i - 1]!));
    t.true(found.values[0]! > 0 && found.values.at(-1)! < 1);
    const p = applyCalibrator(found, at);
    const order = rows.map((_, row) => row).sort((a, b) => rows[a]![0] - rows[b]![0]);
    t.true(order.every((row, i) => i === 0 || p[2 * row + 1]! >= p[2 * order[i - 1]! + 1]!));
  },
);

test('what isotonic steps cannot be fitted to is refused', t => {
  t.throws(() => fitIsotonic(madeLogits(6, 3)), { code: 'EVALUATION_OPTION' });
  t.throws(() => fitIsotonic({ logits: Float32Array.of(1, 2), targets: [0, 1], classes }), {
    code: 'EVALUATION_OPTION',
  });
  t.throws(() => fitIsotonic({ logits: new Float32Array(0), labels: [], classes }), { code: 'EVALUATION_EMPTY' });
});
