// Pixels as a PNG file.

import { closedSharp } from './decode.js';
import type { Pixels } from './preprocessing.js';

/** The bytes of a PNG. */
export async function encodePng({ width, height, data }: Pixels): Promise<Uint8Array> {
  const sharp = await closedSharp();
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
