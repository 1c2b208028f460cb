// The one resize kernel, shared by Node and browser: Pillow's `Image.resize` for 8-bit pixels, to the bit
// (Resample.c: two passes, horizontal first, coefficients in fixed point with 22 bits, each pass rounded and clipped).
// The centre crop is part of the call, so that only the pixels it keeps are computed.

import { place, type Box, type Filter, type Pixels, type Preprocessing } from './preprocessing.js';

const bits = 22;
const half = 1 << (bits - 1);

/**
 * Resizes and crops a picture as the recipe says.
 *
 * @returns uint8 [height, width, 3], RGB, of the recipe's size.
 * @example const input = prepare({width: 500, height: 375, data}, preprocessing) // 224 * 224 * 3 bytes
 */
export function prepare(pixels: Pixels, preprocessing: Preprocessing): Uint8Array {
  const whole = pixels.reduced ?? pixels;
  const placed = place(whole.width, whole.height, preprocessing);
  const box = pixels.reduced?.box ?? { x: 0, y: 0, width: pixels.width, height: pixels.height };
  const { width, height } = preprocessing;
  return resize(pixels, box, placed, { x: placed.left, y: placed.top, width, height }, preprocessing.filter);
}

/**
 * Resizes the part `box` of a picture to `size` and returns the part `crop` of the result.
 *
 * @param box the source rectangle, in source pixels; corners may lie between pixels.
 * @param crop whole pixels inside `size`.
 * @returns uint8 [crop.height, crop.width, 3]
 */
export function resize(
  pixels: Pixels,
  box: Box,
  size: { readonly width: number; readonly height: number },
  crop: Box,
  filter: Filter,
): Uint8Array {
  const across = {
    from: box.x,
    length: box.width,
    size: pixels.width,
    out: size.width,
    first: crop.x,
    count: crop.width,
  };
  const down = {
    from: box.y,
    length: box.height,
    size: pixels.height,
    out: size.height,
    first: crop.y,
    count: crop.height,
  };
  if (filter === 'nearest') return pick(pixels, nearest(across), nearest(down));
  const columns = coefficients(across, filter);
  const rows = coefficients(down, filter);
  // only the source rows that the vertical pass will read
  const top = rows.start[0]!;
  const bottom = rows.start[crop.height - 1]! + rows.taps[crop.height - 1]!;
  const between = alongRows(pixels, columns, crop.width, top, bottom);
  return alongColumns(between, rows, crop.width * 3, crop.height, top);
}

/**
 * A resize whose results need not lie side by side: each axis says where in the source its results are centred.
 *
 * @returns uint8 [down.centers.length, across.centers.length, 3]
 */
export function resizeAt(pixels: Pixels, across: Centers, down: Centers, filter: Filter): Uint8Array {
  if (filter === 'nearest') {
    const whole = (at: Centers, size: number): Int32Array =>
      Int32Array.from(at.centers, center => Math.min(Math.max(Math.floor(center), 0), size - 1));
    return pick(pixels, whole(across, pixels.width), whole(down, pixels.height));
  }
  const columns = coefficientsAt(across, pixels.width, filter);
  const rows = coefficientsAt(down, pixels.height, filter);
  let [top, bottom] = [pixels.height, 0];
  rows.start.forEach((start, i) => {
    top = Math.min(top, start);
    bottom = Math.max(bottom, start + rows.taps[i]!);
  });
  const [width, height] = [across.centers.length, down.centers.length];
  return alongColumns(alongRows(pixels, columns, width, top, bottom), rows, width * 3, height, top);
}

/** One axis of {@link resizeAt}, in source pixels. */
export interface Centers {
  readonly centers: Float64Array;
  /** From one result to the next: the filter is stretched by it where it is above 1. */
  readonly step: number;
}

/** One axis of a resize: the source interval, and which of the `out` results are wanted. */
interface Axis {
  readonly from: number;
  readonly length: number;
  readonly size: number;
  readonly out: number;
  readonly first: number;
  readonly count: number;
}

/** For each result: its first source pixel, how many it reads, and `width` coefficients in fixed point. */
interface Coefficients {
  readonly start: Int32Array;
  readonly taps: Int32Array;
  readonly weights: Int32Array;
  readonly width: number;
}

// Pictures of a set share few sizes; a table costs about as much as ten rows.
const cached = new Map<string, Coefficients>();
const mostCached = 256;

function coefficients(axis: Axis, filter: Exclude<Filter, 'nearest'>): Coefficients {
  const key = `${filter} ${axis.from} ${axis.length} ${axis.size} ${axis.out} ${axis.first} ${axis.count}`;
  let table = cached.get(key);
  if (table === undefined) {
    table = makeCoefficients(axis, filter);
    if (cached.size >= mostCached) cached.clear();
    cached.set(key, table);
  }
  return table;
}

/** Pillow's precompute_coeffs and normalize_coeffs_8bpc. */
function makeCoefficients(axis: Axis, filter: Exclude<Filter, 'nearest'>): Coefficients {
  const { count } = axis;
  if (axis.from === 0 && axis.length === axis.size && axis.out === axis.size) {
    // Pillow leaves an axis alone whose size does not change
    const start = Int32Array.from({ length: count }, (_, i) => axis.first + i);
    const weights = new Int32Array(count).fill(1 << bits);
    return { start, taps: new Int32Array(count).fill(1), weights, width: 1 };
  }
  const step = axis.length / axis.out;
  const centers = Float64Array.from({ length: count }, (_, i) => axis.from + (axis.first + i + 0.5) * step);
  return coefficientsAt({ centers, step }, axis.size, filter);
}

