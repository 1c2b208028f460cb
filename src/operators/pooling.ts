// Pools: windows that keep the largest or the mean, and the same over whole maps.

import type { Dim, Value } from '../graph/index.js';
import { int, operator } from './define.js';
import { sizeOf } from './dims.js';
import { errors } from './errors.js';
import { Expand, Shape } from './layout.js';
import { Conv, ConvTranspose } from './convolution.js';
import { Div, Mul } from './elementwise.js';
import { ConstantOfShape } from './scattering.js';
import { padsOf, slide, windowAttributes } from './windows.js';

const spatialAxes = (value: Value): number[] => value.shape.slice(2).map((_, i) => i + 2);

export const MaxPool = operator('MaxPool', {
  inputs: ['X'],
  outputs: ['Y', 'Indices?'],
  attributes: {
    ...windowAttributes,
    ceil_mode: int(0),
    storage_order: int(0),
  },
  shape: ({ X, kernel_shape, ...window }) => {
    const Y = [...X.shape.slice(0, 2), ...slide(X.shape.slice(2), { kernel: kernel_shape ?? [], ...window })];
    return { Y, Indices: Y };
  },
  types: () => ({ Indices: 'int64' }),
});

export const AveragePool = operator('AveragePool', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {
    ...windowAttributes,
    ceil_mode: int(0),
    count_include_pad: int(0),
  },
  shape: ({ X, kernel_shape, ...window }) => ({
    Y: [...X.shape.slice(0, 2), ...slide(X.shape.slice(2), { kernel: kernel_shape ?? [], ...window })],
  }),
  gradient: {
    // a depthwise transposed convolution with ones over dY divided by what each window held
    X: ({ X, dY, kernel_shape, strides, pads, auto_pad, count_include_pad, ceil_mode, dilations }): Value => {
      const sizes = X.shape.slice(2);
      const channels = X.shape[1];
      const kernel = kernel_shape!;
      if (typeof channels !== 'number' || sizes.some(size => typeof size !== 'number') || ceil_mode)
        throw errors.SHAPE({
          operator: 'AveragePool',
          found: [X.shape],
          wanted: 'known sizes and no ceil_mode to differentiate',
        });
      const around = padsOf(sizes, { kernel, strides, dilations, pads, auto_pad })!;
      const rank = sizes.length;
      const whole = kernel.reduce((a, b) => a * b, 1);
      const { builder } = X;
      const ones = ConstantOfShape(builder.constant([channels, 1, ...kernel]), { value: one() });
      const padded = around.some(pad => pad > 0);
      let shares = Mul(dY, 1 / whole);
      if (padded && !count_include_pad) {
        const held = Conv(
          ConstantOfShape(builder.constant([1, 1, ...(sizes as number[])]), { value: one() }),
          ConstantOfShape(builder.constant([1, 1, ...kernel]), { value: one() }),
          { strides, dilations, pads: around },
        );
        shares = Div(dY, held);
      }
      const output_padding = sizes.map((size, i) => {
        const made = dY.shape[i + 2] as number;
        const reach = (dilations?.[i] ?? 1) * (kernel[i]! - 1) + 1;
        return (size as number) - ((made - 1) * (strides?.[i] ?? 1) + reach - around[i]! - around[i + rank]!);
      });
      return ConvTranspose(shares, ones, { strides, dilations, pads: around, group: channels, output_padding });
    },
  },
});
const one = () => ({ type: 'float32' as const, shape: [1], bytes: new Uint8Array(new Float32Array([1]).buffer) });

const global = (name: 'GlobalMaxPool' | 'GlobalLpPool') =>
  operator(name, {
    inputs: ['X'],
    outputs: ['Y'],
    attributes: name === 'GlobalLpPool' ? { p: int(2) } : {},
    shape: ({ X }) => ({ Y: [...X.shape.slice(0, 2), ...X.shape.slice(2).map(() => 1)] }),
  });
export const GlobalMaxPool = global('GlobalMaxPool');
export const GlobalLpPool = global('GlobalLpPool');
export const GlobalAveragePool = operator('GlobalAveragePool', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => ({ Y: [...X.shape.slice(0, 2), ...X.shape.slice(2).map((): Dim => 1)] }),
  gradient: { X: ({ X, dY }) => Expand(Mul(dY, 1 / sizeOf(spatialAxes(X).map(i => X.shape[i]!))), Shape(X)) },
});
export const LpPool = operator('LpPool', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {
    ...windowAttributes,
    ceil_mode: int(0),
    p: int(2),
  },
  shape: ({ X, kernel_shape, ...window }) => ({
    Y: [...X.shape.slice(0, 2), ...slide(X.shape.slice(2), { kernel: kernel_shape ?? [], ...window })],
  }),
});
