// One sampler per operator of src/operators/elementwise.ts that has a gradient.

import { tensor } from '../../../../src/base/index.js';
import * as op from '../../../../src/operators/index.js';
import { binary, unary, x, type Samplers } from './sample.js';

export const elementwise: Samplers = {
  Abs: unary(op.Abs),
  Acos: unary(op.Acos, 'inner'),
  Acosh: unary(op.Acosh, 'above'),
  Asin: unary(op.Asin, 'inner'),
  Asinh: unary(op.Asinh),
  Atan: unary(op.Atan),
  Atanh: unary(op.Atanh, 'inner'),
  Cast: unary(value => op.Cast(op.Cast(value, { to: 11 }), { to: 1 })),
  Cos: unary(op.Cos),
  Cosh: unary(op.Cosh),
  Erf: unary(op.Erf),
  Exp: unary(op.Exp),
  Identity: unary(op.Identity),
  Log: unary(op.Log, 'positive'),
  Neg: unary(op.Neg),
  Reciprocal: unary(op.Reciprocal),
  Relu: unary(op.Relu),
  Sin: unary(op.Sin),
  Sinh: unary(op.Sinh),
  Sqrt: unary(op.Sqrt, 'positive'),
  Tan: unary(op.Tan, 'inner'),
  Add: binary(op.Add),
  Sub: binary(op.Sub),
  Mul: binary(op.Mul),
  Div: binary(op.Div, 'positive'),
  Pow: binary(op.Pow, 'positive'),
  Max: binary(op.Max, 'apart'),
  Min: binary(op.Min, 'apart'),
  Sum: binary(op.Sum),
  Mean: binary(op.Mean),
  CastLike: unary(value => op.CastLike(value, value)),
  Mod: [{ shapes: [x], region: 'positive', make: a => op.Mod(a, 4, { fmod: 1 }) }],
  Where: [{ shapes: [x, [4]], make: (a, b) => op.Where(a.builder.constant(tensor('bool', [3, 1], [1, 0, 1])), a, b) }],
  Clip: [
    { shapes: [x], make: value => op.Clip(value, -1, 0.8) },
    { shapes: [[2, 3]], region: 'apart', make: value => op.Clip(value, -0.2, 0.2) },
  ],
};
