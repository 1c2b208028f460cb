// Training-only operators of onnxruntime, third family: normalizations that keep their statistics, and their gradients.
// With x̂ = (X − mean) · inv and g = dY · scale, over the axes that were normalized:
//   dX = inv · (g − mean(g) − x̂ · mean(g · x̂)),  dscale = Σ dY · x̂,  dbias = Σ dY
// Source: onnxruntime, orttraining/training_ops/cpu/nn (batch_norm_grad.cc, layer_norm.cc).

import type { Value } from '../graph/index.js';
import { float, int, operator } from './define.js';
import { axisOf } from './dims.js';
import { Add, Div, Mul, Reciprocal, Sqrt, Sub } from './elementwise.js';
import { Reshape } from './layout.js';
import { ReduceMean, ReduceSum } from './reduction.js';

const domain = 'com.microsoft';
const from = (first: number, rank: number): number[] => Array.from({ length: rank - first }, (_, i) => first + i);

/** dX of a normalization; without a mean its part falls away. */
function normalized(g: Value, x: Value, inverse: Value, axes: readonly number[], centred: boolean): Value {
  const along = Mul(x, ReduceMean(Mul(g, x), axes));
  return Mul(inverse, Sub(centred ? Sub(g, ReduceMean(g, axes)) : g, along));
}

/** The gradients of a layer normalization over the axes from `axis` on, from x̂. */
function layers(dY: Value, x: Value, scale: Value, inverse: Value, axis: number, centred: boolean): Value[] {
  const rank = dY.shape.length;
  const first = axisOf(axis, rank);
  const sum = (value: Value) => (first === 0 ? value : ReduceSum(value, from(0, first), { keepdims: 0 }));
  return [normalized(Mul(dY, scale), x, inverse, from(first, rank), centred), sum(Mul(dY, x)), sum(dY)];
}

export const LayerNormalizationGrad = operator(
  'LayerNormalizationGrad',
  {
    inputs: ['dY', 'X', 'scale', 'mean', 'inv_std'],
    outputs: ['dX', 'dscale?', 'dbias?'],
    attributes: { axis: int(-1) },
    shape: ({ X, scale }) => ({ dX: X.shape, dscale: scale.shape, dbias: scale.shape }),
    lower: ({ dY, X, scale, mean, inv_std, axis }) =>
      layers(dY, Mul(Sub(X, mean), inv_std), scale, inv_std, axis, true),
  },
  domain,
);
/** From what came out: x̂ = (Y − bias) / scale. */
export const InvertibleLayerNormalizationGrad = operator(
  'InvertibleLayerNormalizationGrad',
  {
    inputs: ['dY', 'Y', 'scale', 'bias', 'inv_std'],
    outputs: ['dX', 'dscale?', 'dbias?'],
    attributes: { axis: int(-1) },
    shape: ({ Y, scale }) => ({ dX: Y.shape, dscale: scale.shape, dbias: scale.shape }),
    lower: ({ dY, Y, scale, bias, inv_std, axis }) => layers(dY, Div(Sub(Y, bias), scale), scale, inv_std, axis, true),
  },
  domain,
);
export const SimplifiedLayerNormalizationGrad = operator(
  'SimplifiedLayerNormalizationGrad',
  {
    inputs: ['dY', 'X', 'scale', 'inv_std'],
    outputs: ['dX', 'dscale?'],
    attributes: { axis: int(-1) },
    shape: ({ X, scale }) => ({ dX: X.shape, dscale: scale.shape }),
    lower: ({ dY, X, scale, inv_std, axis }) => layers(dY, Mul(X, inv_std), scale, inv_std, axis, false).slice(0, 2),
  },
  domain,
);
/** Y = X · inv · scale, inv = 1 / √(mean(X²) + epsilon): what onnxruntime makes of RMS normalization, in ONNX's domain. */
export const SimplifiedLayerNormalization = operator('SimplifiedLayerNormalization', {
  inputs: ['X', 'scale'],
  outputs: ['Y', 'inv_std?'],
  attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  shape: ({ X, axis }) => ({
    Y: X.shape,
    inv_std: X.shape.map((dim, i) => (i < axisOf(axis, X.shape.length) ? dim : 1)),
  }),
  lower: ({ X, scale, axis, epsilon }) => {
    const rank = X.shape.length;
    const inverse = Reciprocal(Sqrt(Add(ReduceMean(Mul(X, X), from(axisOf(axis, rank), rank)), epsilon)));
    return [Mul(Mul(X, inverse), scale), inverse];
  },
});

/** [C] beside a map [N, C, …]. */
const perChannel = (value: Value, map: Value): Value => Reshape(value, [1, -1, ...map.shape.slice(2).map(() => 1)]);
const allButChannels = (map: Value): number[] => map.shape.flatMap((_, i) => (i === 1 ? [] : [i]));

/** Batch normalization while training: what it normalizes by is kept, and the running statistics move towards it. */
export const BatchNormInternal = operator(
  'BatchNormInternal',
  {
    inputs: ['X', 'scale', 'B', 'input_mean', 'input_var'],
    outputs: ['Y', 'running_mean?', 'running_var?', 'saved_mean?', 'saved_inv_std?'],
    attributes: { epsilon: float(1e-5), momentum: float(0.9), training_mode: int(1) },
    shape: ({ X, scale: { shape } }) => ({
      Y: X.shape,
      running_mean: shape,
      running_var: shape,
      saved_mean: shape,
      saved_inv_std: shape,
    }),
    lower: ({ X, scale, B, input_mean, input_var, epsilon, momentum, training_mode }) => {
      const axes = allButChannels(X);
      const mean = training_mode ? ReduceMean(X, axes) : perChannel(input_mean, X);
      const centred = Sub(X, mean);
      const variance = training_mode ? ReduceMean(Mul(centred, centred), axes) : perChannel(input_var, X);
      const inverse = Reciprocal(Sqrt(Add(variance, epsilon)));
      const Y = Add(Mul(Mul(centred, inverse), perChannel(scale, X)), perChannel(B, X));
      const flat = (value: Value) => Reshape(value, [-1]);
      const moved = (before: Value, now: Value) => Add(Mul(before, momentum), Mul(flat(now), 1 - momentum));
      return [Y, moved(input_mean, mean), moved(input_var, variance), flat(mean), flat(inverse)];
    },
  },
  domain,
);

export const BatchNormalizationGrad = operator(
  'BatchNormalizationGrad',
  {
    inputs: ['dY', 'X', 'scale', 'mean', 'inv_std'],
    outputs: ['dX', 'dscale?', 'dbias?'],
    attributes: { epsilon: float(1e-5) },
    shape: ({ X, scale }) => ({ dX: X.shape, dscale: scale.shape, dbias: scale.shape }),
    lower: ({ dY, X, scale, mean, inv_std }) => {
      const axes = allButChannels(X);
      const inverse = perChannel(inv_std, X);
      const x = Mul(Sub(X, perChannel(mean, X)), inverse);
      const sum = (value: Value) => ReduceSum(value, axes, { keepdims: 0 });
      return [normalized(Mul(dY, perChannel(scale, X)), x, inverse, axes, true), sum(Mul(dY, x)), sum(dY)];
    },
  },
  domain,
);
