// What cannot be written in standard operators in a few lines is refused by name, and only where it should train.

import test, { type ExecutionContext } from 'ava';
import { differentiate } from '../../src/autodiff/index.js';
import type { GraftError } from '../../src/base/index.js';
import { Builder, type Value } from '../../src/graph/index.js';
import { microsoft } from '../../src/operators/index.js';

const refusal = (t: ExecutionContext, x: Value, y: Value) =>
  t.throws<GraftError>(() => differentiate(x.builder, new Map([[y, y]]), [x]));

test('an unknown activation and a masked attention have no gradient', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', [1, 2, 5, 5]);
  const made = microsoft.FusedConv(x, b.input('w', 'float32', [3, 2, 3, 3]), { activation: 'Swoosh' });
  const error = refusal(t, x, made);
  t.is(error.code, 'OPERATOR_NOT_DIFFERENTIABLE');
  t.regex(error.message, /FusedConv.*Swoosh/);
  const input = b.input('input', 'float32', [2, 3, 8]);
  const weights = b.input('weights', 'float32', [8, 24]);
  const causal = microsoft.Attention(input, weights, undefined, { num_heads: 2, unidirectional: 1 });
  t.like(refusal(t, input, causal), { code: 'OPERATOR_NOT_DIFFERENTIABLE' });
});

test('a named batch stays named through what an operator is written in', t => {
  const b = new Builder();
  const input = b.input('input', 'float32', ['batch', 3, 8]);
  const y = microsoft.Attention(input, b.input('weights', 'float32', [8, 24]), undefined, { num_heads: 2 });
  t.deepEqual(differentiate(b, new Map([[y, y]]), [input]).get(input)!.shape, ['batch', 3, 8]);
});
