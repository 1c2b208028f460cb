import test from 'ava';
import { Random } from '../../src/base/index.js';
import {
  evaluate,
  metricInterval,
  metrics,
  pairedDifference,
  pairedDifferences,
  type MetricName,
  type Predictions,
} from '../../src/evaluation/index.js';
import { made, madeSeveral } from './made.js';

const names = Object.keys(metrics) as MetricName[];
const close = (a: number, b: number, tolerance: number) => Math.abs(a - b) <= tolerance;

test('the interval of a mean difference is SciPy’s', t => {
  const found = pairedDifference(made(60, 4, 20, 2), made(60, 4, 40), 'negativeLogLikelihood', { resamples: 20000 });
  // scipy.stats.bootstrap((d,), np.mean, n_resamples=100000, method='percentile') of the losses' differences:
  // 0.0344 to 0.2846 around 0.1579; the standard error of an end is 0.002 of 20,000 drawings
  t.true(close(found.difference, 0.15789403765591356, 1e-7));
  t.true(close(found.low, 0.03437, 0.006), String(found.low));
  t.true(close(found.high, 0.28463, 0.006), String(found.high));
  t.is(found.verdict, 'worse');
  t.true(found.wins < 0.02);
});

test('first minus second; the verdict knows which way a metric is better', t => {
  const [good, bad] = [made(200, 3, 120), made(200, 3, 10)];
  for (const name of [
    'accuracy',
    'negativeLogLikelihood',
    'brierScore',
    'macroF1',
    'balancedAccuracy',
    'auroc',
  ] as const) {
    const found = pairedDifference(good, bad, name);
    t.true(close(found.first, evaluate(good)[name]!, 1e-12), name);
    t.true(close(found.difference, evaluate(good)[name]! - evaluate(bad)[name]!, 1e-12), name);
    t.true(found.low < found.difference && found.difference < found.high, name);
    t.is(found.verdict, 'better', name);
    t.is(found.wins, 1, name);
    const back = pairedDifference(bad, good, name);
    t.is(back.verdict, 'worse', name);
    t.true(close(back.low, -found.high, 1e-9), name);
  }
});

test('a network against itself: nothing, for certain', t => {
  const at = made(50, 3, 30);
  for (const name of names) {
    const { difference, low, high, wins, verdict } = pairedDifference(at, at, name, { resamples: 100 });
    t.deepEqual(
      { difference, low, high, wins, verdict },
      { difference: 0, low: 0, high: 0, wins: 0.5, verdict: 'unclear' },
    );
  }
});

test('many comparisons are the single ones', t => {
  const firsts = [made(60, 3, 40, 1), made(60, 3, 40, 2)];
  const second = made(60, 3, 40);
  const options = { resamples: 200, seed: 5 };
  const all = pairedDifferences(firsts, second, ['accuracy', 'brierScore'], options);
  firsts.forEach((first, f) =>
    (['accuracy', 'brierScore'] as const).forEach((name, m) =>
      t.deepEqual(all[f]![m], pairedDifference(first, second, name, options)),
    ),
  );
});

test('the seed decides, and nothing else', t => {
  const [one, other] = [made(60, 3, 40, 1), made(60, 3, 40)];
  const of = (seed: number) => pairedDifference(one, other, 'brierScore', { seed, resamples: 200 });
  t.deepEqual(of(1), of(1));
  t.notDeepEqual(of(1), of(2));
});

test('the interval of accuracy is Wilson’s at any level', t => {
  const ten: Predictions = {
    probabilities: Float32Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 0.9 : 0.1)),
    labels: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    classes: ['a', 'b'],
  };
  // scipy.stats.binomtest(9, 10).proportion_ci(level, 'wilson')
  for (const [level, low, high] of [
    [0.9, 0.6522813326641417, 0.9773650912691327],
    [0.95, 0.5958499732047615, 0.9821237869049271],
    [0.99, 0.49276822876710646, 0.9881484965889671],
  ] as const) {
    const found = metricInterval(ten, 'accuracy', { level });
    t.true(close(found.low, low, 1e-12) && close(found.high, high, 1e-12), `${found.low} ${found.high}`);
  }
});

