// Training-only operators of onnxruntime, first family: gradients of element-wise functions and of softmaxes, dropout and
// fake quantization, as its gradient builder emits them. `lower` states what each kernel computes in operators of ONNX.
// Source: onnxruntime, orttraining/core/graph/training_op_defs.cc and the kernels of orttraining/training_ops/cpu.

import type { Value } from '../graph/index.js';
import { float, int, operator, optionalInt, type Operator } from './define.js';
import { axisOf } from './dims.js';
import { Sigmoid, Tanh } from './activation.js';
import {
  Add, And, CastLike, Clip, Cos, Div, Erf, Exp, Greater, GreaterOrEqual, LessOrEqual, Mul, Round, Sub, Where,
} from './elementwise.js'; // prettier-ignore
import { Dropout } from './normalization.js';
import { ReduceSum } from './reduction.js';

const domain = 'com.microsoft';
type None = Record<never, never>;

/** dX = f(dY, X): the kernel reads what went into the function. */
const byInput = (name: string, dX: (dY: Value, X: Value) => Value, of = domain): Operator<None> =>
  operator(
    name,
    {
      inputs: ['dY', 'X'],
      outputs: ['dX'],
      attributes: {},
      shape: ({ dY }) => ({ dX: dY.shape }),
      lower: ({ dY, X }) => dX(dY, X),
    },
    of,
  );

/** dX = f(dY, Y): the kernel reads what came out of the function. */
const byOutput = (name: string, dX: (dY: Value, Y: Value) => Value): Operator<None> =>
  operator(
    name,
    {
      inputs: ['dY', 'Y'],
      outputs: ['dX'],
      attributes: {},
      shape: ({ dY }) => ({ dX: dY.shape }),
      lower: ({ dY, Y }) => dX(dY, Y),
    },
    domain,
  );

/** The mask is input or output of Relu, whichever was kept. */
export const ReluGrad = byOutput('ReluGrad', (dY, Y) => Where(Greater(Y, 0), dY, 0));
export const SigmoidGrad = byOutput('SigmoidGrad', (dY, Y) => Mul(dY, Mul(Y, Sub(1, Y))));
export const TanhGrad = byOutput('TanhGrad', (dY, Y) => Mul(dY, Sub(1, Mul(Y, Y))));
export const SinGrad = byInput('SinGrad', (dY, X) => Mul(dY, Cos(X)), '');
export const LeakyReluGrad = operator(
  'LeakyReluGrad',
  {
    inputs: ['dY', 'Y'],
    outputs: ['dX'],
    attributes: { alpha: float(0.01) },
    shape: ({ dY }) => ({ dX: dY.shape }),
    lower: ({ dY, Y, alpha }) => Where(Greater(Y, 0), dY, Mul(dY, alpha)),
  },
  domain,
);

/** Φ(x) + x · φ(x), with the normal distribution and its density */
const gelu = (x: Value): Value =>
  Add(Mul(Add(Erf(Mul(x, Math.SQRT1_2)), 1), 0.5), Mul(Mul(x, Exp(Mul(Mul(x, x), -0.5))), 1 / Math.sqrt(2 * Math.PI)));
/** The same of y = x/2 · (1 + tanh(k · (x + c · x³))): (1 + t)/2 + x/2 · (1 − t²) · k · (1 + 3c · x²) */
const fastGelu = (x: Value): Value => {
  const [k, c] = [Math.sqrt(2 / Math.PI), 0.044715];
  const square = Mul(x, x);
  const t = Tanh(Mul(x, Add(Mul(square, k * c), k)));
  const slope = Mul(Sub(1, Mul(t, t)), Add(Mul(square, 3 * k * c), k));
  return Mul(Add(Add(t, 1), Mul(x, slope)), 0.5);
};
export const GeluGrad = byInput('GeluGrad', (dY, X) => Mul(dY, gelu(X)));
export const FastGeluGrad = byInput('FastGeluGrad', (dY, X) => Mul(dY, fastGelu(X)));
/** Y = X · σ(α · X) */
export const QuickGeluGrad = operator(
  'QuickGeluGrad',
  {
    inputs: ['dY', 'X'],
    outputs: ['dX'],
    attributes: { alpha: float(1.702) },
    shape: ({ dY }) => ({ dX: dY.shape }),
    lower: ({ dY, X, alpha }) => {
      const scaled = Mul(X, alpha);
      const s = Sigmoid(scaled);
      return Mul(dY, Mul(s, Add(Mul(scaled, Sub(1, s)), 1)));
    },
  },
  domain,
);
/** The gradient of f(X + B) by X; B lies along the last axis. */
const withBias = (name: string, slope: (x: Value) => Value): Operator<None> =>
  operator(
    name,
    {
      inputs: ['dY', 'X', 'B'],
      outputs: ['dX'],
      attributes: {},
      shape: ({ dY }) => ({ dX: dY.shape }),
      lower: ({ dY, X, B }) => Mul(dY, slope(Add(X, B))),
    },
    domain,
  );
export const BiasGeluGrad_dX = withBias('BiasGeluGrad_dX', gelu);
export const BiasFastGeluGrad_dX = withBias('BiasFastGeluGrad_dX', fastGelu);

