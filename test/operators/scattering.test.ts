import test from 'ava';
import { differentiate } from '../../src/autodiff/index.js';
import { tensor, type GraftError } from '../../src/base/index.js';
import { Builder } from '../../src/graph/index.js';
import {
  ArgMax,
  ArgMin,
  Compress,
  ConstantOfShape,
  CumSum,
  Equal,
  Greater,
  IsNaN,
  NonZero,
  OneHot,
  Range,
  ReverseSequence,
  ScatterElements,
  ScatterND,
  Trilu,
} from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

test('tensors made from indices and sizes', async t => {
  await agrees(t, (feed, b) => {
    const indices = (shape: number[], list: number[]) => b.constant(tensor('int64', shape, list));
    const scalar = (value: number) => b.constant(value, 'int64');
    return [
      ScatterElements(feed([3, 3]), indices([2, 3], [1, 0, 2, 0, 2, 1]), feed([2, 3])),
      ScatterND(feed([4, 2]), indices([2, 1], [0, 3]), feed([2, 2])),
      ConstantOfShape(b.constant([2, 3])),
      ConstantOfShape(b.constant([2, 3]), { value: tensor('int64', [1], [7]) }),
      Range(scalar(1), scalar(10), scalar(4)),
      Range(scalar(10), scalar(1), scalar(-3)),
      Range(b.constant(0), b.constant(1), b.constant(0.3)),
      OneHot(indices([2, 3], [0, 1, 2, 0, 1, 2]), b.constant([4]), b.constant([0, 1], 'float32'), { axis: 1 }),
      Trilu(feed([3, 4])),
      CumSum(feed([3, 4]), scalar(1)),
      ReverseSequence(feed([4, 3]), b.constant([1, 2, 3])),
    ];
  });
});

test('counts that only the data know are open', async t => {
  await agrees(
    t,
    (feed, b) => [
      NonZero(feed([3, 4])),
      Compress(feed([3, 4]), b.constant(tensor('bool', [3], [1, 0, 1])), { axis: 0 }),
      Compress(feed([3, 4]), b.constant(tensor('bool', [5], [1, 0, 1, 1, 0]))),
    ],
    true,
  );
});

test('answers are bools and indices', async t => {
  await agrees(t, feed => [
    Equal(feed([2, 3]), feed([3])),
    Greater(feed([2, 1]), feed([3])),
    IsNaN(feed([2])),
    ArgMax(feed([2, 3, 4]), { axis: 1 }),
    ArgMin(feed([2, 3, 4]), { axis: -1, keepdims: 0 }),
  ]);
});

test('scatters that multiply or choose are refused', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', [3, 2]);
  const rows = b.constant(tensor('int64', [1, 1], [2]));
  for (const reduction of ['mul', 'min', 'max']) {
    const y = ScatterND(x, rows, b.input(reduction, 'float32', [1, 2]), { reduction });
    const error = t.throws<GraftError>(() => differentiate(b, new Map([[y, y]]), [x]));
    t.is(error.code, 'OPERATOR_NOT_DIFFERENTIABLE');
    t.regex(error.message, new RegExp(reduction));
  }
});
