// One sampler per operator of src/operators/elementwise.ts that has a gradient.

import { tensor } from '../../../../src/base/index.js';
import * as op from '../../../../src/operators/index.js';
import { binary, unary, x, type Region, type Sample, type Samplers } from './sample.js';

const several = (call: typeof op.Sum, region: Region = 'signed'): Sample[] => [
  { shapes: [x, [3, 1], [4]], region, make: call },
  { shapes: [x], region, make: call },
];
const extremes = (call: typeof op.Max): Sample[] => [
  ...binary(call, 'apart'),
  // the third lies between the grids of the others
  {
    shapes: [x, x, [3, 1]],
    region: ['apart', 'apart', 'signed'],
    make: (a, b, c) => call(op.Mul(a, 2), op.Mul(b, 2), op.Add(op.Mul(c, 0.005), 0.095)),
  },
  ...unary(value => call(value, 0.01)),
];

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
  Pow: [
    ...binary(op.Pow, 'positive'),
    ...[0, 0.5, 1, 2, 3, -1.5].flatMap(exponent => unary(base => op.Pow(base, exponent), 'positive')),
    // whole exponents of negative bases, one of them 0
    {
      shapes: [[2, 4]],
      make: base => op.Pow(base, base.builder.constant(tensor('float32', [4], [0, 1, 2, 3]))),
    },
  ],
  Max: extremes(op.Max),
  Min: extremes(op.Min),
  Sum: [...binary(op.Sum), ...several(op.Sum)],
  Mean: [...binary(op.Mean), ...several(op.Mean)],
  CastLike: unary(value => op.CastLike(value, value)),
  Mod: [
    { shapes: [x], region: 'positive', make: a => op.Mod(a, 4, { fmod: 1 }) },
    // quotients of 3.5 and a little more or less
    {
      shapes: [x, x],
      region: ['signed', 'positive'],
      make: (a, b) => op.Mod(op.Add(op.Mul(b, 3.5), op.Mul(a, 0.1)), b, { fmod: 1 }),
    },
    {
      shapes: [x, x],
      region: ['signed', 'positive'],
      make: (a, b) => op.Mod(op.Neg(op.Add(op.Mul(b, 3.5), op.Mul(a, 0.1))), b, { fmod: 1 }),
    },
  ],
  Where: [{ shapes: [x, [4]], make: (a, b) => op.Where(a.builder.constant(tensor('bool', [3, 1], [1, 0, 1])), a, b) }],
  Clip: [
    // the grid of `apart` lies around multiples of 0.13
    { shapes: [x], region: 'apart', make: value => op.Clip(value, -0.175, 0.215) },
    { shapes: [x], region: 'apart', make: value => op.Clip(value, undefined, 0.215) },
    { shapes: [x], make: value => op.Clip(value) },
    // the bounds too, which lie between what is negative and what is positive
    { shapes: [x, []], region: ['signed', 'inner'], make: (value, min) => op.Clip(value, op.Mul(min, 0.3)) },
    { shapes: [x, []], region: ['signed', 'inner'], make: (value, max) => op.Clip(value, undefined, op.Mul(max, 0.3)) },
  ],
};