/** Before opset 13 a softmax ran over all axes from `axis` on, seen as one; since then over one axis. */
const softmax = (
  name: string,
  since13: boolean,
  dX: (dY: Value, Y: Value, sum: (value: Value) => Value) => Value,
): Operator<{ axis: ReturnType<typeof int> }> =>
  operator(
    since13 ? `${name}_13` : name,
    {
      inputs: ['dY', 'Y'],
      outputs: ['dX'],
      attributes: { axis: int(since13 ? -1 : 1) },
      shape: ({ dY }) => ({ dX: dY.shape }),
      lower: ({ dY, Y, axis }) => {
        const rank = Y.shape.length;
        const first = axisOf(axis, rank);
        const axes = since13 ? [first] : Array.from({ length: rank - first }, (_, i) => first + i);
        return dX(dY, Y, value => ReduceSum(value, axes));
      },
    },
    domain,
  );
const softmaxGrad = (dY: Value, Y: Value, sum: (value: Value) => Value) => Mul(Sub(dY, sum(Mul(dY, Y))), Y);
const logSoftmaxGrad = (dY: Value, Y: Value, sum: (value: Value) => Value) => Sub(dY, Mul(Exp(Y), sum(dY)));
export const SoftmaxGrad = softmax('SoftmaxGrad', false, softmaxGrad);
export const SoftmaxGrad_13 = softmax('SoftmaxGrad', true, softmaxGrad);
export const LogSoftmaxGrad = softmax('LogSoftmaxGrad', false, logSoftmaxGrad);
export const LogSoftmaxGrad_13 = softmax('LogSoftmaxGrad', true, logSoftmaxGrad);

/** dX where the mask let through, scaled by 1 / (1 − ratio), as Dropout scaled; the ratio is 0.5 where none is given. */
const undropped = (dY: Value, mask: Value, ratio: Value | undefined): Value =>
  Where(mask, ratio ? Div(dY, Sub(1, CastLike(ratio, dY))) : Mul(dY, 2), 0);
const dropoutGrad = (name: string): Operator<None> =>
  operator(
    name,
    {
      inputs: ['dY', 'mask', 'ratio?', 'training_mode?'],
      outputs: ['dX'],
      attributes: {},
      shape: ({ dY }) => ({ dX: dY.shape }),
      lower: ({ dY, mask, ratio }) => undropped(dY, mask, ratio),
    },
    domain,
  );
export const DropoutGrad = dropoutGrad('DropoutGrad');
/** Dropout whose mask holds 32 elements in one number; in other words it is a mask of truth values. */
export const BitmaskDropout = operator(
  'BitmaskDropout',
  {
    inputs: ['data', 'ratio?', 'training_mode?'],
    outputs: ['output', 'mask?'],
    attributes: { seed: optionalInt },
    shape: ({ data }) => ({ output: data.shape, mask: [''] }),
    types: () => ({ mask: 'uint32' }),
    lower: ({ data, ratio, training_mode, seed }) => Dropout.all(2, data, ratio, training_mode, { seed }),
  },
  domain,
);
export const BitmaskDropoutGrad = dropoutGrad('BitmaskDropoutGrad');

/** X rounded to the grid of 8-bit numbers and back; the mask tells what lay on it. */
export const FakeQuant = operator(
  'FakeQuant',
  {
    inputs: ['X', 'scale', 'zero_point'],
    outputs: ['Y', 'mask?'],
    attributes: { quant_min: int(0), quant_max: int(255) },
    shape: ({ X }) => ({ Y: X.shape, mask: X.shape }),
    types: () => ({ mask: 'bool' }),
    lower: ({ X, scale, zero_point, quant_min, quant_max }) => {
      const zero = CastLike(zero_point, X);
      const level = Add(Round(Div(X, scale)), zero);
      const low = X.builder.constant(quant_min, 'float32');
      const high = X.builder.constant(quant_max, 'float32');
      const on = And(LessOrEqual(low, level), GreaterOrEqual(high, level));
      return [Mul(Sub(Clip(level, low, high), zero), scale), on];
    },
  },
  domain,
);
export const FakeQuantGrad = operator(
  'FakeQuantGrad',
  {
    inputs: ['dY', 'mask'],
    outputs: ['dX'],
    attributes: {},
    shape: ({ dY }) => ({ dX: dY.shape }),
    lower: ({ dY, mask }) => Where(mask, dY, 0),
  },
  domain,
);

/** input · scale, or input / scale; the scale is one number of any type. */
export const Scale = operator(
  'Scale',
  {
    inputs: ['input', 'scale'],
    outputs: ['output'],
    attributes: { scale_down: int(0) },
    shape: ({ input }) => ({ output: input.shape }),
    lower: ({ input, scale, scale_down }) => {
      const number = scale.shape.length > input.shape.length ? ReduceSum(scale, undefined, { keepdims: 0 }) : scale;
      const factor = number.type === input.type ? number : CastLike(number, input);
      return scale_down ? Div(input, factor) : Mul(input, factor);
    },
  },
  domain,
);
