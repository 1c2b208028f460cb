// A view to pixels. Where its map keeps rows rows and columns columns (flips, shifts, zooms, crops), it is one antialiased
// resize, Pillow's: a view that moves nothing gives the ordinary picture to the bit. Any other map is looked up by the
// warp kernel: in the picture itself where the result is no coarser, else in the picture resized to the result's fineness.

import { prepare, resize, resizeAt, type Centers } from './geometry.js';
import { mapped, multiply, scaling, spread, translation, type Projective } from './projective.js';
import type { Box, Filter, Pixels, Preprocessing } from './preprocessing.js';
import type { Size } from './headers.js';
import { filledIndex, warp, type Sampling } from './warp.js';
import type { Fill, View } from './view.js';

/**
 * Shows a picture as a view says.
 *
 * @param view drawn for the size of this very picture
 * @returns uint8 [height, width, 3] of the recipe's size
 */
export function renderView(pixels: Pixels, preprocessing: Preprocessing, view: View): Uint8Array {
  const [a, b, c, d, e, f, g, h, i] = view.map;
  const isStraight = view.lens.k1 === 0 && view.lens.k2 === 0 && g === 0 && h === 0 && i === 1;
  const stays = isStraight && a === 1 && b === 0 && c === 0 && d === 0 && e === 1 && f === 0;
  const shown = stays
    ? prepare(pixels, preprocessing)
    : isStraight && b === 0 && d === 0
      ? resized(pixels, preprocessing, view)
      : warped(pixels, preprocessing, view);
  return view.paints.length === 0 ? shown : paintedOver(shown, view);
}

/** How many times as fine as the recipe's the view is, 1 or more: what a decoder that reduces must leave. */
export function finenessOf({ map, target }: View): number {
  const [x, y] = spread(map, target.width / 2, target.height / 2);
  const finest = 1 / Math.min(x, y);
  return Number.isFinite(finest) ? Math.max(1, finest) : 1;
}

/** Where the whole picture lies in decoded pixels. */
const boxOf = (pixels: Pixels): Box =>
  pixels.reduced?.box ?? { x: 0, y: 0, width: pixels.width, height: pixels.height };

function resized(pixels: Pixels, { filter }: Preprocessing, { map, whole, target, fill }: View): Uint8Array {
  const box = boxOf(pixels);
  // a place in the result → a place in the whole picture as the recipe resizes it
  const across = axis(map[0], map[2] - whole.x, whole.width, target.width, box.x, box.width, fill);
  const down = axis(map[4], map[5] - whole.y, whole.height, target.height, box.y, box.height, fill);
  const result = resizeAt(pixels, across, down, filter);
  if (typeof fill !== 'object') return result;
  const stride = target.width * 3;
  for (const row of down.outside) result.fill(fill.constant, row * stride, (row + 1) * stride);
  for (let row = 0; row < result.length; row += stride)
    for (const column of across.outside) result.fill(fill.constant, row + column * 3, row + column * 3 + 3);
  return result;
}

/** The centres of `count` results, and those among them whose colour is the fill's. */
function axis(
  slope: number,
  shift: number,
  size: number,
  count: number,
  from: number,
  length: number,
  fill: Fill,
): Centers & { readonly outside: readonly number[] } {
  const step = length / size;
  const outside: number[] = [];
  const centers = Float64Array.from({ length: count }, (_, i) => {
    let at = slope * (i + 0.5) + shift;
    if (at < 0 || at >= size) {
      if (typeof fill === 'object') outside.push(i);
      // edges are filled by whole pixels of the resized picture, moved by the same fraction
      const pixel = Math.floor(at);
      const fraction = at - pixel;
      const inside = filledIndex(pixel, size, fill);
      const turned = fill === 'reflect' && Math.floor(pixel / size) % 2 !== 0;
      at = fill === 'nearest' || inside < 0 ? Math.min(Math.max(at, 0.5), size - 0.5) : inside + (turned ? 1 - fraction : fraction); // prettier-ignore
    }
    return from + at * step;
  });
  return { centers, step: Math.abs(slope) * step, outside };
}

/**
 * Pixels of the recipe's resized picture to one of the plane, where one of the result reaches over so many. Slants and small
 * turns reach a little over one: looked up at once they are sharper than resized first.
 */
const fineness = (reach: number): number => (reach <= 1 ? reach : Math.max(1, reach / 1.25));

const samplings: Readonly<Record<Filter, Sampling>> = {
  nearest: 'nearest',
  box: 'bilinear',
  bilinear: 'bilinear',
  bicubic: 'bicubic',
  lanczos: 'bicubic',
};

function warped(pixels: Pixels, { filter }: Preprocessing, view: View): Uint8Array {
  const { map, whole, target, lens, fill } = view;
  const box = boxOf(pixels);
  const [x, y] = spread(map, target.width / 2, target.height / 2);
  // as many pixels as make one of the result one of the plane, and no more than there are
  const side = (size: number, reach: number, most: number): number =>
    Math.max(1, Math.min(Math.round(size / fineness(reach)) || 1, Math.floor(most)));
  const size = { width: side(whole.width, x, box.width), height: side(whole.height, y, box.height) };
  const toPlane = multiply(
    multiply(scaling(size.width / whole.width, size.height / whole.height), translation(-whole.x, -whole.y)),
    map,
  );
  const part = partSeen(toPlane, target, size, view);
  const data = resize(pixels, box, size, part, filter);
  return warp({ data, part, size }, target, toPlane, lens, fill, samplings[filter]);
}

/** The part of the plane that the result looks at; where it looks beyond an edge, all of that axis. */
function partSeen(map: Projective, { width, height }: Size, size: Size, { lens, fill }: View): Box {
  const corners = 1 + lens.k1 + lens.k2;
  const margin = 3;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  const steps = 16;
  for (let step = 0; step <= steps; step++) {
    const [along, down] = [(step / steps) * width, (step / steps) * height];
    for (const [x, y] of [
      [along, 0],
      [along, height],
      [0, down],
      [width, down],
    ] as const) {
      // the corners of a lens reach furthest or, where it draws together, the middles of the edges: both frames
      for (const factor of [1, corners]) {
        const [toX, toY] = mapped(map, (x - width / 2) * factor + width / 2, (y - height / 2) * factor + height / 2);
        [left, right] = [Math.min(left, toX), Math.max(right, toX)];
        [top, bottom] = [Math.min(top, toY), Math.max(bottom, toY)];
      }
    }
  }
  const span = (low: number, high: number, count: number): [first: number, count: number] => {
    const [first, last] = [Math.max(Math.floor(low) - margin, 0), Math.min(Math.ceil(high) + margin, count)];
    // a fill looks anywhere, and so does what is not a number
    const isInside = low >= 0 && high <= count && (fill !== 'wrap' || (low >= margin && high <= count - margin));
    return isInside ? [first, last - first] : [0, count];
  };
  const [x, across] = span(left, right, size.width);
  const [y, down] = span(top, bottom, size.height);
  return { x, y, width: across, height: down };
}

function paintedOver(shown: Uint8Array, { paints, target }: View): Uint8Array {
  const levels = Float32Array.from(shown);
  for (const paint of paints) paint(levels, target);
  const result = new Uint8Array(levels.length);
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!;
    result[i] = level <= 0 ? 0 : level >= 255 ? 255 : level + 0.5;
  }
  return result;
}
