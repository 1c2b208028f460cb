import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { evaluate, metricInterval, metrics, type MetricName, type Predictions } from '../../src/evaluation/index.js';
import { statisticOf } from '../../src/evaluation/metrics.js';
import { made, madeSeveral } from './made.js';

const close = (a: number | null, b: number, tolerance = 1e-7) => a !== null && Math.abs(a - b) <= tolerance;

// scikit-learn 1.9.1: accuracy_score, balanced_accuracy_score, f1_score(average='macro'), roc_auc_score(multi_class='ovr');
// likelihood, Brier score and calibration errors from their formulas in NumPy, float64
const four = {
  accuracy: 0.6833333333333333,
  balancedAccuracy: 0.7250000000000001,
  macroF1: 0.6943065998329156,
  auroc: 0.8769375,
  negativeLogLikelihood: 1.03396384996245,
  expectedCalibrationError: 0.27899174541234967,
  equalMassCalibrationError: 0.3121984387437503,
  brierScore: 0.569255078285654,
};
const two = {
  accuracy: 0.7,
  balancedAccuracy: 0.7156862745098038,
  macroF1: 0.6899545266639107,
  auroc: 0.838680926916221,
  negativeLogLikelihood: 0.5489077648800884,
  expectedCalibrationError: 0.139752539396286,
  equalMassCalibrationError: 0.2305726683139801,
  brierScore: 0.368722682102218,
};

for (const [what, predictions, wanted] of [
  ['four classes', made(60, 4, 40), four],
  ['two classes', made(50, 2, 30), two],
] as const)
  test(`${what}: every figure as scikit-learn and NumPy have it`, t => {
    const found = evaluate(predictions);
    for (const [name, value] of Object.entries(wanted))
      t.true(close(found[name as MetricName], value), `${name}: ${found[name as MetricName]}, wanted ${value}`);
  });

test('class by class as scikit-learn has it: f1_score(average=None), roc_auc_score of each against the rest', t => {
  const { perClass } = evaluate(made(60, 4, 40));
  [0.6111111111111112, 0.72, 0.6842105263157895, 0.7619047619047619].forEach((f1, k) =>
    t.true(close(perClass[k]!.f1, f1)),
  );
  [0.77125, 0.93, 0.8825, 0.924].forEach((area, k) => t.true(close(perClass[k]!.auroc, area)));
});

test('a class without pictures has no area and is left out of the mean; given wrongly, its F1 is 0 and counts', t => {
  const at = made(60, 4, 40);
  const found = evaluate({ ...at, labels: Array.from(at.labels, truth => (truth === 3 ? 0 : truth)) });
  // scikit-learn: balanced_accuracy_score over three classes, f1_score over four, mean of three roc_auc_score
  t.is(found.perClass[3]!.auroc, null);
  t.is(found.perClass[3]!.f1, 0);
  t.true(close(found.auroc, 0.8452777777777779));
  t.true(close(found.balancedAccuracy, 0.65));
  t.true(close(found.macroF1, 0.48148741418764296));
});

test('several labels: means over labels, calibration over every answer', t => {
  const found = evaluate(madeSeveral(40, 3));
  // scikit-learn 1.9.1, average='macro', zero_division=nan; balanced accuracy the mean of its three columns
  t.true(close(found.accuracy, 0.325));
  t.true(close(found.macroF1, 0.6761904761904761));
  t.true(close(found.auroc, 0.8041666666666667));
  t.true(close(found.balancedAccuracy, 0.6833333333333332));
  t.true(close(found.expectedCalibrationError, 0.07174479166666665));
  t.true(close(found.equalMassCalibrationError, 0.09244791666666664));
});

test('equal probabilities count half: all equal is chance', t => {
  const flat: Predictions = { probabilities: new Float32Array(8).fill(0.5), labels: [0, 1, 1, 1], classes: ['a', 'b'] };
  t.is(evaluate(flat).auroc, 0.5);
  // one pair of three is a tie, two are in order: (½ + 1 + 1) / 3
  const p = [0.5, 0.5, 0.7, 0.8];
  const tied = {
    probabilities: Float32Array.from(p.flatMap(q => [1 - q, q])),
    labels: [0, 1, 1, 1],
    classes: ['a', 'b'],
  };
  t.true(close(evaluate(tied).auroc, 2.5 / 3, 1e-12));
});

test('what nothing is said about is null', t => {
  const one = evaluate({ probabilities: Float32Array.of(1, 1), labels: [0, 0], classes: ['a'] });
  t.is(one.auroc, null);
  t.is(one.balancedAccuracy, 1);
  const none = evaluate({ probabilities: Float32Array.of(0.1, 0.2), targets: [0, 0], classes: ['a'] });
  t.is(none.auroc, null);
  t.is(none.macroF1, null);
  t.is(none.balancedAccuracy, null);
  t.throws(() => metricInterval({ probabilities: Float32Array.of(1), labels: [0], classes: ['a'] }, 'auroc'), {
    code: 'EVALUATION_UNDEFINED',
  });
});

const names = Object.keys(metrics) as MetricName[];

testProp(
  'a picture that counts twice is two pictures, in every metric and both tasks',
  [
    fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 12 }),
        fc.nat({ max: 2 }),
        fc.nat({ max: 3 }),
      ),
      {
        minLength: 1,
        maxLength: 30,
      },
    ),
    fc.boolean(),
  ],
  (t, rows, several) => {
    const classes = ['a', 'b', 'c'];
    const of = (pictures: typeof rows): Predictions =>
      several
        ? {
            probabilities: Float32Array.from(pictures.flatMap(([a, b, c]) => [a / 12, b / 12, c / 2])),
            targets: pictures.flatMap(([a, , c]) => [a % 2, Number(c === 0), Number(c > 0)]),
            classes,
          }
        : {
            probabilities: Float32Array.from(
              pictures.flatMap(([a, b]) => [(a + 1) / (a + b + 3), (b + 1) / (a + b + 3), 1 / (a + b + 3)]),
            ),
            labels: pictures.map(([, , c]) => c),
            classes,
          };
    const counts = rows.map(([, , , times]) => times);
    const drawn = rows.flatMap(row => Array.from({ length: row[3] }, () => row));
    fc.pre(drawn.length > 0);
    const wanted = evaluate(of(drawn));
    for (const name of names) {
      const found = statisticOf(name, of(rows))(Uint32Array.from(counts));
      if (wanted[name] === null) t.is(found, null, name);
      else t.true(close(found, wanted[name], 1e-9), `${name}: ${found} and ${wanted[name]}`);
    }
  },
);
