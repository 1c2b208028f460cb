// One sampler per operator with a gradient: shapes and values of its inputs, away from kinks, and how to call it.

import type { Value } from '../../../src/graph/index.js';
import * as op from '../../../src/operators/index.js';
import { tensor } from '../../../src/base/index.js';

/**
 * Where the numbers of an input lie: `signed` ±[0.3, 1.5], `inner` ±[0.2, 0.7], `positive` [0.5, 1.5],
 * `above` [1.3, 2.5], `apart` on a grid, so that none changes places with another.
 */
export type Region = 'signed' | 'inner' | 'positive' | 'above' | 'apart';

/** A call to differentiate by each of its inputs. */
export interface Sample {
  readonly shapes: readonly (readonly number[])[];
  readonly region?: Region;
  make(...inputs: Value[]): Value;
}

const x: readonly number[] = [2, 3, 4];
const unary = (call: (x: Value) => Value, region: Region = 'signed'): Sample[] => [{ shapes: [x], region, make: call }];
const binary = (call: (a: Value, b: Value) => Value, region: Region = 'signed'): Sample[] => [
  { shapes: [x, x], region, make: call },
  { shapes: [x, [3, 1]], region, make: call },
  { shapes: [[4], x], region, make: call },
];
const reduced = (call: (x: Value, ...rest: never[]) => Value, region: Region = 'signed'): Sample[] => {
  const reduce = call as (...args: unknown[]) => Value;
  return [
    { shapes: [x], region, make: data => reduce(data, [1]) },
    { shapes: [x], region, make: data => reduce(data, [0, -1], { keepdims: 0 }) },
    { shapes: [x], region, make: data => reduce(data) },
  ];
};
const maps: readonly number[] = [2, 4, 7, 6];

