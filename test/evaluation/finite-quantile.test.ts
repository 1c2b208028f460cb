import test from 'ava';
import { finiteQuantile } from '../../src/evaluation/finite-quantile.js';

const of = (n: number, share: number) =>
  finiteQuantile(
    Float64Array.from({ length: n }, (_, i) => n - i),
    share,
    'share',
  );

test('the ⌈(n + 1) · share⌉-th smallest', t => {
  t.is(of(9, 0.9).value, 9);
  t.is(of(10, 0.9).value, 10);
  t.is(of(19, 0.9).value, 18);
  t.is(of(3, 0.01).value, 1);
});

test('rounding does not lift a whole number: 0.1 · 30 is 3', t => {
  t.is(of(29, 0.1).value, 3);
  for (let n = 1; n < 400; n++) t.is(of(n, 0.5).rank, Math.ceil((n + 1) / 2));
  for (let m = 1; m < 40; m++) t.is(of(10 * m - 1, 0.7).rank, 7 * m);
});

test('values are needed until the rank is one of theirs', t => {
  for (const share of [0.5, 0.8, 0.9, 0.95, 0.99]) {
    const { needed } = of(1, share);
    t.is(of(needed - 1, share).value, undefined);
    t.is(of(needed, share).value, needed);
  }
});
