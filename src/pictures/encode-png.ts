// Pixels as a PNG file.

import sharp from 'sharp';
import type { Pixels } from './preprocessing.js';

/** The bytes of a PNG. */
export async function encodePng({ width, height, data }: Pixels): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
