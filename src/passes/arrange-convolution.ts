// Conv as a matrix product over all pixels of all pictures at once. What the windows see is laid side by side (im2col)
// and kept for the weights' gradient; K = kernel·channels, n = pixels·pictures:
//   columns  y [M, n] = W [M, K] · col [K, n]        map [C, H, W, N]; the gradients are W's·dy and dy·col'
//   rows     y [n, M] = col [n, K] · W' [K, M]       map [H, W, N, C]; dy·W and dy'·col
// Groups are a batch of such products, in columns. One channel a group: see arrange-depthwise.

import type { Value } from '../graph/index.js';
import { Add, Concat, Gemm, MatMul } from '../operators/index.js';
import { arranged, plainOrder, reshaped, type Arranged, type Order } from './arranged.js';
import type { ConvolutionSizes } from './choose-arrangement.js';
import { windowTaps, type AxisWindow } from './window-taps.js';

/** A Conv on maps in whatever order, with its attributes as numbers. */
export interface Convolution extends Pick<ConvolutionSizes, 'group' | 'out' | 'window'> {
  readonly x: Arranged;
  readonly weight: Arranged;
  readonly bias?: Arranged;
}

/** [C, …, N] of [N, C, …] */
export const columnsOrder = (rank: number): Order => [...plainOrder(rank).slice(1), 0];
/** […, N, C] of [N, C, …] */
export const rowsOrder = (rank: number): Order => [...plainOrder(rank).slice(2), 0, 1];

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

/** Pixels side by side, pictures innermost. */
export function convolvedInColumns(conv: Convolution): Arranged {
  const { x, weight, bias, group, out, window } = conv;
  const rank = x.shape.length;
  const order = columnsOrder(rank);
  const [channels, made] = [x.shape[1]!, out[1]!];
  const places = [...out.slice(2), out[0]!];
  const pixels = product(places);
  const taps = windowTaps(x.in(order), axisWindows(conv, 1));
  const inner = product(window.kernel) * (channels / group);
  const w = tapMajor(weight);
  let y: Value;
  if (group === 1) {
    const columns = reshaped(taps.length > 1 ? Concat(...taps, { axis: 0 }) : taps[0]!, [inner, pixels]);
    const offset = bias && reshaped(bias.in([0]), [made, 1]);
    y = Gemm(reshaped(w, [made, inner]), columns, offset);
  } else {
    const grouped = taps.map(tap => reshaped(tap, [group, channels / group, ...places]));
    const columns = reshaped(grouped.length > 1 ? Concat(...grouped, { axis: 1 }) : grouped[0]!, [
      group,
      inner,
      pixels,
    ]);
    const product3 = reshaped(MatMul(reshaped(w, [group, made / group, inner]), columns), [made, pixels]);
    y = bias ? Add(product3, reshaped(bias.in([0]), [made, 1])) : product3;
  }
  return arranged(reshaped(y, [made, ...places]), order);
}

/** Channels side by side: for few pixels and long kernels, where transposing W for the gradient would cost. */
export function convolvedInRows(conv: Convolution): Arranged {
  const { x, weight, bias, out, window } = conv;
  const rank = x.shape.length;
  const order = rowsOrder(rank);
  const made = out[1]!;
  const places = [...out.slice(2), out[0]!];
  const taps = windowTaps(x.in(order), axisWindows(conv, 0));
  const inner = product(window.kernel) * x.shape[1]!;
  const rows = reshaped(taps.length > 1 ? Concat(...taps, { axis: rank - 1 }) : taps[0]!, [product(places), inner]);
  const y = Gemm(rows, reshaped(tapMajor(weight), [made, inner]), bias?.in([0]), { transB: 1 });
  return arranged(reshaped(y, [...places, made]), order);
}

/** The window along the spatial axes, the first of which is stored at `first`. */
export const axisWindows = ({ out, window, x }: Convolution, first: number): AxisWindow[] =>
  x.shape.slice(2).map((_, i) => ({
    axis: first + i,
    kernel: window.kernel[i]!,
    stride: window.strides[i]!,
    dilation: window.dilations[i]!,
    begin: window.pads[i]!,
    positions: out[i + 2]!,
  }));

/** W [M, C / group, …] as [M, …, C / group] */
const tapMajor = (weight: Arranged): Value => {
  const axes = plainOrder(weight.shape.length);
  return weight.in([0, ...axes.slice(2), 1]);
};
