// The warp kernel that Node and browser share: each pixel of the result is looked up once through a projective map, after
// a radial one, between the pixels of a source: nearest, bilinear, or bicubic (a = −1/2, as in Pillow). What lies beyond the
// edges is filled tap by tap, so that edges stay smooth.

import type { Box } from './preprocessing.js';
import type { Size } from './headers.js';
import type { Projective } from './projective.js';
import type { Fill, View } from './view.js';

export type Sampling = 'nearest' | 'bilinear' | 'bicubic';

/** The part of a plane of pixels that is at hand. */
export interface Plane {
  /** [part.height, part.width, 3] */
  readonly data: Uint8Array;
  /** Whole pixels inside `size`. */
  readonly part: Box;
  /** Of the whole plane: beyond it lies the fill. */
  readonly size: Size;
}

/**
 * Looks up every pixel of a result.
 *
 * @param map from the result, after the lens, to the plane; both measured from their upper left corners
 * @returns uint8 [target.height, target.width, 3]
 */
export function warp(
  plane: Plane,
  target: Size,
  map: Projective,
  lens: View['lens'],
  fill: Fill,
  sampling: Sampling,
): Uint8Array {
  const { width, height } = target;
  const [a, b, c, d, e, f, g, h, i] = map;
  const result = new Uint8Array(width * height * 3);
  const sample = samplers[sampling](plane, fill, result);
  const [middleX, middleY] = [width / 2, height / 2];
  const reach = 1 / (middleX * middleX + middleY * middleY);
  const bent = lens.k1 !== 0 || lens.k2 !== 0;
  let to = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let x = column + 0.5;
      let y = row + 0.5;
      if (bent) {
        const [fromX, fromY] = [x - middleX, y - middleY];
        const square = (fromX * fromX + fromY * fromY) * reach;
        const factor = 1 + square * (lens.k1 + lens.k2 * square);
        x = middleX + fromX * factor;
        y = middleY + fromY * factor;
      }
      const w = g * x + h * y + i;
      sample((a * x + b * y + c) / w, (d * x + e * y + f) / w, to);
      to += 3;
    }
  }
  return result;
}

/** Writes the colour at (x, y) of the plane to the result, from byte `to` on. */
type Sampler = (x: number, y: number, to: number) => void;
type MakeSampler = (plane: Plane, fill: Fill, result: Uint8Array) => Sampler;

