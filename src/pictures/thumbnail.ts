// A small square of a picture as a data URL, for reports: what is read passes the same limits as any picture.

import { closedSharp, decode, type AllowedFormat } from './decode.js';
import { prepare } from './geometry.js';
import { readPictureFile } from './picture-file.js';

/**
 * The middle of a picture as a JPEG data URL.
 *
 * @param side of the square, in pixels
 * @throws IMAGE_… as reading the picture does
 */
export async function thumbnail(
  file: string,
  side = 160,
  { allowFormats = [] }: { readonly allowFormats?: readonly AllowedFormat[] } = {},
): Promise<string> {
  const recipe = {
    width: side,
    height: side,
    resize: 'shorter-side',
    cropFraction: 1,
    filter: 'bilinear',
    background: [255, 255, 255],
  } as const;
  const pixels = prepare(await decode(readPictureFile(file), { preprocessing: recipe, allowFormats }), recipe);
  const sharp = await closedSharp();
  const jpeg = await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality: 80 })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
