// A view: how one picture is shown once, drawn by augmentations before any pixel is touched. Geometry is one composed map,
// so that pixels are resampled once; colour is a list of changes to the pixels that come out.

import { place, type Box, type Pixels, type Preprocessing } from './preprocessing.js';
import type { Size } from './headers.js';
import { identity, inverse, multiply, type Projective } from './projective.js';

/**
 * What lies beyond the edges of a picture: its edge pixels, its mirror image, the picture over again, or a grey level.
 * Reflected: `dcba|abcd|dcba`.
 */
export type Fill = 'nearest' | 'reflect' | 'wrap' | { readonly constant: number };

/**
 * A change to pixels, in place.
 *
 * @param levels [height, width, 3], RGB, 0 to 255; what leaves that range is clipped at the end
 */
export type Paint = (levels: Float32Array, size: Size) => void;

/** How one picture is shown once. Coordinates are those of the result: x from 0 to `target.width`, y downwards. */
export interface View {
  /** The whole picture, upright, in its own pixels. */
  readonly size: Size;
  /** What the network sees. */
  readonly target: Size;
  /** Where the whole picture lies before anything moves it: the recipe's centre crop shows 0 to width, 0 to height of it. */
  readonly whole: Box;
  /** From a place in the result to the place, in coordinates of `whole`, whose colour it gets. */
  readonly map: Projective;
  /**
   * Distortion by a lens, nearest to the eye: a point at distance r of the centre (1 at the corners) is looked up at
   * r · (1 + k1·r² + k2·r⁴).
   */
  readonly lens: { readonly k1: number; readonly k2: number };
  readonly fill: Fill;
  readonly paints: readonly Paint[];
}

/** The picture as it is: what the recipe says and nothing else. */
export function plainView(size: Size, preprocessing: Preprocessing): View {
  const { width, height, left, top } = place(size.width, size.height, preprocessing);
  return {
    size: { width: size.width, height: size.height },
    target: { width: preprocessing.width, height: preprocessing.height },
    whole: { x: -left, y: -top, width, height },
    map: identity,
    lens: { k1: 0, k2: 0 },
    fill: 'reflect',
    paints: [],
  };
}

/**
 * The view after its picture was moved.
 *
 * @param motion what happens to the picture, in coordinates of the result: `translation(5, 0)` moves it 5 pixels right
 */
export const moved = (view: View, motion: Projective): View => ({
  ...view,
  map: multiply(view.map, inverse(motion)),
});

/** The view with one more change to its pixels. */
export const painted = (view: View, paint: Paint): View => ({ ...view, paints: [...view.paints, paint] });

/** The upright size of the whole picture that pixels are of. */
export const wholeSize = (pixels: Pixels): Size => pixels.reduced ?? pixels;