const samplers: Readonly<Record<Sampling, MakeSampler>> = {
  nearest: (plane, fill, result) => {
    const offset = offsets(plane, fill);
    const level = levelOf(fill);
    return (x, y, to) => {
      const from = offset(Math.floor(x), Math.floor(y));
      for (let channel = 0; channel < 3; channel++)
        result[to + channel] = from < 0 ? level : plane.data[from + channel]!;
    };
  },
  bilinear: (plane, fill, result) => {
    const { data, part } = plane;
    const offset = offsets(plane, fill);
    const level = levelOf(fill);
    const stride = part.width * 3;
    const [lastX, lastY] = [part.width - 1, part.height - 1];
    return (x, y, to) => {
      const left = Math.floor(x - 0.5);
      const top = Math.floor(y - 0.5);
      const u = x - 0.5 - left;
      const v = y - 0.5 - top;
      const [w00, w10, w01, w11] = [(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v];
      const [column, row] = [left - part.x, top - part.y];
      if (column >= 0 && row >= 0 && column < lastX && row < lastY) {
        let at = row * stride + column * 3;
        for (let channel = 0; channel < 3; channel++, at++)
          result[to + channel] =
            data[at]! * w00 + data[at + 3]! * w10 + data[at + stride]! * w01 + data[at + stride + 3]! * w11 + 0.5;
        return;
      }
      const [at00, at10] = [offset(left, top), offset(left + 1, top)];
      const [at01, at11] = [offset(left, top + 1), offset(left + 1, top + 1)];
      const tap = (at: number, channel: number): number => (at < 0 ? level : data[at + channel]!);
      for (let channel = 0; channel < 3; channel++)
        result[to + channel] =
          tap(at00, channel) * w00 +
          tap(at10, channel) * w10 +
          tap(at01, channel) * w01 +
          tap(at11, channel) * w11 +
          0.5;
    };
  },
  bicubic: (plane, fill, result) => {
    const { data, part } = plane;
    const offset = offsets(plane, fill);
    const level = levelOf(fill);
    const stride = part.width * 3;
    const across = new Float64Array(4);
    const down = new Float64Array(4);
    return (x, y, to) => {
      const left = Math.floor(x - 0.5);
      const top = Math.floor(y - 0.5);
      cubic(x - 0.5 - left, across);
      cubic(y - 0.5 - top, down);
      const [column, row] = [left - 1 - part.x, top - 1 - part.y];
      let red = 0;
      let green = 0;
      let blue = 0;
      if (column >= 0 && row >= 0 && column + 4 <= part.width && row + 4 <= part.height) {
        const [u0, u1, u2, u3] = [across[0]!, across[1]!, across[2]!, across[3]!];
        let at = row * stride + column * 3;
        for (let j = 0; j < 4; j++, at += stride) {
          const v = down[j]!;
          red += v * (u0 * data[at]! + u1 * data[at + 3]! + u2 * data[at + 6]! + u3 * data[at + 9]!);
          green += v * (u0 * data[at + 1]! + u1 * data[at + 4]! + u2 * data[at + 7]! + u3 * data[at + 10]!);
          blue += v * (u0 * data[at + 2]! + u1 * data[at + 5]! + u2 * data[at + 8]! + u3 * data[at + 11]!);
        }
      } else {
        for (let j = 0; j < 4; j++)
          for (let k = 0; k < 4; k++) {
            const weight = down[j]! * across[k]!;
            const at = offset(left - 1 + k, top - 1 + j);
            red += weight * (at < 0 ? level : data[at]!);
            green += weight * (at < 0 ? level : data[at + 1]!);
            blue += weight * (at < 0 ? level : data[at + 2]!);
          }
      }
      result[to] = clipped(red);
      result[to + 1] = clipped(green);
      result[to + 2] = clipped(blue);
    };
  },
};

/** The four weights of Keys' kernel at a fraction between the second and the third tap. */
function cubic(t: number, weights: Float64Array): void {
  weights[0] = ((-0.5 * t + 1) * t - 0.5) * t;
  weights[1] = (1.5 * t - 2.5) * t * t + 1;
  weights[2] = ((-1.5 * t + 2) * t + 0.5) * t;
  weights[3] = (0.5 * t - 0.5) * t * t;
}

const clipped = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5);

const levelOf = (fill: Fill): number => (typeof fill === 'object' ? fill.constant : 0);

/** Where a pixel of the plane lies in its data, after the fill; −1 where the fill is a level. */
function offsets({ part, size }: Plane, fill: Fill): (x: number, y: number) => number {
  const within = (at: number, first: number, count: number): number => Math.min(Math.max(at - first, 0), count - 1);
  return (x, y) => {
    const [column, row] = [filledIndex(x, size.width, fill), filledIndex(y, size.height, fill)];
    if (column < 0 || row < 0) return -1;
    return (within(row, part.y, part.height) * part.width + within(column, part.x, part.width)) * 3;
  };
}

/** The pixel of 0 … count − 1 that stands for one beyond them; −1 where a level does. */
export function filledIndex(at: number, count: number, fill: Fill): number {
  if (at >= 0 && at < count) return at;
  if (fill === 'nearest') return at < 0 ? 0 : count - 1;
  if (fill === 'wrap') return ((at % count) + count) % count;
  if (fill === 'reflect') {
    const turn = ((at % (2 * count)) + 2 * count) % (2 * count);
    return turn < count ? turn : 2 * count - 1 - turn;
  }
  return -1;
}
