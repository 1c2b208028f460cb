import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { evaluate, isMultiLabelEvaluation, type MultiLabel, type SingleLabel } from '../../src/evaluation/index.js';

const close = (a: number, b: number, tolerance = 1e-7) => Math.abs(a - b) <= tolerance;

/** Six pictures of three classes; predicted 0 0 1 1 2 0, true 0 1 1 1 2 2. */
const six: SingleLabel = {
  probabilities: Float32Array.of(
    0.7,
    0.2,
    0.1,
    0.5,
    0.4,
    0.1,
    0.1,
    0.8,
    0.1,
    0.2,
    0.5,
    0.3,
    0.1,
    0.1,
    0.8,
    0.6,
    0,
    0.4,
  ),
  labels: [0, 1, 1, 1, 2, 2],
  classes: ['ants', 'bees', 'wasps'],
};

test('one label a picture: every figure by hand', t => {
  const found = evaluate(six);
  t.is(found.split, 'test');
  t.is(found.count, 6);
  t.is(found.accuracy, 4 / 6);
  t.deepEqual(found.labels, six.classes);
  t.deepEqual(found.confusion, [
    [1, 0, 0],
    [1, 2, 0],
    [1, 0, 1],
  ]);
  // −(ln 0.7 + ln 0.4 + ln 0.8 + ln 0.5 + ln 0.8 + ln 0.4) / 6
  t.true(close(found.negativeLogLikelihood, -Math.log(0.7 * 0.4 * 0.8 * 0.5 * 0.8 * 0.4) / 6));
  // rows: 0.14, 0.25 + 0.36 + 0.01, 0.06, 0.04 + 0.25 + 0.09, 0.06, 0.36 + 0 + 0.36
  t.true(close(found.brierScore, (0.14 + 0.62 + 0.06 + 0.38 + 0.06 + 0.72) / 6));
  // bins of 1/15: {0.7} {0.5, 0.5} {0.8, 0.8} {0.6}; gaps 0.3, |0.5 − 0.5|, 0.2, 0.6, by 1, 2, 2 and 1 of 6
  t.true(close(found.expectedCalibrationError, (0.3 + 0 + 2 * 0.2 + 0.6) / 6));
  // areas: in each column the pictures of the class have more than all others, 5, 9 and 8 pairs in order
  t.deepEqual(found.perClass, [
    { label: 'ants', support: 1, precision: 1 / 3, recall: 1, f1: 1 / 2, auroc: 5 / 5 },
    { label: 'bees', support: 3, precision: 1, recall: 2 / 3, f1: 4 / 5, auroc: 9 / 9 },
    { label: 'wasps', support: 2, precision: 1, recall: 1 / 2, f1: 2 / 3, auroc: 8 / 8 },
  ]);
  t.deepEqual(found.errors, []);
  t.false(isMultiLabelEvaluation(found));
});

test('a class that is never given has no precision, one that nothing has no recall', t => {
  const { perClass } = evaluate({ probabilities: Float32Array.of(1, 0), labels: [0], classes: ['ants', 'bees'] });
  t.deepEqual(perClass[1], { label: 'bees', support: 0, precision: null, recall: null, f1: null, auroc: null });
});

test('of equal probabilities the first class is the one predicted', t => {
  t.is(evaluate({ probabilities: Float32Array.of(0.5, 0.5), labels: [0], classes: ['a', 'b'] }).accuracy, 1);
  t.is(evaluate({ probabilities: Float32Array.of(0.5, 0.5), labels: [1], classes: ['a', 'b'] }).accuracy, 0);
});

test('a sure mistake costs 126 ln 2, not infinity', t => {
  const { negativeLogLikelihood } = evaluate({
    probabilities: Float32Array.of(1, 0),
    labels: [1],
    classes: ['ants', 'bees'],
  });
  t.true(close(negativeLogLikelihood, 126 * Math.LN2, 1e-12));
});

const two: MultiLabel = {
  probabilities: Float32Array.of(0.9, 0.4, 0.2, 0.8),
  targets: [1, 1, 0, 1],
  classes: ['beach', 'sea'],
};

test('several labels a picture: every figure by hand', t => {
  const found = evaluate(two, { split: 'val' });
  t.is(found.split, 'val');
  t.is(found.count, 2);
  // the first picture misses "sea"; the whole of the second is right
  t.is(found.accuracy, 1 / 2);
  t.true(close(found.negativeLogLikelihood, -Math.log(0.9 * 0.4 * 0.8 * 0.8) / 2));
  t.true(close(found.brierScore, (0.01 + 0.36 + 0.04 + 0.04) / 2));
  t.true(close(found.expectedCalibrationError, (0.1 + 0.6 + 0.2 + 0.2) / 4));
  // scikit-learn's multilabel_confusion_matrix: [[tn, fp], [fn, tp]] for each label
  t.deepEqual(found.confusion, [
    [
      [1, 0],
      [0, 1],
    ],
    [
      [0, 0],
      [1, 1],
    ],
  ]);
  t.deepEqual(found.perClass, [
    { label: 'beach', support: 1, precision: 1, recall: 1, f1: 1, auroc: 1 },
    { label: 'sea', support: 2, precision: 1, recall: 1 / 2, f1: 2 / 3, auroc: null },
  ]);
  t.true(isMultiLabelEvaluation(found));
});

test('the threshold decides what is given', t => {
  t.is(evaluate(two, { threshold: 0.3 }).accuracy, 1);
  t.is(evaluate(two, { threshold: 0.85 }).accuracy, 0);
  t.throws(() => evaluate(two, { threshold: 1.1 }), { code: 'EVALUATION_OPTION' });
  t.throws(() => evaluate(two, { threshold: Number.NaN }), { code: 'EVALUATION_OPTION' });
});

test('without pictures there is nothing to judge', t => {
  t.throws(() => evaluate({ probabilities: new Float32Array(0), labels: [], classes: ['a'] }), {
    code: 'EVALUATION_EMPTY',
  });
});

test('files that could not be read are listed and counted nowhere', t => {
  const errors = [{ file: 'x.jpg', error: { code: 'IMAGE_TRUNCATED', message: 'it ends early' } }];
  const found = evaluate(six, { errors });
  t.is(found.count, 6);
  t.deepEqual(found.errors, errors);
});

testProp(
  'the order of pictures does not matter',
  [fc.array(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.nat({ max: 1 })), { minLength: 1, maxLength: 40 })],
  (t, rows) => {
    const of = (pictures: readonly (readonly [number, number])[]) =>
      evaluate({
        probabilities: Float32Array.from(pictures.flatMap(([p]) => [p / 100, 1 - p / 100])),
        labels: pictures.map(([, label]) => label),
        classes: ['a', 'b'],
      });
    const [one, other] = [of(rows), of([...rows].reverse())];
    t.deepEqual(one.confusion, other.confusion);
    t.is(one.accuracy, other.accuracy);
    for (const key of ['negativeLogLikelihood', 'brierScore', 'expectedCalibrationError'] as const)
      t.true(close(one[key], other[key], 1e-9));
  },
);
