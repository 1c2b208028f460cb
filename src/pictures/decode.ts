// Picture bytes to upright 8-bit RGB pixels, with sharp as closed as it goes: four loaders, from memory only, limits
// checked from the header, any warning of a decoder is a refusal (a truncated picture is not half a picture).

import type { default as Sharp, SharpOptions, Sharp as Pipeline } from 'sharp';
import { GraftError } from '../base/index.js';
import { imageErrors as errors } from './errors.js';
import { prepare } from './geometry.js';
import { headerSize, sniff, type Format, type Size } from './headers.js';
import { checkSize, mostPixels } from './limits.js';
import { place, type Pixels, type Preprocessing, type Reduced } from './preprocessing.js';

/** Formats that are decoded only where the user says so. */
export type AllowedFormat = 'avif' | 'tiff';

export interface DecodeOptions {
  /** The recipe: its background lies behind transparent pixels, its size says how far a JPEG may be reduced. */
  readonly preprocessing: Preprocessing;
  /** Formats beside JPEG, PNG, WebP and GIF. @default [] */
  readonly allowFormats?: readonly AllowedFormat[] | undefined;
  /** How many times finer than the recipe's the pixels of an upright picture of this size must be. @default 1 */
  readonly fineness?: ((size: Size) => number) | undefined;
}

/** Seconds that one picture may take. */
const patience = 5;

const loaders: Readonly<Record<AllowedFormat, string>> = {
  avif: 'VipsForeignLoadHeifBuffer',
  tiff: 'VipsForeignLoadTiffBuffer',
};

let opened: Promise<typeof Sharp> | undefined;

/**
 * Loads sharp and closes everything but the loaders of JPEG, PNG, WebP and GIF, for the whole process; called by
 * `decode` itself, and worth calling at start so that a decoder that cannot be closed is found out then.
 *
 * @throws IMAGE_UNSAFE where a drawing is still decoded.
 */
export async function openDecoder(allowFormats: readonly AllowedFormat[] = []): Promise<void> {
  const sharp = await closedSharp();
  for (const format of allowFormats) sharp.unblock({ operation: [loaders[format]] });
}

/** sharp, closed: loaded by whoever needs it first, since libvips reads what is not trusted when it starts. */
export const closedSharp = (): Promise<typeof Sharp> => (opened ??= open());

/**
 * Loads sharp in a further thread of a process whose decoder is open. Blocking anew would, for a moment, take the
 * loaders away from the threads that are decoding: what is blocked is blocked for the whole process.
 */
export async function adoptDecoder(): Promise<void> {
  await (opened ??= import('sharp').then(({ default: sharp }) => sharp));
}

async function open(): Promise<typeof Sharp> {
  process.env['VIPS_BLOCK_UNTRUSTED'] = '1'; // read when libvips starts
  const { default: sharp } = await import('sharp');
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: ['Jpeg', 'Png', 'Webp', 'Nsgif'].map(name => `VipsForeignLoad${name}Buffer`) });
  sharp.cache(false);
  sharp.concurrency(1);
  await checkClosed(sharp);
  return sharp;
}

/**
 * The check at start: a decoder that still draws an SVG is not closed.
 *
 * @throws IMAGE_UNSAFE
 */
export async function checkClosed(sharp: typeof Sharp): Promise<void> {
  const drawing = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>');
  const refused = await sharp(drawing)
    .metadata()
    .then(
      () => false,
      () => true,
    );
  if (!refused) throw errors.UNSAFE({ format: 'SVG' });
}

/**
 * Decodes a picture: turned as its EXIF says, colours to sRGB, 8 bits, transparent pixels laid on the recipe's
 * background, the first frame of an animation. A JPEG much larger than the recipe needs is decoded at a fraction, never
 * below twice the wanted size.
 *
 * @throws IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_CORRUPT
 * @example
 * const { readFile } = await import('node:fs/promises');
 * const pixels = await decode(await readFile('holiday.jpg'), { preprocessing });
 */
export async function decode(bytes: Uint8Array, options: DecodeOptions): Promise<Pixels> {
  const format = checkFormat(bytes, options.allowFormats ?? []);
  // a GIF's header speaks of its screen, not of its picture; libnsgif clips
  const size = format === 'gif' ? undefined : headerSize(bytes, format);
  if (size) checkSize(size);
  await openDecoder(options.allowFormats);
  const sharp = await closedSharp();
  const { background } = options.preprocessing;
  const input = (): Pipeline => sharp(bytes, inputOptions).timeout({ seconds: patience });
  try {
    const reduction = format === 'jpeg' && size ? await reduce(input, size, options) : undefined;
    const pipeline = input().autoOrient();
    if (reduction)
      pipeline.resize(reduction.width, reduction.height, { fit: 'fill', kernel: 'cubic', fastShrinkOnLoad: true });
    const { data, info } = await pipeline
      .flatten({ background: { r: background[0], g: background[1], b: background[2] } })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    checkSize(info);
    const pixels = { width: info.width, height: info.height, data: threeChannels(data, info.channels) };
    return reduction ? { ...pixels, reduced: reduction.reduced } : pixels;
  } catch (cause) {
    throw refusal(cause, format);
  }
}

