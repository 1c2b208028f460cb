// The recipe that brings a picture to the size a network wants. It is settled once, stored in the bundle's manifest,
// hashed into the feature cache's key, and read by training, prediction and browser alike.

import { preprocessingErrors as errors } from './errors.js';

/** Decoded pixels: RGB, 8 bits, row by row, `data.length = width * height * 3`. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly data: Uint8Array;
  /** Set where a JPEG was decoded at a half, a quarter or an eighth of its size. */
  readonly reduced?: Reduced;
}

/** How pixels decoded at a fraction lie in their picture. */
export interface Reduced {
  /** Size of the whole picture, upright. */
  readonly width: number;
  readonly height: number;
  /** Where the whole picture lies, in decoded pixels; its edges need not fall on pixel edges. */
  readonly box: Box;
}

/** A rectangle, in pixels; corners may lie between pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Pillow's filters, antialiased when they shrink (`nearest` excepted). */
export type Filter = 'bilinear' | 'bicubic' | 'lanczos' | 'box' | 'nearest';
export const filters: readonly Filter[] = ['bilinear', 'bicubic', 'lanczos', 'box', 'nearest'];

/** From decoded pixels to the pixels a network sees. */
export interface Preprocessing {
  /** What the network sees, in pixels: 1 to 4,096. */
  readonly width: number;
  readonly height: number;
  /** `shorter-side`: scale until the target is covered, sides in proportion; `stretch`: squash to the target. */
  readonly resize: 'shorter-side' | 'stretch';
  /** The part of each side that the centre crop keeps, above 0 to 1: 0.875 means resize to 256, crop 224. */
  readonly cropFraction: number;
  readonly filter: Filter;
  /** What lies behind transparent pixels, RGB. */
  readonly background: readonly [number, number, number];
}

const largest = 4096;

/**
 * Checks a recipe that came from a file or a user and returns it with exactly its own keys.
 *
 * @throws PREPROCESSING_INVALID with the key, what was found and what is wanted.
 * @example checkPreprocessing({width: 224, height: 224, resize: 'shorter-side', cropFraction: 0.875, filter: 'bilinear', background: [255, 255, 255]})
 */
export function checkPreprocessing(value: unknown): Preprocessing {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw errors.INVALID({ key: 'preprocessing', found: value, wanted: 'an object' });
  const found = new Map<string, unknown>(Object.entries(value));
  const side = (key: string): number => {
    const size = found.get(key);
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 1 || size > largest)
      throw errors.INVALID({ key, found: size, wanted: `a whole number from 1 to ${largest}` });
    return size;
  };
  const resize = found.get('resize');
  if (resize !== 'shorter-side' && resize !== 'stretch')
    throw errors.INVALID({ key: 'resize', found: resize, wanted: 'shorter-side or stretch' });
  const cropFraction = found.get('cropFraction');
  if (typeof cropFraction !== 'number' || !(cropFraction >= 0.05 && cropFraction <= 1))
    throw errors.INVALID({ key: 'cropFraction', found: cropFraction, wanted: 'a number from 0.05 to 1' });
  const filter = filters.find(name => name === found.get('filter'));
  if (filter === undefined)
    throw errors.INVALID({ key: 'filter', found: found.get('filter'), wanted: filters.join(', ') });
  return {
    width: side('width'),
    height: side('height'),
    resize,
    cropFraction,
    filter,
    background: checkBackground(found.get('background')),
  };
}

function checkBackground(value: unknown): [number, number, number] {
  const levels: unknown[] = Array.isArray(value) ? value : [];
  const level = (at: number): number => {
    const found = levels[at];
    if (levels.length !== 3 || typeof found !== 'number' || !Number.isInteger(found) || found < 0 || found > 255)
      throw errors.INVALID({ key: 'background', found: value, wanted: 'three whole numbers from 0 to 255' });
    return found;
  };
  return [level(0), level(1), level(2)];
}

/** Where a picture goes: the size it is resized to, and the target's corner in it. */
export interface Placement {
  /** Size of the whole resized picture; only the crop of it is computed. */
  readonly width: number;
  readonly height: number;
  /** Upper left corner of the crop. */
  readonly left: number;
  readonly top: number;
}

/**
 * The size a picture of `width` x `height` is resized to, and where the crop lies: torchvision's `Resize(int)` and
 * `CenterCrop` (the long side rounded down, the corner rounded half to even).
 */
export function place(width: number, height: number, preprocessing: Preprocessing): Placement {
  // 224 / (224 / 232) is 231.999…
  const wide = Math.floor(preprocessing.width / preprocessing.cropFraction + 1e-9);
  const high = Math.floor(preprocessing.height / preprocessing.cropFraction + 1e-9);
  let resizedWidth = wide;
  let resizedHeight = high;
  if (preprocessing.resize === 'shorter-side') {
    // of a square target the shorter side decides; of any other the side that needs the larger scale
    if (width * high <= height * wide) resizedHeight = Math.floor((wide * height) / width);
    else resizedWidth = Math.floor((high * width) / height);
  }
  return {
    width: resizedWidth,
    height: resizedHeight,
    left: halfToEven((resizedWidth - preprocessing.width) / 2),
    top: halfToEven((resizedHeight - preprocessing.height) / 2),
  };
}

/** Python's round: a half goes to the even neighbour. */
function halfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
