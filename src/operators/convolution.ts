// Convolutions: X [N, C, …], W [M, C / group, …], Y [N, M, …], correlation as ONNX defines it.

import type { Dim, Value } from '../graph/index.js';
import { int, ints, operator } from './define.js';
import { sizeOf } from './dims.js';
import { errors } from './errors.js';
import { Slice } from './indexing.js';
import { Reshape, Transpose } from './layout.js';
import { ReduceSum } from './reduction.js';
import { padsOf, slide, windowAttributes } from './windows.js';

/** Spatial sizes as numbers: gradients of windows need them. */
function numbers(operator: string, dims: readonly Dim[]): number[] {
  if (dims.some(dim => typeof dim !== 'number'))
    throw errors.SHAPE({ operator, found: [dims], wanted: 'known sizes to differentiate' });
  return dims as number[];
}

export const Conv = operator('Conv', {
  inputs: ['X', 'W', 'B?'],
  outputs: ['Y'],
  attributes: {
    ...windowAttributes,
    group: int(1),
  },
  shape: ({ X, W, group, kernel_shape, ...window }) => {
    const [channels, wanted] = [X.shape[1]!, W.shape[1]!];
    if (X.shape.length !== W.shape.length)
      throw errors.SHAPE({ operator: 'Conv', found: [X.shape, W.shape], wanted: 'the same rank' });
    if (typeof channels === 'number' && typeof wanted === 'number' && channels !== wanted * group)
      throw errors.SHAPE({
        operator: 'Conv',
        found: [X.shape, W.shape],
        wanted: `channels of W times group (${group})`,
      });
    const spatial = slide(X.shape.slice(2), { kernel: kernel_shape ?? W.shape.slice(2), ...window });
    return { Y: [X.shape[0]!, W.shape[0]!, ...spatial] };
  },
  macs: ({ W, Y }) => sizeOf(Y.shape.slice(1)) * sizeOf(W.shape.slice(1)),
  gradient: {
    // the transposed convolution; what strides left over at the end is padded back
    X: ({ X, W, dY, strides, dilations, group, kernel_shape, auto_pad, pads }): Value => {
      const sizes = numbers('Conv', X.shape.slice(2));
      const kernel = numbers('Conv', kernel_shape ?? W.shape.slice(2));
      const around = padsOf(sizes, { kernel, strides, dilations, pads, auto_pad })!;
      const rank = sizes.length;
      const made = numbers('Conv', dY.shape.slice(2));
      const output_padding = sizes.map((size, i) => {
        const reach = (dilations?.[i] ?? 1) * (kernel[i]! - 1) + 1;
        return size - ((made[i]! - 1) * (strides?.[i] ?? 1) + reach - around[i]! - around[i + rank]!);
      });
      return ConvTranspose(dY, W, { strides, dilations, group, pads: around, output_padding });
    },
    // X convolved with dY: batch and channels exchanged, strides and dilations exchanged; a group's channels become the batch
    W: ({ X, W, dY, strides, dilations, group, kernel_shape, auto_pad, pads }): Value => {
      const sizes = numbers('Conv', X.shape.slice(2));
      const kernel = numbers('Conv', kernel_shape ?? W.shape.slice(2));
      const around = padsOf(sizes, { kernel, strides, dilations, pads, auto_pad })!;
      const channels = X.shape[1] as number;
      const back = [1, 0, ...sizes.map((_, i) => i + 2)];
      const apart =
        group === 1
          ? Transpose(X, { perm: back })
          : Reshape(
              Transpose(Reshape(X, [-1, group, channels / group, ...sizes]), {
                perm: [2, 1, 0, ...sizes.map((_, i) => i + 3)],
              }),
              [channels / group, -1, ...sizes],
            );
      const full = Conv(apart, Transpose(dY, { perm: back }), {
        strides: dilations,
        dilations: strides,
        pads: around,
        group,
      });
      const ordered = Transpose(full, { perm: back });
      return Slice(
        ordered,
        kernel.map(() => 0),
        kernel,
        kernel.map((_, i) => i + 2),
      );
    },
    B: ({ dY }) => ReduceSum(dY, [0, ...dY.shape.slice(2).map((_, i) => i + 2)], { keepdims: 0 }),
  },
});

export const ConvTranspose = operator('ConvTranspose', {
  inputs: ['X', 'W', 'B?'],
  outputs: ['Y'],
  attributes: {
    ...windowAttributes,
    group: int(1),
    output_padding: ints,
    output_shape: ints,
  },
  shape: ({ X, W, group, kernel_shape, strides, dilations, pads, output_padding, output_shape, auto_pad }) => {
    const kernel = kernel_shape ?? W.shape.slice(2);
    const rank = kernel.length;
    const spatial = X.shape.slice(2).map((size, i): Dim => {
      if (output_shape) return output_shape[i + output_shape.length - rank]!;
      const k = kernel[i];
      if (typeof size !== 'number' || typeof k !== 'number') return '';
      const stride = strides?.[i] ?? 1;
      if (auto_pad.startsWith('SAME')) return size * stride;
      const around = auto_pad === 'VALID' ? 0 : (pads?.[i] ?? 0) + (pads?.[i + rank] ?? 0);
      return stride * (size - 1) + (output_padding?.[i] ?? 0) + (dilations?.[i] ?? 1) * (k - 1) + 1 - around;
    });
    const out = W.shape[1]!;
    return { Y: [X.shape[0]!, typeof out === 'number' ? out * group : '', ...spatial] };
  },
  macs: ({ X, W }) => sizeOf(X.shape.slice(1)) * sizeOf(W.shape.slice(1)),
});

/** The integer convolution of quantised networks: int32 sums. */
export const ConvInteger = operator('ConvInteger', {
  inputs: ['x', 'w', 'x_zero_point?', 'w_zero_point?'],
  outputs: ['y'],
  attributes: {
    ...windowAttributes,
    group: int(1),
  },
  shape: ({ x, w, kernel_shape, ...window }) => ({
    y: [x.shape[0]!, w.shape[0]!, ...slide(x.shape.slice(2), { kernel: kernel_shape ?? w.shape.slice(2), ...window })],
  }),
  types: () => ({ y: 'int32' }),
  macs: ({ w, y }) => sizeOf(y.shape.slice(1)) * sizeOf(w.shape.slice(1)),
});
