// Convolutions: X [N, C, …], W [M, C / group, …], Y [N, M, …], correlation as ONNX defines it.

import type { Dim, Value } from '../graph/index.js';
import { int, ints, operator } from './define.js';
import { over, product, sizeOf } from './dims.js';
import { errors } from './errors.js';
import { EyeLike } from './filling.js';
import { Slice } from './indexing.js';
import { Reshape, Transpose } from './layout.js';
import { ReduceSum } from './reduction.js';
import { ConstantOfShape } from './scattering.js';
import { padsOf, slide, windowAttributes, type Window } from './windows.js';

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
    X: ({ X, W, dY, strides, dilations, group, auto_pad, pads }): Value => {
      const sizes = numbers('Conv', X.shape.slice(2));
      const made = numbers('Conv', dY.shape.slice(2));
      const kernel = numbers('Conv', W.shape.slice(2));
      const around = padsOf(sizes, { kernel, strides, dilations, pads, auto_pad })!;
      const leftover = sizes.map((size, i) => {
        const reach = (dilations?.[i] ?? 1) * (kernel[i]! - 1) + 1;
        return size - ((made[i]! - 1) * (strides?.[i] ?? 1) + reach - around[i]! - around[i + sizes.length]!);
      });
      const output_padding = leftover.some(size => size !== 0) ? leftover : undefined;
      return ConvTranspose(dY, W, { strides, dilations, group, pads: around, output_padding });
    },
    W: ({ X, W, dY, strides, dilations, group, auto_pad, pads }): Value => {
      const kernel = numbers('Conv', W.shape.slice(2));
      const window = { kernel, strides, dilations, pads, auto_pad };
      const around = padsOf(numbers('Conv', X.shape.slice(2)), window)!;
      return ofKernel('Conv', X, dY, { ...window, pads: around, group });
    },
    B: ({ dY }) => overMaps(dY),
  },
});

/** Spatial sizes as numbers: gradients of windows need them. */
function numbers(operator: string, dims: readonly Dim[]): number[] {
  if (dims.some(dim => typeof dim !== 'number'))
    throw errors.SHAPE({ operator, found: [dims], wanted: 'known sizes to differentiate' });
  return dims as number[];
}

/** The gradient of a bias per channel. */
const overMaps = (dY: Value): Value => ReduceSum(dY, [0, ...dY.shape.slice(2).map((_, i) => i + 2)], { keepdims: 0 });

/**
 * The gradient of a convolution's kernel: X [N, C, …] convolved with dY [N, M, …], batch and channels exchanged, strides
 * and dilations exchanged; a group's channels become the batch. Strides that leave something over give rows beyond the
 * kernel, which are cut off. [M, C / group, …kernel]
 */
function ofKernel(operator: string, X: Value, dY: Value, at: Window & { readonly group: number }): Value {
  const { strides, dilations, pads, group } = at;
  const sizes = numbers(operator, X.shape.slice(2));
  const kernel = at.kernel as readonly number[];
  const exchanged = [1, 0, ...sizes.map((_, i) => i + 2)];
  let apart: Value;
  if (group === 1) apart = Transpose(X, { perm: exchanged });
  else {
    const [channels] = numbers(operator, X.shape.slice(1, 2)) as [number];
    const grouped = Reshape(X, [-1, group, channels / group, ...sizes]);
    const perm = [2, 1, 0, ...sizes.map((_, i) => i + 3)];
    apart = Reshape(Transpose(grouped, { perm }), [channels / group, -1, ...sizes]);
  }
  const over = Transpose(dY, { perm: exchanged });
  const full = Conv(apart, over, { strides: dilations, dilations: strides, pads, group });
  const ordered = Transpose(full, { perm: exchanged });
  const longer = kernel.flatMap((size, i) => (ordered.shape[i + 2] === size ? [] : [i]));
  if (longer.length === 0) return ordered;
  const ends = longer.map(i => kernel[i]!);
  return Slice(
    ordered,
    longer.map(() => 0),
    ends,
    longer.map(i => i + 2),
  );
}