export const samplers: Readonly<Record<string, readonly Sample[]>> = {
  Abs: unary(op.Abs),
  Acos: unary(op.Acos, 'inner'),
  Acosh: unary(op.Acosh, 'above'),
  Asin: unary(op.Asin, 'inner'),
  Asinh: unary(op.Asinh),
  Atan: unary(op.Atan),
  Atanh: unary(op.Atanh, 'inner'),
  Cast: unary(value => op.Cast(op.Cast(value, { to: 11 }), { to: 1 })),
  Celu: unary(value => op.Celu(value, { alpha: 0.7 })),
  Cos: unary(op.Cos),
  Cosh: unary(op.Cosh),
  Elu: unary(value => op.Elu(value, { alpha: 0.7 })),
  Erf: unary(op.Erf),
  Exp: unary(op.Exp),
  HardSigmoid: unary(value => op.HardSigmoid(value, { alpha: 0.4, beta: 0.5 }), 'inner'),
  Identity: unary(op.Identity),
  LeakyRelu: unary(value => op.LeakyRelu(value, { alpha: 0.2 })),
  Log: unary(op.Log, 'positive'),
  LogSoftmax: unary(value => op.LogSoftmax(value, { axis: 1 })),
  Neg: unary(op.Neg),
  Reciprocal: unary(op.Reciprocal),
  Relu: unary(op.Relu),
  Selu: unary(op.Selu),
  Sigmoid: unary(op.Sigmoid),
  Sin: unary(op.Sin),
  Sinh: unary(op.Sinh),
  Softmax: unary(value => op.Softmax(value, { axis: 1 })),
  Softplus: unary(op.Softplus),
  Sqrt: unary(op.Sqrt, 'positive'),
  Tan: unary(op.Tan, 'inner'),
  Tanh: unary(op.Tanh),
  ThresholdedRelu: unary(value => op.ThresholdedRelu(value, { alpha: 0.1 })),
  Trilu: [{ shapes: [[3, 4]], make: value => op.Trilu(value, { upper: 0 }) }],
  CumSum: unary(value => op.CumSum(value, value.builder.constant(1, 'int64'), { exclusive: 1 })),
  Dropout: unary(op.Dropout),

  Add: binary(op.Add),
  Sub: binary(op.Sub),
  Mul: binary(op.Mul),
  Div: binary(op.Div, 'positive'),
  Pow: binary(op.Pow, 'positive'),
  Max: binary(op.Max, 'apart'),
  Min: binary(op.Min, 'apart'),
  Sum: binary(op.Sum),
  Mean: binary(op.Mean),
  PRelu: [{ shapes: [x, [3, 1]], make: op.PRelu }],
  CastLike: unary(value => op.CastLike(value, value)),
  Mod: [{ shapes: [x], region: 'positive', make: a => op.Mod(a, 4, { fmod: 1 }) }],
  Where: [{ shapes: [x, [4]], make: (a, b) => op.Where(a.builder.constant(tensor('bool', [3, 1], [1, 0, 1])), a, b) }],
  Clip: [
    { shapes: [x], make: value => op.Clip(value, -1, 0.8) },
    { shapes: [[2, 3]], region: 'apart', make: value => op.Clip(value, -0.2, 0.2) },
  ],

  Gemm: [
    { shapes: [[2, 3], [3, 4], [4]], make: (a, b, c) => op.Gemm(a, b, c, { alpha: 0.5, beta: 2 }) },
    {
      shapes: [
        [3, 2],
        [3, 4],
      ],
      make: (a, b) => op.Gemm(a, b, { transA: 1 }),
    },
    {
      shapes: [
        [2, 3],
        [4, 3],
      ],
      make: (a, b) => op.Gemm(a, b, { transB: 1, alpha: 3 }),
    },
    {
      shapes: [
        [3, 2],
        [4, 3],
      ],
      make: (a, b) => op.Gemm(a, b, { transA: 1, transB: 1 }),
    },
  ],
  MatMul: [
    {
      shapes: [
        [2, 3, 4],
        [4, 5],
      ],
      make: op.MatMul,
    },
    {
      shapes: [
        [3, 4],
        [2, 4, 5],
      ],
      make: op.MatMul,
    },
    { shapes: [[4], [2, 4, 5]], make: op.MatMul },
    { shapes: [[2, 3, 4], [4]], make: op.MatMul },
    { shapes: [[4], [4]], make: op.MatMul },
  ],
  Conv: [
    { shapes: [maps, [3, 4, 3, 2], [3]], make: op.Conv },
    { shapes: [maps, [6, 2, 3, 2]], make: (X, W) => op.Conv(X, W, { group: 2, strides: [2, 3], pads: [1, 0, 2, 1] }) },
    { shapes: [maps, [4, 1, 3, 3]], make: (X, W) => op.Conv(X, W, { group: 4, pads: [1, 1, 1, 1] }) },
    { shapes: [maps, [3, 4, 2, 2]], make: (X, W) => op.Conv(X, W, { dilations: [3, 2], strides: [2, 2] }) },
    { shapes: [maps, [3, 4, 3, 3]], make: (X, W) => op.Conv(X, W, { auto_pad: 'SAME_UPPER', strides: [2, 2] }) },
    { shapes: [maps, [3, 4, 3, 3]], make: (X, W) => op.Conv(X, W, { auto_pad: 'SAME_LOWER', strides: [2, 3] }) },
    { shapes: [[2, 3, 8], [4, 3, 3], [4]], make: (X, W, B) => op.Conv(X, W, B, { strides: [2], pads: [0, 1] }) },
  ],
  AveragePool: [
    { shapes: [maps], make: X => op.AveragePool(X, { kernel_shape: [3, 2], strides: [2, 2] }) },
    {
      shapes: [maps],
      make: X => op.AveragePool(X, { kernel_shape: [3, 3], strides: [2, 1], pads: [1, 1, 1, 0], count_include_pad: 1 }),
    },
    { shapes: [maps], make: X => op.AveragePool(X, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }) },
    { shapes: [maps], make: X => op.AveragePool(X, { kernel_shape: [3, 2], strides: [3, 2], auto_pad: 'SAME_UPPER' }) },
  ],
  GlobalAveragePool: [{ shapes: [maps], make: op.GlobalAveragePool }],
  BatchNormalization: [
    {
      shapes: [maps, [4], [4]],
      make: (X, scale, B) => {
        const statistics = (list: number[]) => X.builder.constant(list, 'float32');
        const [mean, variance] = [statistics([0.1, -0.2, 0.3, 0]), statistics([1, 0.5, 2, 1.5])];
        return op.BatchNormalization(X, scale, B, mean, variance, { epsilon: 1e-3 });
      },
    },
  ],

  ReduceL1: reduced(op.ReduceL1),
  ReduceL2: reduced(op.ReduceL2),
  ReduceLogSum: reduced(op.ReduceLogSum, 'positive'),
  ReduceLogSumExp: reduced(op.ReduceLogSumExp),
  ReduceMax: reduced(op.ReduceMax, 'apart'),
  ReduceMean: reduced(op.ReduceMean),
  ReduceMin: reduced(op.ReduceMin, 'apart'),
  ReduceProd: reduced(op.ReduceProd, 'positive'),
  ReduceSum: reduced(op.ReduceSum),
  ReduceSumSquare: reduced(op.ReduceSumSquare),

  Concat: [{ shapes: [x, [2, 1, 4]], make: (a, b) => op.Concat(a, b, { axis: 1 }) }],
  Split: [{ shapes: [x], make: value => op.Split.all(2, value, [1, 3], { axis: -1 })[1]! }],
  Slice: [
    { shapes: [x], make: value => op.Slice(value, [1, -3], [3, -1], [1, 2]) },
    { shapes: [x], make: value => op.Slice(value, [1], [2 ** 31], [0]) },
  ],
  Pad: [{ shapes: [x, []], make: (value, filler) => op.Pad(value, [0, 1, 0, 2, 0, 1], filler) }],
  Gather: [
    {
      shapes: [x],
      make: value => op.Gather(value, value.builder.constant(tensor('int64', [2, 2], [1, 2, 1, 0])), { axis: 1 }),
    },
    { shapes: [x], make: value => op.Gather(value, [1, 1, 0]) },
  ],
  GatherElements: [
    {
      shapes: [[3, 2]],
      make: value => op.GatherElements(value, value.builder.constant(tensor('int64', [2, 2], [1, 2, 1, 0]))),
    },
  ],
  ScatterElements: [
    {
      shapes: [
        [3, 3],
        [2, 3],
      ],
      make: (data, updates) => {
        const indices = data.builder.constant(tensor('int64', [2, 3], [1, 0, 2, 1, 2, 1]));
        return op.ScatterElements(data, indices, updates, { reduction: 'add' });
      },
    },
  ],
  ScatterND: [
    {
      shapes: [
        [4, 2],
        [3, 2],
      ],
      make: (data, updates) => {
        const indices = data.builder.constant(tensor('int64', [3, 1], [1, 3, 1]));
        return op.ScatterND(data, indices, updates, { reduction: 'add' });
      },
    },
  ],
  Expand: [{ shapes: [[3, 1]], make: value => op.Expand(value, [2, 3, 4]) }],
  Flatten: [{ shapes: [x], make: value => op.Flatten(value, { axis: 2 }) }],
  Reshape: [{ shapes: [x], make: value => op.Reshape(value, [4, -1]) }],
  Squeeze: [{ shapes: [[2, 1, 3, 1]], make: value => op.Squeeze(value, [1]) }],
  Unsqueeze: [{ shapes: [x], make: value => op.Unsqueeze(value, [0, -1]) }],
  Tile: [{ shapes: [x], make: value => op.Tile(value, [2, 1, 3]) }],
  Transpose: [
    { shapes: [x], make: value => op.Transpose(value, { perm: [1, 2, 0] }) },
    { shapes: [x], make: op.Transpose },
  ],
};
