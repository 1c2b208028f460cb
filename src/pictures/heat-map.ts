// A map of few cells over the pixels that a network saw. Cells know on which pixel of the prepared picture they are
// centred, so that heat lies where it came from; between them it is Keys's cubic (a = −1/2), as Pillow's BICUBIC is.

import { turbo } from './turbo.js';
import { place, type Pixels, type Preprocessing } from './preprocessing.js';

/** Cell `i` is centred on prepared pixel `start + i · step`; the centre of the first pixel is 0. */
export interface CellLine {
  readonly start: number;
  readonly step: number;
}

/** A map over a prepared picture. */
export interface HeatMap {
  /** [height, width], any numbers. */
  readonly values: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
  readonly rows: CellLine;
  readonly columns: CellLine;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A map at the places of a picture of another size: float [to.height, to.width].
 *
 * @param seen the size of the prepared picture, to which the lines refer
 */
export function spreadHeat({ values, height, width, rows, columns }: HeatMap, seen: Size, to: Size): Float32Array {
  const across = tapsOf(columns, width, seen.width, to.width);
  const down = tapsOf(rows, height, seen.height, to.height);
  const between = new Float32Array(height * to.width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < to.width; x++) {
      let sum = 0;
      for (const [i, weight] of across[x]!) sum += weight * values[y * width + i]!;
      between[y * to.width + x] = sum;
    }
  const spread = new Float32Array(to.height * to.width);
  for (let y = 0; y < to.height; y++)
    for (const [i, weight] of down[y]!)
      for (let x = 0; x < to.width; x++) spread[y * to.width + x]! += weight * between[i * to.width + x]!;
  return spread;
}

/** Which cells each result reads, and with which weights; beyond the middle of a cell at the edge, that cell alone. */
function tapsOf(
  { start, step }: CellLine,
  cells: number,
  seen: number,
  count: number,
): (readonly [number, number])[][] {
  return Array.from({ length: count }, (_, i) => {
    const cell = Math.min(Math.max((((i + 0.5) * seen) / count - 0.5 - start) / step, 0), cells - 1);
    const first = Math.floor(cell) - 1;
    return [0, 1, 2, 3].map(k => {
      const place = Math.min(Math.max(first + k, 0), cells - 1);
      return [place, cubic(Math.abs(cell - first - k))] as const;
    });
  });
}

function cubic(d: number): number {
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** Heat above 0 as a share of the most; nothing but zeros where none is above 0. */
export function positiveShare(heat: ArrayLike<number>): Float32Array {
  let most = 0;
  for (let i = 0; i < heat.length; i++) most = Math.max(most, heat[i]!);
  return Float32Array.from(heat, value => (most > 0 ? Math.max(value, 0) / most : 0));
}

/** How much of the colour is seen where heat is most. */
const strongest = 0.7;

/** A picture under heat of 0 to 1: [height, width]; where it is cold the picture shows as it is. */
export function heated({ width, height, data }: Pixels, heat: ArrayLike<number>): Pixels {
  const result = new Uint8Array(data.length);
  for (let i = 0; i < width * height; i++) {
    const share = Math.min(Math.max(heat[i]!, 0), 1);
    // steep at first, so that the edge of the heat is seen
    const opacity = strongest * (1 - (1 - share) ** 2);
    const colour = turbo(0.15 + 0.85 * share);
    for (let c = 0; c < 3; c++) result[3 * i + c] = Math.round(data[3 * i + c]! * (1 - opacity) + colour[c]! * opacity);
  }
  return { width, height, data: result };
}

/**
 * The recipe that shows what a network sees of a picture, larger: the same part, its longer side as in the file, but from
 * `least` to `most` pixels. Where the network's recipe squeezes pictures the part keeps its own proportions.
 *
 * @param size of the picture, upright
 */
export function shownRecipe(
  size: Size,
  preprocessing: Preprocessing,
  { least = 256, most = 512 }: { readonly least?: number; readonly most?: number } = {},
): Preprocessing {
  const placed = place(size.width, size.height, preprocessing);
  const across = (preprocessing.width * size.width) / placed.width;
  const down = (preprocessing.height * size.height) / placed.height;
  const longer = Math.max(across, down);
  const scale = Math.min(Math.max(longer, least), most) / longer;
  const side = (length: number) => Math.max(1, Math.round(length * scale));
  return { ...preprocessing, width: side(across), height: side(down), filter: 'bicubic' };
}