/** Coefficients of results about these centers, over a source of `size` pixels. */
function coefficientsAt({ centers, step }: Centers, size: number, filter: Exclude<Filter, 'nearest'>): Coefficients {
  const { support: radius, weight } = kernels[filter];
  const count = centers.length;
  const start = new Int32Array(count);
  const taps = new Int32Array(count);
  const stretch = Math.max(step, 1);
  const support = radius * stretch;
  const shrink = 1 / stretch;
  const width = Math.ceil(support) * 2 + 1;
  const weights = new Int32Array(count * width);
  const exact = new Float64Array(width);
  for (let i = 0; i < count; i++) {
    const center = centers[i]!;
    const first = Math.min(Math.max(Math.trunc(center - support + 0.5), 0), size - 1);
    const last = Math.max(Math.min(Math.trunc(center + support + 0.5), size), first + 1);
    let sum = 0;
    for (let x = first; x < last; x++) sum += exact[x - first] = weight((x - center + 0.5) * shrink);
    for (let x = 0; x < last - first; x++) {
      const value = (sum === 0 ? 1 / (last - first) : exact[x]! / sum) * (1 << bits);
      weights[i * width + x] = Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
    }
    start[i] = first;
    taps[i] = last - first;
  }
  return { start, taps, weights, width };
}

interface Kernel {
  readonly support: number;
  readonly weight: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

const kernels: Readonly<Record<Exclude<Filter, 'nearest'>, Kernel>> = {
  box: { support: 0.5, weight: x => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: x => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight: x => {
      const a = -0.5;
      const d = Math.abs(x);
      if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
    },
  },
  lanczos: { support: 3, weight: x => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Rows `top` to `bottom` of the picture, each resized to `width` pixels: [bottom - top, width, 3]. */
function alongRows(pixels: Pixels, table: Coefficients, width: number, top: number, bottom: number): Uint8Array {
  const { data } = pixels;
  const { start, taps, weights, width: stride } = table;
  if (stride === 1) return partOfRows(pixels, start[0]!, width, top, bottom);
  const result = new Uint8Array((bottom - top) * width * 3);
  let to = 0;
  for (let y = top; y < bottom; y++) {
    const row = y * pixels.width;
    for (let x = 0; x < width; x++) {
      let from = (row + start[x]!) * 3;
      let r = half;
      let g = half;
      let b = half;
      const end = x * stride + taps[x]!;
      for (let k = x * stride; k < end; k++) {
        const weight = weights[k]!;
        r = (r + Math.imul(data[from]!, weight)) | 0;
        g = (g + Math.imul(data[from + 1]!, weight)) | 0;
        b = (b + Math.imul(data[from + 2]!, weight)) | 0;
        from += 3;
      }
      result[to] = clip(r);
      result[to + 1] = clip(g);
      result[to + 2] = clip(b);
      to += 3;
    }
  }
  return result;
}

/** The same where no column changes: a view, or the columns from `left` on. */
function partOfRows(pixels: Pixels, left: number, width: number, top: number, bottom: number): Uint8Array {
  const { data } = pixels;
  const length = pixels.width * 3;
  if (width === pixels.width) return data.subarray(top * length, bottom * length);
  const result = new Uint8Array((bottom - top) * width * 3);
  for (let y = top; y < bottom; y++) {
    const from = y * length + left * 3;
    result.set(data.subarray(from, from + width * 3), (y - top) * width * 3);
  }
  return result;
}

/** The vertical pass over rows of `length` bytes, whose first is the source row `top`: [height, length]. */
function alongColumns(
  source: Uint8Array,
  table: Coefficients,
  length: number,
  height: number,
  top: number,
): Uint8Array {
  const { start, taps, weights, width: stride } = table;
  if (stride === 1) return source.slice((start[0]! - top) * length, (start[0]! - top + height) * length);
  const result = new Uint8Array(height * length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const first = (start[y]! - top) * length;
    const begin = y * stride;
    const end = begin + taps[y]!;
    // three bytes a turn: a row holds whole pixels
    for (let x = 0; x < length; x += 3) {
      let from = first + x;
      let r = half;
      let g = half;
      let b = half;
      for (let k = begin; k < end; k++) {
        const weight = weights[k]!;
        r = (r + Math.imul(source[from]!, weight)) | 0;
        g = (g + Math.imul(source[from + 1]!, weight)) | 0;
        b = (b + Math.imul(source[from + 2]!, weight)) | 0;
        from += length;
      }
      result[to] = clip(r);
      result[to + 1] = clip(g);
      result[to + 2] = clip(b);
      to += 3;
    }
  }
  return result;
}

function clip(sum: number): number {
  const value = sum >> bits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Which source pixel each result takes: Pillow's ImagingScaleAffine, which adds the step up as it goes. */
function nearest(axis: Axis): Int32Array {
  const step = axis.length / axis.out;
  const result = new Int32Array(axis.count);
  let at = axis.from + step * 0.5;
  for (let i = 0; i < axis.first + axis.count; i++) {
    if (i >= axis.first) result[i - axis.first] = Math.min(Math.max(Math.floor(at), 0), axis.size - 1);
    at += step;
  }
  return result;
}

function pick(pixels: Pixels, columns: Int32Array, rows: Int32Array): Uint8Array {
  const result = new Uint8Array(rows.length * columns.length * 3);
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * pixels.width + column) * 3;
      result[to] = pixels.data[from]!;
      result[to + 1] = pixels.data[from + 1]!;
      result[to + 2] = pixels.data[from + 2]!;
      to += 3;
    }
  }
  return result;
}
