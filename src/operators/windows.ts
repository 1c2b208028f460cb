// Windows that slide over maps: what Conv and the pools share. Sizes along each spatial axis:
//   out = floor((in + pads − d·(k − 1) − 1) / s) + 1, or ceil where asked; SAME_*: ceil(in / s).

import type { Dim } from '../graph/index.js';
import { ints, string } from './define.js';

/** A window as Conv and the pools declare it; absent lists mean ones and zeros. */
export interface Window {
  readonly kernel: readonly Dim[];
  readonly strides: readonly number[] | undefined;
  readonly dilations?: readonly number[] | undefined;
  /** Begins of all axes, then ends. */
  readonly pads: readonly number[] | undefined;
  readonly auto_pad: string;
  readonly ceil_mode?: number;
}

/** How every windowed operator declares its window. */
export const windowAttributes = {
  auto_pad: string('NOTSET'),
  dilations: ints,
  kernel_shape: ints,
  pads: ints,
  strides: ints,
};

/** Output sizes along the spatial axes. */
export function slide(sizes: readonly Dim[], window: Window): Dim[] {
  const rank = sizes.length;
  const padding = padsOf(sizes, window);
  return sizes.map((size, i) => {
    const stride = window.strides?.[i] ?? 1;
    const kernel = window.kernel[i];
    if (typeof size !== 'number' || typeof kernel !== 'number') return '';
    if (window.auto_pad.startsWith('SAME')) return Math.ceil(size / stride);
    const reach = (window.dilations?.[i] ?? 1) * (kernel - 1) + 1;
    const room = size + (padding?.[i] ?? 0) + (padding?.[i + rank] ?? 0) - reach;
    if (!window.ceil_mode) return Math.floor(room / stride) + 1;
    const out = Math.ceil(room / stride) + 1;
    // The last window must begin inside the input or its left padding.
    return (out - 1) * stride >= size + (padding?.[i] ?? 0) ? out - 1 : out;
  });
}

/** Explicit pads, also where `auto_pad` says them; undefined where a size that they depend on is open. */
export function padsOf(sizes: readonly Dim[], window: Window): number[] | undefined {
  const rank = sizes.length;
  if (window.auto_pad === 'NOTSET' || window.auto_pad === '')
    return Array.from({ length: 2 * rank }, (_, i) => window.pads?.[i] ?? 0);
  if (window.auto_pad === 'VALID') return Array.from({ length: 2 * rank }, () => 0);
  const pads = new Array<number>(2 * rank).fill(0);
  for (let i = 0; i < rank; i++) {
    const [size, kernel] = [sizes[i], window.kernel[i]];
    if (typeof size !== 'number' || typeof kernel !== 'number') return undefined;
    const stride = window.strides?.[i] ?? 1;
    const reach = (window.dilations?.[i] ?? 1) * (kernel - 1) + 1;
    const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size);
    const small = Math.floor(total / 2);
    pads[i] = window.auto_pad === 'SAME_UPPER' ? small : total - small;
    pads[i + rank] = total - pads[i]!;
  }
  return pads;
}
