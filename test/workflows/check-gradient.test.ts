// The laws find what is wrong: rules that are off, shapes that are not so, lowerings that mean something else.

import test from 'ava';
import type { GraftError } from '../../src/base/index.js';
import {
  Add,
  coreOperators,
  Cos,
  Exp,
  Mul,
  operator,
  OperatorSet,
  Sin,
  Sqrt,
  type AnyOperator,
} from '../../src/operators/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { checkGradient, checkOperator, type Sample } from '../../src/testing.js';

const runtime = nodeRuntime();

/** The operator as onnxruntime knows it, with another rule. */
const sine = (factor: number) =>
  operator('Sin', {
    inputs: ['X'],
    outputs: ['Y'],
    attributes: {},
    shape: ({ X }) => ({ Y: X.shape }),
    gradient: { X: ({ X, dY }) => Mul(dY, Mul(Cos(X), factor)) },
  });
const instead = (mine: AnyOperator) =>
  new OperatorSet([...[...coreOperators].filter(one => one.operatorName !== mine.operatorName), mine]);

test('a right rule passes, and its numbers are told', async t => {
  const checks = await checkGradient({ shapes: [[2, 3]], make: Sin }, runtime);
  t.is(checks.length, 3);
  for (const { rule, difference, size } of checks) t.true(Math.abs(rule - difference) <= 1e-3 * size && size > 0);
  t.is((await checkGradient({ shapes: [[2]], make: Sin }, runtime, { points: 1 })).length, 1);
});

test('a rule that is half a percent off is found', async t => {
  const mine = sine(1.005);
  const sample: Sample = { shapes: [[2, 3]], make: X => mine(X) };
  const error = await t.throwsAsync<GraftError>(checkGradient(sample, runtime, { operators: instead(mine) }));
  t.is(error.code, 'CHECK_GRADIENT');
  await t.notThrowsAsync(checkGradient(sample, runtime, { operators: instead(mine), tolerance: 1e-2 }));
});

test('numbers that are not finite are no pass', async t => {
  const make: Sample['make'] = X => Sqrt(Add(X, -100));
  t.is((await t.throwsAsync<GraftError>(checkGradient({ shapes: [[2]], make }, runtime))).code, 'CHECK_GRADIENT');
});

test('a shape that is foretold wrongly is found', async t => {
  const flat = operator('Cos', {
    inputs: ['X'],
    outputs: ['Y'],
    attributes: {},
    shape: ({ X }) => ({ Y: [1, ...X.shape] }),
    gradient: { X: ({ X, dY }) => Mul(dY, X) },
  });
  const sample: Sample = { shapes: [[2, 3]], make: X => flat(X) };
  t.is((await t.throwsAsync<GraftError>(checkGradient(sample, runtime))).code, 'CHECK_SHAPE');
});

test('a lowering that means something else is found', async t => {
  const wrong = operator('Tan', {
    inputs: ['X'],
    outputs: ['Y'],
    attributes: {},
    shape: ({ X }) => ({ Y: X.shape }),
    lower: ({ X }) => Exp(X),
  });
  const operators = instead(wrong);
  const samples: Sample[] = [{ shapes: [[2, 3]], region: 'inner', make: X => wrong(X) }];
  const error = await t.throwsAsync<GraftError>(checkOperator(wrong, samples, runtime, { operators }));
  t.is(error.code, 'CHECK_LOWERING');
});

test('an operator of your own, that no runtime knows, is checked by its lowering', async t => {
  const cube = operator(
    'Cube',
    {
      inputs: ['X'],
      outputs: ['Y'],
      attributes: {},
      shape: ({ X }) => ({ Y: X.shape }),
      lower: ({ X }) => Mul(X, Mul(X, X)),
    },
    'my.domain',
  );
  await t.notThrowsAsync(checkOperator(cube, [{ shapes: [[2, 3]], make: X => cube(X) }], runtime));
  const error = await t.throwsAsync<GraftError>(checkOperator(cube, [{ shapes: [[2]], make: Sin }], runtime));
  t.is(error.code, 'CHECK_NOT_CALLED');
});

test('several outputs are differentiated together', async t => {
  const make: Sample['make'] = (a, b) => [Mul(a, b), Sin(a)];
  t.is((await checkGradient({ shapes: [[2], [2]], region: ['inner', 'positive'], make }, runtime)).length, 3);
});
