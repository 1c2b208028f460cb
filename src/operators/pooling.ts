// Pools: windows that keep the largest, the mean or the norm, and the same over whole maps. X [N, C, …], Y [N, C, …].

import { tensor } from '../base/index.js';
import type { Dim, Value } from '../graph/index.js';
import { ConvTranspose } from './convolution.js';
import { int, ints, operator } from './define.js';
import { product } from './dims.js';
import { Abs, Div, Greater, Mul, Pow, Sign, Where } from './elementwise.js';
import { errors } from './errors.js';
import { Gather, Pad } from './indexing.js';
import { Expand, Reshape, reshapeTo, Shape } from './layout.js';
import { ArgMax } from './reduction.js';
import { Resize } from './resize.js';
import { ConstantOfShape, ScatterElements, zerosLike } from './scattering.js';
import { padsOf, slide, windowAttributes } from './windows.js';

/** Nothing is added into; as long as X has elements. */
const flatZeros = (X: Value): Value => {
  const length = product(X.shape);
  return ConstantOfShape(typeof length === 'number' ? X.builder.constant([length]) : Shape(Reshape(X, [-1])));
};

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
  gradient: {
    // dY added at the places of the largest: offsets into the whole tensor, batch and channels included
    X: ({ X, dY, Indices, storage_order, outputCount: _, ...at }): Value => {
      const { auto_pad, ceil_mode, dilations, kernel_shape, pads, strides } = at;
      const again = () => MaxPool.all(2, X, { auto_pad, ceil_mode, dilations, kernel_shape, pads, strides })[1]!;
      const places = Indices && storage_order === 0 ? Indices : again();
      const added = ScatterElements(flatZeros(X), Reshape(places, [-1]), Reshape(dY, [-1]), { reduction: 'add' });
      return Reshape(added, reshapeTo(X));
    },
  },
});

/** The inverse of MaxPool: every element at the place its offset says, zeros between. */
export const MaxUnpool = operator('MaxUnpool', {
  inputs: ['X', 'I', 'output_shape?'],
  outputs: ['output'],
  attributes: { kernel_shape: ints, pads: ints, strides: ints },
  shape: ({ X, output_shape, kernel_shape, pads, strides }) => {
    if (output_shape) return { output: output_shape.known ?? X.shape.map(() => '') };
    const rank = X.shape.length - 2;
    const spatial = X.shape.slice(2).map((size, i): Dim => {
      if (typeof size !== 'number') return '';
      const around = (pads?.[i] ?? 0) + (pads?.[i + rank] ?? 0);
      return (size - 1) * (strides?.[i] ?? 1) + (kernel_shape?.[i] ?? 1) - around;
    });
    return { output: [...X.shape.slice(0, 2), ...spatial] };
  },
  gradient: {
    X: ({ I, doutput }) => Gather(Reshape(doutput, [-1]), I),
    I: 'none',
    output_shape: 'none',
  },
});

interface Pool {
  readonly kernel_shape: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly auto_pad: string;
}
/** One axis of a pool in numbers: output i holds the elements `i · stride − before + j · dilation` for j < kernel. */
interface Axis {
  readonly size: number;
  readonly made: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly behind: number;
}
function axesOf(operator: string, X: Value, Y: Value, at: Pool): Axis[] {
  const sizes = X.shape.slice(2);
  const kernel = at.kernel_shape ?? [];
  const pads = padsOf(sizes, { kernel, ...at });
  return sizes.map((size, i) => {
    const made = Y.shape[i + 2];
    if (typeof size !== 'number' || typeof made !== 'number' || !pads)
      throw errors.SHAPE({ operator, found: [X.shape], wanted: 'known sizes to differentiate' });
    return {
      size,
      made,
      kernel: kernel[i] ?? 1,
      stride: at.strides?.[i] ?? 1,
      dilation: at.dilations?.[i] ?? 1,
      before: pads[i]!,
      behind: pads[i + sizes.length]!,
    };
  });
}

/** By how many elements each output along an axis is divided: those inside, or also the padded ones. */
function held({ size, made, kernel, stride, dilation, before, behind }: Axis, withPads: number): number[] {
  const [low, high] = withPads ? [-before, size + behind] : [0, size];
  return Array.from({ length: made }, (_, i) => {
    const places = Array.from({ length: kernel }, (_, j) => i * stride - before + j * dilation);
    return Math.max(1, places.filter(place => place >= low && place < high).length);
  });
}

/**
 * What every element of X gets from the windows that hold it: the sum of their shares times `factor`. Windows that do
 * not overlap repeat their share; those one step apart are a mean of their neighbours; all others a transposed
 * convolution, channel by channel, with ones.
 */
