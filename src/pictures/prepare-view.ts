// Picture bytes to the pixels of one showing: decoded as finely as the showing needs, drawn by its augmentations.

import type { Random } from '../base/index.js';
import { drawView, type Augmentation } from './augmentation.js';
import { decode, type DecodeOptions } from './decode.js';
import type { Size } from './headers.js';
import type { Pixels, Preprocessing } from './preprocessing.js';
import { finenessOf, renderView } from './render-view.js';
import { wholeSize, type View } from './view.js';

/** What draws a picture's showings. */
export interface Showing {
  readonly augmentations: readonly Augmentation[];
  /** Of this picture and epoch, as `chanceOf` gives it. */
  readonly random: Random;
}

/**
 * Decodes a picture and shows it augmented: uint8 [height, width, 3] of the recipe. The same bytes and chance give the same
 * pixels.
 *
 * @throws IMAGE_…
 */
export async function prepareView(
  bytes: Uint8Array,
  preprocessing: Preprocessing,
  showing: Showing,
  options: Omit<DecodeOptions, 'preprocessing' | 'fineness'> = {},
): Promise<Uint8Array> {
  const pixels = await decodeFor(bytes, preprocessing, showing, options);
  return renderView(pixels, preprocessing, viewOf(wholeSize(pixels), preprocessing, showing));
}

/** The pixels that a showing needs. */
export const decodeFor = (
  bytes: Uint8Array,
  preprocessing: Preprocessing,
  showing: Showing,
  options: Omit<DecodeOptions, 'preprocessing' | 'fineness'>,
): Promise<Pixels> =>
  decode(bytes, {
    ...options,
    preprocessing,
    fineness: size => {
      try {
        return finenessOf(viewOf(size, preprocessing, showing));
      } catch {
        return 1; // what an augmentation throws is thrown where its view is wanted
      }
    },
  });

const viewOf = (size: Size, preprocessing: Preprocessing, { augmentations, random }: Showing): View =>
  drawView(size, preprocessing, augmentations, random);
