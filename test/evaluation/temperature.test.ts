import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { applyTemperature, fitTemperature, negativeLogLikelihood, type Logits } from '../../src/evaluation/index.js';

const close = (a: number, b: number, tolerance = 1e-6) => Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));

const five: Logits = {
  logits: Float32Array.of(2, 0, -1, 0.5, 1.5, 0, 3, 1, 2.5, -1, 0.2, 0.4, 1, 2, 0),
  labels: [0, 1, 2, 2, 0],
  classes: ['a', 'b', 'c'],
};
const three: Logits = {
  logits: Float32Array.of(2, -1, 0.5, 1, -2, 0.3),
  targets: [1, 0, 1, 1, 1, 0],
  classes: ['a', 'b'],
};

// References: golden-section search over ln T of the same loss in NumPy, float64.
test('softmax: the likeliest temperature, bare and smoothed', t => {
  const bare = fitTemperature(five, { smoothing: 0 });
  t.true(close(bare.temperature, 0.8573771856));
  t.true(close(bare.before, 0.76441332));
  t.true(close(bare.after, 0.75963911));
  t.false(bare.atBound);
  // the default is 1 / 2(5 + 1)
  t.true(close(fitTemperature(five).temperature, 0.9917889107));
});

test('sigmoid: the likeliest temperature, bare and smoothed', t => {
  const bare = fitTemperature(three, { smoothing: 0 });
  t.true(close(bare.temperature, 2.2293974389));
  t.true(close(bare.before, 1.4029372086));
  t.true(close(bare.after, 1.3062296362));
  t.true(close(fitTemperature(three).temperature, 2.5809928062));
});

test('a small set that is all right wants certainty: the bare likelihood runs to the bound, the default does not', t => {
  const right: Logits = { logits: Float32Array.of(2, 0, 0, 2), labels: [0, 1], classes: ['a', 'b'] };
  t.like(fitTemperature(right, { smoothing: 0 }), { temperature: 0.01, atBound: true });
  // ε = 1/6 of two classes leaves 11/12 for the truth: e^(2/T) = 11
  const found = fitTemperature(right);
  t.true(close(found.temperature, 2 / Math.log(11)));
  t.false(found.atBound);
});

test('a set that is all wrong wants no confidence at all', t => {
  const wrong: Logits = { logits: Float32Array.of(2, 0, 0, 2), labels: [1, 0], classes: ['a', 'b'] };
  t.like(fitTemperature(wrong), { temperature: 100, atBound: true });
});

test('logits that say nothing leave the temperature at one', t => {
  const flat: Logits = { logits: Float32Array.of(1, 1, 3, 3), labels: [0, 1], classes: ['a', 'b'] };
  t.like(fitTemperature(flat), { temperature: 1, atBound: false });
});

test('bounds hold', t => {
  t.like(fitTemperature(five, { smoothing: 0, bounds: [1, 5] }), { temperature: 1, atBound: true });
});

test('what cannot be fitted is refused', t => {
  const code = 'EVALUATION_OPTION';
  t.throws(() => fitTemperature(five, { smoothing: 1.5 }), { code });
  t.throws(() => fitTemperature(five, { bounds: [2, 1] }), { code });
  t.throws(() => fitTemperature(five, { bounds: [0, 1] }), { code });
  t.throws(() => fitTemperature({ ...five, logits: new Float32Array(0), labels: [] }), { code: 'EVALUATION_EMPTY' });
});

testProp(
  'no temperature nearby is likelier, and logits times a factor want that factor more',
  [
    fc.array(fc.tuple(fc.double({ min: -4, max: 4, noNaN: true }), fc.nat({ max: 1 })), {
      minLength: 4,
      maxLength: 30,
    }),
    fc.double({ min: 0.5, max: 2, noNaN: true }),
  ],
  (t, rows, factor) => {
    const of = (scale: number): Logits => ({
      logits: Float32Array.from(rows.flatMap(([z]) => [scale * z, 0])),
      labels: rows.map(([, label]) => label),
      classes: ['a', 'b'],
    });
    const found = fitTemperature(of(1), { smoothing: 0 });
    for (const nearby of [0.9, 1.1]) {
      const temperature = Math.min(100, Math.max(0.01, found.temperature * nearby));
      t.true(negativeLogLikelihood(of(1), temperature) >= found.after - 1e-9);
    }
    const scaled = fitTemperature(of(factor), { smoothing: 0 });
    if (!found.atBound && !scaled.atBound && found.after < found.before)
      t.true(close(negativeLogLikelihood(of(factor), found.temperature * factor), scaled.after, 1e-5));
  },
);

test('applying a temperature: softmax and sigmoid of the divided logits', t => {
  const at = { logits: Float32Array.of(1, 2, 3), classes: ['a', 'b', 'c'] };
  // NumPy: exp(z / 2) / sum, 1 / (1 + exp(−z / 2))
  const softmax = [0.18632372, 0.30719589, 0.50648039];
  const sigmoid = [0.62245933, 0.73105858, 0.81757448];
  applyTemperature(at, 2).forEach((p, i) => t.true(close(p, softmax[i]!)));
  applyTemperature(at, 2, 'multi-label').forEach((p, i) => t.true(close(p, sigmoid[i]!)));
});

test('applying a temperature never overflows', t => {
  t.deepEqual([...applyTemperature({ logits: Float32Array.of(1e4, 0), classes: ['a', 'b'] }, 0.01)], [1, 0]);
  t.deepEqual(
    [...applyTemperature({ logits: Float32Array.of(1e4, -1e4), classes: ['a', 'b'] }, 0.01, 'multi-label')],
    [1, 0],
  );
});

test('what a temperature cannot be applied to is refused', t => {
  t.throws(() => applyTemperature({ logits: Float32Array.of(1, 2, 3), classes: ['a', 'b'] }, 1), {
    code: 'EVALUATION_SHAPE',
  });
  t.throws(() => applyTemperature({ logits: Float32Array.of(1, 2), classes: ['a', 'b'] }, 0), {
    code: 'EVALUATION_OPTION',
  });
});
