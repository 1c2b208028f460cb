// Operators as values: what is forgotten or taken twice is refused; sets are values too.

import test from 'ava';
import { Builder } from '../../src/graph/index.js';
import { Add, coreOperators, Gemm, MatMul, operator, Relu } from '../../src/operators/index.js';

test('a call without a value, and one without a needed input', t => {
  t.throws(() => Relu(1), { code: 'OPERATOR_NO_VALUE' });
  const x = new Builder().input('x', 'float32', [2, 3]);
  t.throws(() => Gemm(x), { code: 'OPERATOR_INPUT_MISSING', message: /B/ });
});

test('shapes that do not meet are refused with both', t => {
  const builder = new Builder();
  const [a, b] = [builder.input('a', 'float32', [2, 3]), builder.input('b', 'float32', [4, 5])];
  t.throws(() => MatMul(a, b), { code: 'OPERATOR_SHAPE', message: /\[2,3\] and \[4,5\]/ });
  t.throws(() => Add(a, b), { code: 'OPERATOR_SHAPE' });
});

test('a set with one more operator is another set', t => {
  const mine = operator(
    'Mine',
    { inputs: ['X'], outputs: ['Y'], attributes: {}, shape: ({ X }) => ({ Y: X.shape }), gradient: { X: 'none' } },
    'mine',
  );
  const larger = coreOperators.with(mine);
  t.is(larger.get('mine', 'Mine'), mine);
  t.is(coreOperators.get('mine', 'Mine'), undefined);
  t.throws(() => larger.with(mine), { code: 'OPERATOR_NAME_TAKEN' });
});