test('95 % intervals of a likelihood hold the truth about 95 times of 100', t => {
  const random = new Random(7);
  const [repeats, count] = [300, 120];
  // −ln p of the truth, p = 0.05, 0.35, 0.65, 0.95 with equal chance
  const shares = [0.05, 0.35, 0.65, 0.95];
  const truth = shares.reduce((sum, p) => sum - Math.log(p) / 4, 0);
  let held = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const p = Array.from({ length: count }, () => shares[random.integer(4)]!);
    const probabilities = Float32Array.from(p.flatMap(q => [q, 1 - q]));
    const at = { probabilities, labels: new Uint8Array(count), classes: ['a', 'b'] };
    const { low, high } = metricInterval(at, 'negativeLogLikelihood', { resamples: 300, seed: repeat });
    held += Number(low <= truth && truth <= high);
  }
  // the spread of 300 repeats of 95 % is 1.3 %
  t.true(held / repeats > 0.9 && held / repeats < 0.985, String(held / repeats));
});

test('the interval of a calibration error holds the error', t => {
  // plain percentiles of this lie above it: what is drawn twice is less calibrated
  const random = new Random(3);
  const p = Array.from({ length: 400 }, () => 0.5 + random.uniform() / 2);
  const at = {
    probabilities: Float32Array.from(p.flatMap(q => [q, 1 - q])),
    labels: p.map(q => Number(random.uniform() >= q)),
    classes: ['a', 'b'],
  };
  for (const name of ['expectedCalibrationError', 'equalMassCalibrationError'] as const) {
    const { value, low, high } = metricInterval(at, name, { resamples: 400 });
    t.true(low >= 0 && low < value && value < high && high < 0.2, `${low} ${value} ${high}`);
  }
});

test('several labels are compared too', t => {
  const at = madeSeveral(40, 3);
  const worse = { ...at, probabilities: at.probabilities.map(p => 0.5 + (p - 0.5) / 10) };
  const found = pairedDifference(worse, at, 'negativeLogLikelihood', { resamples: 400 });
  t.true(close(found.first, evaluate(worse).negativeLogLikelihood, 1e-12));
  t.is(found.verdict, 'worse');
});

test('only answers to the same pictures are compared', t => {
  const at = made(30, 3, 40);
  const others: Predictions[] = [
    made(29, 3, 40),
    { ...at, classes: ['class 0', 'class 1', 'other'] },
    { ...at, labels: Array.from(at.labels, truth => (truth + 1) % 3) },
    madeSeveral(30, 3),
    made(30, 4, 40),
  ];
  for (const other of others) t.throws(() => pairedDifference(other, at, 'accuracy'), { code: 'EVALUATION_UNPAIRED' });
});

test('options are checked', t => {
  const at = made(30, 3, 40);
  for (const options of [{ resamples: 99 }, { resamples: 200.5 }, { level: 1 }, { level: Number.NaN }])
    t.throws(() => pairedDifference(at, at, 'accuracy', options), { code: 'EVALUATION_OPTION' });
  t.throws(() => metricInterval({ ...at, probabilities: new Float32Array(0), labels: [] }, 'accuracy'), {
    code: 'EVALUATION_EMPTY',
  });
});

test('a thousand pictures, two thousand drawings: within seconds on any machine', t => {
  const [one, other] = [made(1000, 10, 40, 1), made(1000, 10, 40)];
  const start = process.hrtime.bigint();
  pairedDifferences([one], other, ['accuracy', 'negativeLogLikelihood', 'brierScore']);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  t.log(`${seconds.toFixed(2)} s`);
  t.true(seconds < 5);
});