export const ConvTranspose = operator('ConvTranspose', {
  inputs: ['X', 'W', 'B?'],
  outputs: ['Y'],
  attributes: {
    ...windowAttributes,
    group: int(1),
    output_padding: ints,
    output_shape: ints,
  },
  shape: ({ X, W, group, kernel_shape, ...at }) => {
    const kernel = kernel_shape ?? W.shape.slice(2);
    const spatial = X.shape.slice(2).map((size, i): Dim => {
      const wanted = at.output_shape?.[i + at.output_shape.length - kernel.length];
      return wanted ?? whole(size, kernel, at, i)?.made ?? '';
    });
    const out = W.shape[1]!;
    return { Y: [X.shape[0]!, typeof out === 'number' ? out * group : '', ...spatial] };
  },
  macs: ({ X, W }) => sizeOf(X.shape.slice(1)) * sizeOf(W.shape.slice(1)),
  gradient: {
    // what it is the transpose of: the convolution with the same kernel [C, M / group, …]
    X: ({ X, W, dY, strides, dilations, group, ...at }): Value => {
      const pads = cropsOf(X, W, { strides, dilations, ...at });
      const back = Conv(dY, W, { strides, dilations, group, pads });
      const longer = back.shape.flatMap((size, i) => (i < 2 || size === X.shape[i] ? [] : [i]));
      if (longer.length === 0) return back;
      const ends = longer.map(i => X.shape[i] as number);
      return Slice(
        back,
        longer.map(() => 0),
        ends,
        longer,
      );
    },
    W: ({ X, W, dY, strides, dilations, group, auto_pad, ...at }): Value => {
      const pads = cropsOf(X, W, { strides, dilations, auto_pad, ...at });
      const kernel = numbers('ConvTranspose', W.shape.slice(2));
      return ofKernel('ConvTranspose', dY, X, { kernel, strides, dilations, pads, auto_pad, group });
    },
    B: ({ dY }) => overMaps(dY),
  },
});

interface Transposed {
  readonly strides: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly auto_pad: string;
  readonly output_padding: readonly number[] | undefined;
  readonly output_shape: readonly number[] | undefined;
}

/**
 * One axis of a transposed convolution: all that the kernels reach, less what is cut off before and behind. Pads are
 * cut off; a wanted size (its own, or SAME's `in · stride`) says how much, the larger half in front but for SAME_UPPER.
 */
function whole(size: Dim, kernel: readonly Dim[], at: Transposed, i: number) {
  const k = kernel[i];
  if (typeof size !== 'number' || typeof k !== 'number') return undefined;
  const stride = at.strides?.[i] ?? 1;
  const all = stride * (size - 1) + (at.output_padding?.[i] ?? 0) + (at.dilations?.[i] ?? 1) * (k - 1) + 1;
  const own = at.output_shape?.[i + at.output_shape.length - kernel.length];
  const wanted = own ?? (at.auto_pad.startsWith('SAME') ? size * stride : undefined);
  if (wanted === undefined) {
    const isValid = at.auto_pad === 'VALID';
    const [before, behind] = isValid ? [0, 0] : [at.pads?.[i] ?? 0, at.pads?.[i + kernel.length] ?? 0];
    return { made: all - before - behind, before, behind };
  }
  const total = Math.max(0, all - wanted);
  const small = Math.floor(total / 2);
  const before = at.auto_pad === 'SAME_UPPER' ? small : total - small;
  return { made: all - total, before, behind: total - before };
}

/** What a transposed convolution cuts off, as pads of the convolution that it is the transpose of. */
function cropsOf(X: Value, W: Value, at: Transposed): number[] {
  const sizes = numbers('ConvTranspose', X.shape.slice(2));
  const kernel = numbers('ConvTranspose', W.shape.slice(2));
  const axes = sizes.map((size, i) => whole(size, kernel, at, i)!);
  return [...axes.map(({ before }) => before), ...axes.map(({ behind }) => behind)];
}

/**
 * Columns laid over a map and summed: input [N, C · ∏block, windows], output [N, C, …image]. The transpose of taking
 * windows out of a map.
 */
export const Col2Im = operator('Col2Im', {
  inputs: ['input', 'image_shape', 'block_shape'],
  outputs: ['output'],
  attributes: { dilations: ints, pads: ints, strides: ints },
  shape: ({ input, image_shape, block_shape }) => {
    const rank = image_shape.known?.length ?? Number(image_shape.shape[0] ?? 2);
    const image = image_shape.known ?? Array.from({ length: rank }, () => '');
    return { output: [input.shape[0]!, over(input.shape[1]!, product(block_shape.known ?? [''])), ...image] };
  },
  gradient: {
    // each place of a block taken out by a kernel that holds a one there: [N · C, ∏block, …windows]
    input: ({ output, doutput, block_shape, ...window }): Value => {
      const [channels, ...image] = numbers('Col2Im', output.shape.slice(1)) as [number, ...number[]];
      const block = numbers('Col2Im', block_shape.known ?? ['']);
      const places = block.reduce((a, b) => a * b, 1);
      const ones = EyeLike(ConstantOfShape(doutput.builder.constant([places, places])));
      const taken = Conv(Reshape(doutput, [-1, 1, ...image]), Reshape(ones, [places, 1, ...block]), window);
      return Reshape(taken, [-1, channels * places, sizeOf(taken.shape.slice(2))]);
    },
    image_shape: 'none',
    block_shape: 'none',
  },
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
