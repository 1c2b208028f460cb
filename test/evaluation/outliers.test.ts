import test from 'ava';
import { Random } from '../../src/base/index.js';
import { fitMahalanobis, fitOutliers, outlierScores, pool } from '../../src/evaluation/index.js';
import { drawnLogits } from './made-logits.js';

const near = (found: ArrayLike<number>, wanted: readonly number[], tolerance = 1e-5) =>
  found.length === wanted.length && wanted.every((one, i) => Math.abs(one - found[i]!) <= tolerance);

test('energy and max-logit by hand', t => {
  const logits = Float32Array.of(3, 1, 0, 2, 500, 500);
  // scipy.special.logsumexp
  t.true(
    near(outlierScores({ kind: 'energy' }, logits, 2), [-3.1269280110429727, -2.1269280110429727, -500.6931471806]),
  );
  t.true(near(outlierScores({ kind: 'max-logit' }, logits, 2), [-3, -2, -500]));
  t.true(near(outlierScores({ kind: 'energy' }, Float32Array.of(1, -Infinity), 2), [-1]));
});

test('known pictures are called unknown at most as often as asked, and not much less', t => {
  const random = new Random(1);
  const [n, trials, rate] = [39, 300, 0.1];
  let alarms = 0;
  for (let trial = 0; trial < trials; trial++) {
    const { logits } = drawnLogits(random, n + 50, 4);
    const scores = outlierScores({ kind: 'energy' }, logits, 4);
    const { threshold, expectedFalseAlarmRate } = fitOutliers(scores.slice(0, n), { falseAlarmRate: rate });
    t.is(expectedFalseAlarmRate, rate);
    alarms += scores.slice(n).filter(score => score > threshold).length / 50 / trials;
  }
  // the rate of one fit is Beta(4, 36): standard deviation 0.047; judged on 50: 0.042 more; over 300 trials 0.0037
  t.true(Math.abs(alarms - rate) < 4 * 0.0037);
});

test('strange pictures score higher by each kind', t => {
  const random = new Random(2);
  const known = drawnLogits(random, 400, 5, 6);
  const strange = drawnLogits(random, 100, 5, 0);
  for (const kind of ['energy', 'max-logit'] as const) {
    const { threshold } = fitOutliers(outlierScores({ kind }, known.logits, 5));
    t.true(outlierScores({ kind }, strange.logits, 5).filter(score => score > threshold).length > 80);
  }
  const detector = fitMahalanobis({ ...known, features: known.logits, width: 5 });
  const { threshold } = fitOutliers(outlierScores(detector, drawnLogits(random, 400, 5, 6).logits, 5));
  t.true(outlierScores(detector, strange.logits, 5).filter(score => score > threshold).length > 80);
});

test('too few pictures for the rate: nothing is called unknown, and it is said', t => {
  const found = fitOutliers(Float32Array.of(1, 2, 3), { falseAlarmRate: 0.05 });
  t.like(found, { never: true, needed: 19, count: 3, expectedFalseAlarmRate: 0 });
  t.is(found.threshold, 3.4028234663852886e38);
  t.is(Math.fround(found.threshold), found.threshold);
  t.false(fitOutliers(Float32Array.from({ length: 19 }, (_, i) => i)).never);
});

test('the energy of log-probabilities is 0 for every picture, which is said', t => {
  const { logits } = drawnLogits(new Random(3), 50, 100);
  const p = Float32Array.from(logits, z => Math.exp(z));
  for (let row = 0; row < 50; row++) {
    const own = p.subarray(row * 100, (row + 1) * 100);
    own.set(own.map(one => one / own.reduce((a, b) => a + b, 0)));
  }
  const pooled = pool([p, p], { classes: 100 }).logits;
  t.throws(() => fitOutliers(outlierScores({ kind: 'energy' }, pooled, 100)), { code: 'EVALUATION_OUTLIERS' });
  t.notThrows(() => fitOutliers(outlierScores({ kind: 'max-logit' }, pooled, 100)));
});

test('what cannot be scored or fitted is refused', t => {
  t.throws(() => outlierScores({ kind: 'energy' }, Float32Array.of(1, 2, 3), 2), { code: 'EVALUATION_SHAPE' });
  t.throws(() => outlierScores({ kind: 'max-logit' }, Float32Array.of(-Infinity, -Infinity), 2), {
    code: 'EVALUATION_NOT_FINITE',
  });
  t.throws(() => outlierScores({ kind: 'energy' }, Float32Array.of(Number.NaN, 1), 2), {
    code: 'EVALUATION_NOT_FINITE',
  });
  t.throws(() => fitOutliers(new Float32Array(0)), { code: 'EVALUATION_EMPTY' });
  t.throws(() => fitOutliers(Float32Array.of(1, 2), { falseAlarmRate: 1 }), { code: 'EVALUATION_OPTION' });
  t.throws(() => fitOutliers(Float32Array.of(1, Number.NaN)), { code: 'EVALUATION_NOT_FINITE' });
});