/** Decodes a picture and brings it to the network's size: uint8 [height, width, 3] of the recipe. */
export async function preparePicture(
  bytes: Uint8Array,
  preprocessing: Preprocessing,
  options: Omit<DecodeOptions, 'preprocessing'> = {},
): Promise<Uint8Array> {
  return prepare(await decode(bytes, { ...options, preprocessing }), preprocessing);
}

const inputOptions: SharpOptions = {
  failOn: 'warning',
  limitInputPixels: mostPixels,
  limitInputChannels: 5,
  pages: 1,
  sequentialRead: true,
};

function checkFormat(bytes: Uint8Array, allowed: readonly AllowedFormat[]): Format {
  const { format, words } = sniff(bytes);
  const extra = allowed.map(name => name.toUpperCase());
  if (format === undefined || ((format === 'avif' || format === 'tiff') && !allowed.includes(format)))
    throw errors.UNSUPPORTED({ found: words, wanted: ['JPEG', 'PNG', 'WebP', 'GIF', ...extra].join(', ') });
  return format;
}

/** The size that sharp is asked for, and where the picture lies in what comes back. */
interface Reduction extends Size {
  readonly reduced: Reduced;
}

/**
 * Asks for a third of the picture's size, or three times the wanted size where that is larger still: from a third on,
 * sharp lets libjpeg decode at 1/2, 1/4 or 1/8 and does the rest itself. Below twice the wanted size: no reduction.
 */
async function reduce(
  input: () => Pipeline,
  header: Size,
  { preprocessing, fineness = () => 1 }: DecodeOptions,
): Promise<Reduction | undefined> {
  if (preprocessing.filter === 'nearest' || isAlwaysWhole(header, preprocessing)) return undefined;
  const { orientation = 1 } = await input().metadata();
  const turned = orientation >= 5 && orientation <= 8;
  const width = turned ? header.height : header.width;
  const height = turned ? header.width : header.height;
  const placed = place(width, height, preprocessing);
  const finer = fineness({ width, height });
  const across = Math.floor(Math.min(3 * placed.width * finer, width / 3));
  const down = Math.floor(Math.min(3 * placed.height * finer, height / 3));
  if (across < 2 * placed.width * finer || down < 2 * placed.height * finer) return undefined;
  const fraction = loadFraction(Math.min(width / across, height / down));
  // libvips drops the last, partly filled pixel of a reduced JPEG: the picture ends a little beyond what came back
  const boxWidth = (across * (width / fraction)) / Math.floor(width / fraction);
  const boxHeight = (down * (height / fraction)) / Math.floor(height / fraction);
  const box = {
    x: mirroredX.has(orientation) ? across - boxWidth : 0,
    y: mirroredY.has(orientation) ? down - boxHeight : 0,
    width: boxWidth,
    height: boxHeight,
  };
  return { width: across, height: down, reduced: { width, height, box } };
}

/** Whether a picture is too small to be decoded at a fraction, whichever way it is turned: cheap and sure. */
export const isAlwaysWhole = ({ width, height }: Size, preprocessing: Preprocessing): boolean =>
  Math.max(width, height) < 6 * Math.min(preprocessing.width, preprocessing.height);

// EXIF orientations whose upright picture starts at the stored picture's last column or row
const mirroredX = new Set([2, 3, 6, 7]);
const mirroredY = new Set([3, 4, 7, 8]);

/** sharp's choice (pipeline.cc): at most the shrink, and half of it just above a power of two. */
function loadFraction(shrink: number): number {
  const fraction = shrink >= 8 ? 8 : shrink >= 4 ? 4 : shrink >= 2 ? 2 : 1;
  return fraction > 1 && Math.trunc(shrink) === fraction ? fraction / 2 : fraction;
}

/** Grey as RGB; sharp gives sRGB three channels already, this holds it to that. */
function threeChannels(data: Buffer, channels: number): Uint8Array {
  if (channels === 3) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const count = data.length / channels;
  const result = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++) result[i * 3 + c] = data[i * channels + (channels > 2 ? c : 0)]!;
  return result;
}

function refusal(cause: unknown, format: Format): GraftError {
  if (cause instanceof GraftError) return cause;
  const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
  if (/exceeds pixel limit/.test(reason))
    return errors.TOO_LARGE({ found: 'too many pixels', limit: `${mostPixels / 1e6} megapixels` }, cause);
  if (/exceeds channel limit/.test(reason))
    return errors.TOO_LARGE({ found: 'too many channels', limit: '5 channels' }, cause);
  if (/^timeout/.test(reason))
    return errors.TOO_LARGE({ found: `more than ${patience} s of decoding`, limit: `${patience} s` }, cause);
  return errors.CORRUPT({ format: format.toUpperCase(), reason }, cause);
}
