import test from 'ava';
import { Random } from '../../src/base/index.js';
import { applyCalibrator, fitTemperature, fitVector, negativeLogLikelihood } from '../../src/evaluation/index.js';
import { drawnLogits, madeLogits, madeSeveralLogits } from './made-logits.js';

const near = (found: readonly number[], wanted: readonly number[], tolerance = 1e-5) =>
  found.length === wanted.length && found.every((one, i) => Math.abs(one - wanted[i]!) <= tolerance);

// References: the loss at the top of vector-scaling.ts minimised by scipy.optimize.minimize (BFGS, gtol 1e-10, SciPy 1.17).
test('softmax: scales and shifts of three classes', t => {
  const found = fitVector(madeLogits(40, 3));
  t.true(near(found.scale, [0.9750109285, 1.0406321882, 1.1756458172]));
  t.true(near(found.shift, [0.0220478408, 0.0556689047, -0.0584251768]));
});

test('softmax: a weaker penalty moves further from the temperature', t => {
  const found = fitVector(madeLogits(40, 3), { strength: 1 });
  t.true(near(found.scale, [0.8941721628, 1.0033196677, 1.3646398697]));
  t.true(near(found.shift, [0.082401519, 0.1307797229, -0.1864243868]));
});

test('sigmoid: scales and shifts of three labels', t => {
  const found = fitVector(madeSeveralLogits(40, 3));
  t.true(near(found.scale, [0.4687518836, 0.551056332, 0.5053073799]));
  t.true(near(found.shift, [-0.2074056724, -0.3644721658, -0.2062376969]));
});

test('a strong penalty leaves one scale for all classes', t => {
  const { scale } = fitVector(madeLogits(40, 3), { strength: 1e6 });
  t.true(near(scale, [scale[0]!, scale[0]!, scale[0]!], 1e-3));
  t.true(scale[0]! > 0.5);
});

test('a bias of one class is taken out, which no temperature can', t => {
  const at = drawnLogits(new Random(1), 400, 3, 1);
  const biased = { ...at, logits: at.logits.map((z, i) => (i % 3 === 2 ? z + 3 : z)) };
  const { scale, shift } = fitVector(biased);
  const corrected = { ...at, logits: biased.logits.map((z, i) => z * scale[i % 3]! + shift[i % 3]!) };
  t.true(negativeLogLikelihood(corrected) < fitTemperature(biased).after - 0.15);
  t.true(Math.abs(negativeLogLikelihood(corrected) - negativeLogLikelihood(at)) < 0.02);
});

test('few pictures, all right, and a class that none has: everything stays finite and no answer is certain', t => {
  const at = { logits: Float32Array.of(9, 0, 0, 0, 9, 0), labels: [0, 1], classes: ['a', 'b', 'c'] };
  const found = fitVector(at);
  t.true([...found.scale, ...found.shift].every(one => Number.isFinite(one) && Math.abs(one) < 10));
  t.true(applyCalibrator(found, at).every(p => p > 0 && p < 1));
});

test('what cannot be fitted is refused', t => {
  const none = { logits: new Float32Array(0), labels: [], classes: ['a', 'b'] };
  t.throws(() => fitVector(none), { code: 'EVALUATION_EMPTY' });
  t.throws(() => fitVector(madeLogits(4, 2), { strength: 0 }), { code: 'EVALUATION_OPTION' });
  const bad = { ...madeLogits(1, 2), logits: Float32Array.of(1, Number.NaN) };
  t.throws(() => fitVector(bad), { code: 'EVALUATION_NOT_FINITE' });
});
