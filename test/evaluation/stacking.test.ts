import test from 'ava';
import { Random } from '../../src/base/index.js';
import { applyStacking, fitStacking, negativeLogLikelihood } from '../../src/evaluation/index.js';
import { classes, labels, logits, near, pictures, targets } from './waves.js';

const names = ['0', '1', '2'];

test('the full form is scikit-learn’s logistic regression', t => {
  // LogisticRegression(C=1/(0.1 n), fit_intercept=False, tol=1e-10) on the members' logits and a column of ones
  const options = { classes, form: 'full', toward: 'zero', strengths: [0.1] } as const;
  const { weights, bias, negativeLogLikelihood: loss } = fitStacking(logits, { labels }, options);
  t.is(weights.length, 3 * 4 * 3);
  t.true(near(weights.subarray(0, 4), [0.16385720721149866, -0.3729231931809253, 0.3140201935556461, 0.28819325086599085], 1e-5)); // prettier-ignore
  t.true(near(bias, [0.1030671711579264, -0.021796951072767228, -0.08127022008515922], 1e-5));
  t.true(Math.abs(loss.fitted - 0.22903233163679354) < 1e-6);
  t.true(loss.outOfFold > loss.fitted);

  const several = fitStacking(logits, { targets }, options);
  t.true(near(several.weights.subarray(12, 15), [0.04274911847263195, -0.009385642523964448, -0.030307750604173192], 1e-5)); // prettier-ignore
  t.true(near(several.bias, [-0.013826023617595393, -0.005460741275171349, 0.013826023617595405], 1e-5));
});

test('one weight a member is SciPy’s minimum, written as a full matrix', t => {
  // scipy.optimize.minimize(mean loss + 0.05 (‖a − 1/4‖² + ‖b‖²), BFGS, gtol 1e-10)
  const found = fitStacking(logits, { labels }, { classes, form: 'per-member', strengths: [0.1] });
  const a = [1.1552877190376898, -0.3281641735463998, 0.9184609886912525, 0.5247451918054789];
  for (let k = 0; k < 3; k++)
    for (let m = 0; m < 4; m++)
      for (let j = 0; j < 3; j++) t.true(Math.abs(found.weights[(k * 4 + m) * 3 + j]! - (j === k ? a[m]! : 0)) < 1e-5);
  t.true(near(found.bias, [0.013746291822553233, 0.13006027946347812, -0.14380665607616136], 1e-5));
});

test('what is fitted is what is applied', t => {
  for (const form of ['full', 'per-member'] as const) {
    const found = fitStacking(logits, { labels }, { classes, form });
    const applied = applyStacking(logits, found);
    const loss = negativeLogLikelihood({ logits: applied.logits, labels, classes: names });
    t.true(Math.abs(loss - found.negativeLogLikelihood.fitted) < 1e-5, form);
    t.true(Math.abs(applied.probabilities.subarray(0, 3).reduce((x, y) => x + y, 0) - 1) < 1e-6);
  }
  const several = fitStacking(logits, { targets }, { classes, form: 'per-member' });
  const { logits: z, probabilities } = applyStacking(logits, several, 'multi-label');
  t.true(near(probabilities, [...z].map(x => 1 / (1 + Math.exp(-x))), 1e-6)); // prettier-ignore
});

test('a strong penalty leaves the mean of the members', t => {
  const { weights, bias } = fitStacking(logits, { labels }, { classes, form: 'full', strengths: [1e6] });
  const { logits: z } = applyStacking(logits, { weights, bias });
  const mean = z.map((_, i) => logits.reduce((sum, x) => sum + x[i]! / 4, 0));
  t.true(near(z, [...mean], 1e-3));
});

test('a label that was kept from a fit does not help its own picture', t => {
  // logits that say nothing: out of fold nobody can do better than the frequencies of the classes
  const random = new Random(3);
  const n = 90;
  const noise = Array.from({ length: 5 }, () => Float32Array.from({ length: n * 3 }, () => random.normal()));
  const truth = Array.from({ length: n }, () => random.integer(3));
  const { negativeLogLikelihood: loss, outOfFold } = fitStacking(noise, { labels: truth }, { classes: 3, form: 'full', toward: 'zero', strengths: [1e-4] }); // prettier-ignore
  t.true(loss.fitted < 1);
  t.true(loss.outOfFold > Math.log(3));
  t.is(outOfFold.length, n * 3);
});

test('the strength with the best unseen pictures is taken, the stronger of equals', t => {
  const { strength } = fitStacking(logits, { labels }, { classes, form: 'full' });
  const losses = new Map(
    [100, 10, 1, 0.1, 0.01, 0.001, 0.0001].map(one => [
      one,
      fitStacking(logits, { labels }, { classes, form: 'full', strengths: [one] }).negativeLogLikelihood.outOfFold,
    ]),
  );
  const least = Math.min(...losses.values());
  t.true(losses.get(strength)! <= least + 1e-4);
  const silent = [new Float32Array(pictures * 3)];
  t.is(fitStacking(silent, { targets: targets.map((_, i) => i % 2) }, { classes, strengths: [1, 2] }).strength, 2);
});

test('the form goes by the pictures there are for a class’s numbers', t => {
  // 60 pictures: 4 · 3 + 1 = 13 numbers a class want 130, one member's 4 want 40
  t.is(fitStacking(logits, { labels }, { classes }).form, 'per-member');
  t.is(fitStacking([logits[0]!], { labels }, { classes }).form, 'full');
});

test('the same seed gives the same fit', t => {
  const fit = (seed: number) => fitStacking(logits, { labels }, { classes, seed, strengths: [0.1, 1] });
  t.deepEqual(fit(1), fit(1));
  t.notDeepEqual(fit(1).outOfFold, fit(2).outOfFold);
});

test('a class of one picture, and two pictures in all, are borne', t => {
  const rare = labels.map((_, i) => (i === 7 ? 2 : i % 2));
  t.true(Number.isFinite(fitStacking(logits, { labels: rare }, { classes }).negativeLogLikelihood.outOfFold));
  const two = logits.map(z => z.slice(0, 6));
  t.true(Number.isFinite(fitStacking(two, { labels: [0, 1] }, { classes }).negativeLogLikelihood.outOfFold));
});

test('what cannot be fitted is refused', t => {
  for (const options of [
    { strengths: [] },
    { strengths: [0] },
    { strengths: [Number.NaN] },
    { folds: 1 },
    { folds: 2.5 },
  ])
    t.throws(() => fitStacking(logits, { labels }, { classes, ...options }), { code: 'EVALUATION_OPTION' });
  t.throws(() => fitStacking([], { labels }, { classes }), { code: 'EVALUATION_MEMBERS' });
  t.throws(() => fitStacking([Float32Array.of(1, 2, -Infinity)], { labels: [0] }, { classes }), { code: 'EVALUATION_NOT_FINITE' }); // prettier-ignore
  t.throws(() => fitStacking([Float32Array.of(1, 2, 3)], { labels: [0] }, { classes }), { code: 'EVALUATION_OPTION' });
  t.throws(() => applyStacking(logits, { weights: new Float32Array(3), bias: new Float32Array(3) }), { code: 'EVALUATION_SHAPE' }); // prettier-ignore
});
