// Where elements were taken from, and how their gradients go back there: an even progression by reversing, spreading
// and padding with zeros (copies only), any other places by adding into zeros.

import type { Dim, Value } from '../graph/index.js';
import { Cast } from './elementwise.js';
import { errors } from './errors.js';
import { Concat, Gather, Pad, Slice } from './indexing.js';
import { Reshape, Shape, Transpose, Unsqueeze } from './layout.js';
import { ConstantOfShape, ScatterND } from './scattering.js';

/** Elements start, start + step, … of an axis. */
export interface Run {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}
/** A run taken out of an axis of known size. */
export interface Cut extends Run {
  readonly axis: number;
  readonly size: number;
}

/** Whether indices, possibly from the end, are one run without repeats. */
export function runIn(indices: readonly number[] | undefined, size: Dim): (Run & { size: number }) | undefined {
  if (!indices?.length || typeof size !== 'number') return undefined;
  const places = indices.map(index => (index < 0 ? index + size : index));
  const step = (places[1] ?? places[0]! + 1) - places[0]!;
  if (step === 0 || places.some((place, i) => place !== places[0]! + i * step)) return undefined;
  return { start: places[0]!, step, count: places.length, size };
}

/** A list of places as runs that go up, go down or stay, each from its position in the list. */
export function runsOf(places: readonly number[]): (Run & { readonly from: number })[] {
  const runs: (Run & { readonly from: number })[] = [];
  for (const [from, place] of places.entries()) {
    const last = runs.at(-1);
    const step = last ? place - (last.start + (last.count - 1) * last.step) : 0;
    if (last && Math.abs(step) <= 1 && (last.count === 1 || step === last.step))
      runs[runs.length - 1] = { ...last, step, count: last.count + 1 };
    else runs.push({ from, start: place, step: 0, count: 1 });
  }
  return runs;
}

/** What was cut out, back where it was, with zeros in between and around. */
export function laidBack(part: Value, cuts: readonly Cut[]): Value {
  const rank = part.shape.length;
  const down = cuts.filter(({ step, count }) => step < 0 && count > 1);
  const ones = down.map(() => -1);
  const open = down.map(() => -(2 ** 31));
  const axesDown = down.map(({ axis }) => axis);
  const forward = down.length > 0 ? Slice(part, ones, open, axesDown, ones) : part;
  const apart = cuts.filter(({ step, count }) => Math.abs(step) > 1 && count > 1);
  const spread = apart.length > 0 ? spaced(forward, apart) : forward;
  const pads = Array.from({ length: 2 * rank }, () => 0);
  for (const { axis, size, start, step, count } of cuts) {
    const first = step < 0 ? start + (count - 1) * step : start;
    pads[axis] = first;
    pads[rank + axis] = size - first - (count > 1 ? count * Math.abs(step) : count);
  }
  return pads.every(pad => pad === 0) ? spread : Pad(spread, pads);
}

/** Every element followed by step − 1 zeros: each axis seen as [count, 1] and padded to [count, step]. */
function spaced(part: Value, cuts: readonly Cut[]): Value {
  const steps = new Map(cuts.map(({ axis, step }) => [axis, Math.abs(step)]));
  const named = part.shape.filter(dim => typeof dim !== 'number').length;
  if (named > 1)
    throw errors.SHAPE({ operator: 'Slice', found: [part.shape], wanted: 'known sizes to differentiate steps' });
  const sizes = part.shape.map(dim => (typeof dim === 'number' ? dim : -1));
  const pairs = sizes.flatMap((size, axis) => (steps.has(axis) ? [size, 1] : [size]));
  const behind = sizes.flatMap((_, axis) => (steps.has(axis) ? [0, steps.get(axis)! - 1] : [0]));
  const padded = Pad(Reshape(part, pairs), [...behind.map(() => 0), ...behind]);
  return Reshape(
    padded,
    sizes.map((size, axis) => size * (steps.get(axis) ?? 1)),
  );
}

/**
 * Elements added into zeros at their places along an axis: what Gather took from `data`, returned. The places have any
 * rank; their axes stand in `part` where the one axis of `data` was.
 */
export function scattered(part: Value, data: Value, axis: number, places: Value): Value {
  const rank = places.shape.length;
  const front = places.shape.map((_, i) => axis + i);
  const others = part.shape.flatMap((_, i) => (i >= axis && i < axis + rank ? [] : [i]));
  const rows = axis === 0 ? part : Transpose(part, { perm: [...front, ...others] });
  const indices = places.type === 'int64' ? places : Cast(places, { to: 7 });
  const sum = ScatterND(zerosOf(part, data, axis, others), Unsqueeze(indices, [-1]), rows, { reduction: 'add' });
  if (axis === 0) return sum;
  const back = others.map((_, i) => i + 1);
  return Transpose(sum, { perm: [...back.slice(0, axis), 0, ...back.slice(axis)] });
}

/** Zeros of the size of `data` along an axis, then of `part` along the others. */
function zerosOf(part: Value, data: Value, axis: number, others: readonly number[]): Value {
  const dims = [data.shape[axis]!, ...others.map(other => part.shape[other]!)];
  const { builder } = part;
  if (dims.every(dim => typeof dim === 'number')) return ConstantOfShape(builder.constant(dims));
  const [size, rest] = [Shape(data, { start: axis, end: axis + 1 }), Gather(Shape(part), builder.constant(others))];
  return ConstantOfShape(Concat(size, rest, { axis: 0 }));
}
