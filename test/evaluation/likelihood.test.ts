import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { negativeLogLikelihood } from '../../src/evaluation/index.js';
import { logSumExp, softplus, surprise, surpriseOfNot } from '../../src/evaluation/likelihood.js';

const classes = ['a', 'b'];
const close = (a: number, b: number, tolerance = 1e-12) => Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));

test('equal logits cost ln 2 of two classes', t => {
  t.true(close(negativeLogLikelihood({ logits: Float32Array.of(0, 0), labels: [1], classes }), Math.LN2));
});

test('large logits neither overflow nor vanish', t => {
  // softmax(1000, 0): the truth at 0 costs 1000
  t.is(negativeLogLikelihood({ logits: Float32Array.of(1000, 0), labels: [1], classes }), 1000);
  t.is(negativeLogLikelihood({ logits: Float32Array.of(1000, 0), labels: [0], classes }), 0);
  // sigmoid cross-entropy: ln(1 + e^1000) = 1000
  t.is(negativeLogLikelihood({ logits: Float32Array.of(1000), targets: [0], classes: ['a'] }), 1000);
});

test('the temperature divides the logits', t => {
  const at = { logits: Float32Array.of(3, 1), labels: [1], classes };
  // ln(1 + e^((3 − 1) / 2))
  t.true(close(negativeLogLikelihood(at, 2), Math.log(1 + Math.E)));
  for (const temperature of [0, -1, Number.NaN])
    t.throws(() => negativeLogLikelihood(at, temperature), { code: 'EVALUATION_OPTION' });
});

test('of several labels the costs of a picture add up', t => {
  const found = negativeLogLikelihood({ logits: Float32Array.of(0, 0, 0, 0), targets: [1, 0, 0, 1], classes });
  t.true(close(found, 2 * Math.LN2));
});

test('a logit of −∞ is 126 ln 2 below the largest of its row', t => {
  const found = negativeLogLikelihood({ logits: Float32Array.of(5, -Infinity), labels: [1], classes });
  t.true(close(found, 126 * Math.LN2));
});

test('what is no logit is refused', t => {
  for (const bad of [Number.NaN, Infinity])
    t.throws(() => negativeLogLikelihood({ logits: Float32Array.of(bad, 0), labels: [0], classes }), {
      code: 'EVALUATION_NOT_FINITE',
    });
  t.throws(() => negativeLogLikelihood({ logits: Float32Array.of(-Infinity, -Infinity), labels: [0], classes }), {
    code: 'EVALUATION_NOT_FINITE',
  });
  t.throws(() => negativeLogLikelihood({ logits: new Float32Array(0), labels: [], classes }), {
    code: 'EVALUATION_EMPTY',
  });
});

test('surprise is clamped at the smallest normal float32, and never negative', t => {
  t.is(surprise(1), 0);
  t.is(surprise(1.0001), 0);
  t.true(close(surprise(0), 126 * Math.LN2));
  t.true(close(surpriseOfNot(1), 25 * Math.LN2));
  t.true(close(surpriseOfNot(0.25), -Math.log(0.75)));
});

testProp(
  'log-sum-exp and softplus are what their formulas say where those do not overflow',
  [fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 8 })],
  (t, values) => {
    t.true(
      close(logSumExp(values, 0, values.length), Math.log(values.reduce((sum, v) => sum + Math.exp(v), 0)), 1e-10),
    );
    t.true(close(softplus(values[0]!), Math.log1p(Math.exp(values[0]!)), 1e-10));
  },
);

test('log-sum-exp of nothing but −∞ is −∞', t => {
  t.is(logSumExp([-Infinity, -Infinity], 0, 2), -Infinity);
});
