// How large a picture may be, checked from its header before anything is decoded.

import { imageErrors as errors } from './errors.js';
import type { Size } from './headers.js';

/** 50 megapixels: 150 MB as RGB. */
export const mostPixels = 50_000_000;
/** Longest side, in pixels. */
export const longestSide = 16_384;

/**
 * Refuses a picture that is too large.
 *
 * @throws IMAGE_TOO_LARGE
 */
export function checkSize({ width, height }: Size): void {
  if (Math.max(width, height) > longestSide)
    throw errors.TOO_LARGE({ found: `${width} x ${height} pixels`, limit: `${longestSide} a side` });
  if (width * height > mostPixels)
    throw errors.TOO_LARGE({ found: `${width} x ${height} pixels`, limit: `${mostPixels / 1e6} megapixels` });
}
