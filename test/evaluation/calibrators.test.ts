import test from 'ava';
import { applyCalibrator, applyTemperature, fitCalibrator, type Calibrator } from '../../src/evaluation/index.js';
import { madeLogits, madeSeveralLogits } from './made-logits.js';

const classes = ['a', 'b', 'c'];
const near = (found: Float32Array, wanted: readonly number[]) =>
  found.length === wanted.length && wanted.every((one, i) => Math.abs(one - found[i]!) <= 1e-6);

test('none and temperature are those of applyTemperature', t => {
  const at = madeLogits(10, 3);
  t.deepEqual(applyCalibrator({ kind: 'none' }, at), applyTemperature(at, 1));
  t.deepEqual(applyCalibrator({ kind: 'temperature', temperature: 2 }, at), applyTemperature(at, 2));
  t.deepEqual(
    applyCalibrator({ kind: 'temperature', temperature: 2 }, at, 'multi-label'),
    applyTemperature(at, 2, 'multi-label'),
  );
});

test('vector: softmax and sigmoid of scaled and shifted logits', t => {
  const vector: Calibrator = { kind: 'vector', scale: [1, 0.5, 2], shift: [0, 1, -1] };
  const at = { logits: Float32Array.of(1, 2, 0.5), classes };
  // z' = 1, 2, 0 (NumPy: exp(z') / sum, 1 / (1 + exp(−z')))
  t.true(near(applyCalibrator(vector, at), [0.24472847, 0.66524096, 0.09003057]));
  t.true(near(applyCalibrator(vector, at, 'multi-label'), [0.73105858, 0.88079708, 0.5]));
});

test('isotonic: straight between points, flat outside', t => {
  const isotonic: Calibrator = { kind: 'isotonic', points: [-1, 1, 2], values: [0.1, 0.5, 0.9] };
  const at = { logits: Float32Array.of(5, 0, 1, 1, 0, 1.25, 0, 9), classes: ['a', 'b'] };
  t.true(near(applyCalibrator(isotonic, at), [0.9, 0.1, 0.7, 0.3, 0.4, 0.6, 0.1, 0.9]));
});

test('a logit of −∞, the log of a probability 0, stays a probability', t => {
  const at = { logits: Float32Array.of(0, -Infinity), classes: ['a', 'b'] };
  const zero: Calibrator = { kind: 'vector', scale: [0, 0], shift: [0, 0] };
  t.true(near(applyCalibrator(zero, at), [0.5, 0.5]));
  t.true(near(applyCalibrator({ kind: 'isotonic', points: [0], values: [0.3] }, at), [0.7, 0.3]));
});

test('each kind is fitted with its defaults; without pictures there is nothing to fit', t => {
  const at = madeLogits(30, 2);
  for (const kind of ['none', 'temperature', 'vector', 'isotonic'] as const) {
    t.is(fitCalibrator(kind, at).kind, kind);
    t.deepEqual(fitCalibrator(kind, { ...at, logits: new Float32Array(0), labels: [] }), { kind: 'none' });
  }
  t.is(fitCalibrator('vector', madeSeveralLogits(30, 2)).kind, 'vector');
});

test('calibrators and classes that do not go together are refused', t => {
  const at = { logits: Float32Array.of(1, 2, 3), classes };
  const refused = (calibrator: Calibrator, over = at, task: 'single' | 'multi-label' = 'single') =>
    t.throws(() => applyCalibrator(calibrator, over, task), { code: 'EVALUATION_OPTION' });
  const two = { logits: Float32Array.of(1, 2), classes: ['a', 'b'] };
  refused({ kind: 'vector', scale: [1, 1], shift: [0, 0] });
  refused({ kind: 'vector', scale: [1, 1, Number.NaN], shift: [0, 0, 0] });
  refused({ kind: 'temperature', temperature: 0 });
  refused({ kind: 'isotonic', points: [0], values: [0.5] });
  refused({ kind: 'isotonic', points: [0], values: [0.5] }, two, 'multi-label');
  refused({ kind: 'isotonic', points: [1, 0], values: [0.5, 0.6] }, two);
  refused({ kind: 'isotonic', points: [0, 1], values: [0.5] }, two);
  refused({ kind: 'isotonic', points: [0, 1], values: [0.5, 1.5] }, two);
  t.throws(() => applyCalibrator({ kind: 'none' }, { ...at, classes: ['a', 'b'] }), { code: 'EVALUATION_SHAPE' });
  t.throws(() => applyCalibrator({ kind: 'none' }, { ...at, logits: Float32Array.of(1, 2, Number.NaN) }), {
    code: 'EVALUATION_NOT_FINITE',
  });
});
