// What a window sees: for each place of the kernel, the map as all positions of the window find it there. Strides are
// taken apart into phases first (a map of every s-th row), so that each tap is a plain Slice and its gradient a Pad:
//   y[o] = Σ_k w[k]·x[s·o + d·k − p],   s·o + d·k = s·(o + ⌊d·k/s⌋) + (d·k mod s)

import type { Value } from '../graph/index.js';
import { Pad, Slice, Split } from '../operators/index.js';
import { reshaped } from './arranged.js';

/** A window along one axis of a value. */
export interface AxisWindow {
  readonly axis: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Padding in front. */
  readonly begin: number;
  /** Positions of the window. */
  readonly positions: number;
}

/** The taps of a window over a value, the last axis of the kernel fastest; each has `positions` along the axes. */
export function windowTaps(value: Value, windows: readonly AxisWindow[]): Value[] {
  const padded = paddedFor(value, windows);
  let parts: { readonly value: Value; readonly phase: readonly number[] }[] = [{ value: padded, phase: [] }];
  for (const window of windows)
    parts = parts.flatMap(part =>
      phasesOf(part.value, window).map(({ value: one, phase }) => ({ value: one, phase: [...part.phase, phase] })),
    );
  return placesOf(windows.map(({ kernel }) => kernel)).map(place => {
    const offsets = place.map((k, i) => k * windows[i]!.dilation);
    const part = parts.find(({ phase }) => phase.every((one, i) => one === offsets[i]! % windows[i]!.stride))!;
    return sliced(
      part.value,
      windows.map(({ axis, stride, positions }, i) => {
        const start = Math.floor(offsets[i]! / stride);
        return { axis, start, end: start + positions };
      }),
    );
  });
}

/** All places of a kernel, the last axis fastest. */
export const placesOf = (kernel: readonly number[]): number[][] =>
  kernel.reduce<number[][]>(
    (places, size) => places.flatMap(place => Array.from({ length: size }, (_, k) => [...place, k])),
    [[]],
  );

/** Zeros around (or what no window sees cut off), to a multiple of the stride. */
function paddedFor(value: Value, windows: readonly AxisWindow[]): Value {
  const rank = value.shape.length;
  const pads = Array.from({ length: 2 * rank }, () => 0);
  for (const { axis, kernel, stride, dilation, begin, positions } of windows) {
    const seen = (positions - 1) * stride + (kernel - 1) * dilation + 1;
    pads[axis] = begin;
    pads[rank + axis] = Math.ceil(seen / stride) * stride - begin - (value.shape[axis] as number);
  }
  return pads.some(pad => pad !== 0) ? Pad(value, pads) : value;
}

/** Every s-th element along the axis, from each start that the kernel needs. */
function phasesOf(value: Value, { axis, kernel, stride, dilation }: AxisWindow): { value: Value; phase: number }[] {
  if (stride === 1) return [{ value, phase: 0 }];
  const sizes = value.shape as readonly number[];
  const [front, back] = [sizes.slice(0, axis), sizes.slice(axis + 1)];
  const each = sizes[axis]! / stride;
  const parts = Split.all(stride, reshaped(value, [...front, each, stride, ...back]), undefined, {
    axis: axis + 1,
    num_outputs: stride,
  });
  const needed = new Set(Array.from({ length: kernel }, (_, k) => (k * dilation) % stride));
  return [...needed].map(phase => ({ value: reshaped(parts[phase]!, [...front, each, ...back]), phase }));
}

function sliced(value: Value, cuts: readonly { axis: number; start: number; end: number }[]): Value {
  const real = cuts.filter(({ axis, start, end }) => start !== 0 || end !== value.shape[axis]);
  if (real.length === 0) return value;
  return Slice(
    value,
    real.map(({ start }) => start),
    real.map(({ end }) => end),
    real.map(({ axis }) => axis),
  );
}