function overWindows(shares: Value, factor: number, X: Value, axes: readonly Axis[]): Value {
  const { builder } = X;
  // what the windows reach beyond the end; below zero where strides left elements out
  const beyond = axes.map(
    ({ size, made, kernel, stride, dilation, before }) =>
      (made - 1) * stride + dilation * (kernel - 1) + 1 - before - size,
  );
  const times = (value: Value, by: number) => (by === 1 ? value : Mul(value, by));
  if (axes.every(({ kernel, stride, dilation }) => kernel === stride && dilation === 1)) {
    const scales = builder.constant([1, 1, ...axes.map(({ stride }) => stride)], 'float32');
    const repeated = Resize(times(shares, factor), undefined, scales, {
      mode: 'nearest',
      nearest_mode: 'floor',
      coordinate_transformation_mode: 'asymmetric',
    });
    const cut = [...axes.map(({ before }) => -before), 0, 0, ...beyond.map(size => -size)];
    return cut.every(size => size === 0) ? repeated : Pad(repeated, [0, 0, ...cut]);
  }
  const reach = axes.map(({ kernel, dilation }) => dilation * (kernel - 1));
  const around = [...axes.map(({ before }, i) => reach[i]! - before), ...beyond.map((size, i) => reach[i]! - size)];
  const isNeighbours = axes.every(({ stride }) => stride === 1);
  if (isNeighbours && around.every((pad, i) => pad >= 0 && pad < axes[i % axes.length]!.kernel)) {
    const kernel_shape = axes.map(({ kernel }) => kernel);
    const dilations = axes.some(({ dilation }) => dilation > 1) ? axes.map(({ dilation }) => dilation) : undefined;
    const whole = kernel_shape.reduce((a, b) => a * b, 1);
    const at = { kernel_shape, dilations, pads: around, count_include_pad: 1 };
    // a factor of 1 / whole comes to 1 by rounding of nothing
    return AveragePool(times(shares, factor === 1 / whole ? 1 : factor * whole), at);
  }
  const channels = X.shape[1];
  if (typeof channels !== 'number')
    throw errors.SHAPE({ operator: 'a pool', found: [X.shape], wanted: 'known channels to differentiate' });
  const ones = builder.constant([channels, 1, ...axes.map(({ kernel }) => kernel)]);
  const kernels = ConstantOfShape(ones, { value: tensor('float32', [1], [factor]) });
  return ConvTranspose(shares, kernels, {
    strides: axes.map(({ stride }) => stride),
    dilations: axes.map(({ dilation }) => dilation),
    pads: [...axes.map(({ before }) => before), ...beyond.map(size => Math.max(0, size))],
    output_padding: beyond.some(size => size < 0) ? beyond.map(size => Math.max(0, -size)) : undefined,
    group: channels,
  });
}

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
    // dY divided by what each window held, given to all that it held
    X: ({ X, dY, count_include_pad, ...at }): Value => {
      const axes = axesOf('AveragePool', X, dY, at);
      let factor = 1;
      let shares: Value | undefined;
      for (const [i, axis] of axes.entries()) {
        const counts = held(axis, count_include_pad);
        if (counts.every(count => count === counts[0])) {
          factor /= counts[0] ?? 1;
          continue;
        }
        const shape = [counts.length, ...axes.slice(i + 1).map(() => 1)];
        const parts = counts.map(count => 1 / count);
        const share = X.builder.constant(tensor('float32', shape, parts), undefined, 'share');
        shares = shares ? Mul(shares, share) : share;
      }
      return overWindows(shares ? Mul(dY, shares) : dY, factor, X, axes);
    },
  },
});

/** The derivative of |x|^p / p. */
const slope = (X: Value, p: number): Value => {
  if (p === 1) return Sign(X);
  return p === 2 ? X : Mul(Sign(X), Pow(Abs(X), p - 1));
};
/** dY · Y^(1 − p); nothing where the norm is 0. */
const perNorm = (dY: Value, Y: Value, p: number): Value => {
  if (p === 1) return dY;
  const safe = Where(Greater(Y, 0), Y, 1);
  return p === 2 ? Div(dY, safe) : Mul(dY, Pow(safe, 1 - p));
};

/** Y = (Σ |x|^p)^(1 / p) of each window. */
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
  gradient: {
    X: ({ X, Y, dY, p, ...at }) => Mul(slope(X, p), overWindows(perNorm(dY, Y, p), 1, X, axesOf('LpPool', X, dY, at))),
  },
});

const overMaps = (X: Value) => ({ Y: [...X.shape.slice(0, 2), ...X.shape.slice(2).map((): Dim => 1)] });
export const GlobalAveragePool = operator('GlobalAveragePool', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => overMaps(X),
  gradient: {
    X: ({ X, dY }) => {
      const sizes = X.shape.slice(2);
      if (sizes.some(size => typeof size !== 'number'))
        throw errors.SHAPE({
          operator: 'GlobalAveragePool',
          found: [X.shape],
          wanted: 'known sizes to differentiate',
        });
      const known = sizes as number[];
      return Expand(Mul(dY, 1 / known.reduce((a, b) => a * b, 1)), [1, 1, ...known]);
    },
  },
});
export const GlobalMaxPool = operator('GlobalMaxPool', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ X }) => overMaps(X),
  gradient: {
    // the first of the largest takes it all, as in MaxPool
    X: ({ X, dY }) => {
      const rows = Reshape(X, [0, 0, -1]);
      const added = ScatterElements(zerosLike(rows), ArgMax(rows, { axis: 2 }), Reshape(dY, [0, 0, 1]), { axis: 2 });
      return Reshape(added, reshapeTo(X));
    },
  },
});
export const GlobalLpPool = operator('GlobalLpPool', {
  inputs: ['X'],
  outputs: ['Y'],
  attributes: { p: int(2) },
  shape: ({ X }) => overMaps(X),
  gradient: { X: ({ X, Y, dY, p }) => Mul(slope(X, p), perNorm(dY, Y, p)) },
});
