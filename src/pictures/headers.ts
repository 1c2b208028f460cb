// What a picture file says of itself in its first bytes: its kind, told by content and never by name, and its size.
// Pure, so that limits are checked before any decoder runs, in Node and in the browser.

/** The formats that are decoded; the last two only where the user allows them. */
export type Format = 'jpeg' | 'png' | 'webp' | 'gif' | 'avif' | 'tiff';

/** What the first bytes are: a format, or words for what else it is. */
export type Kind =
  { readonly format: Format; readonly words: string } | { readonly format?: undefined; readonly words: string };

const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, Math.min(to, bytes.length)));

const starts: readonly (readonly [start: string, words: string, format?: Format])[] = [
  ['\xff\xd8\xff', 'a JPEG picture', 'jpeg'],
  ['\x89PNG\r\n\x1a\n', 'a PNG picture', 'png'],
  ['GIF87a', 'a GIF picture', 'gif'],
  ['GIF89a', 'a GIF picture', 'gif'],
  ['II*\0', 'a TIFF picture', 'tiff'],
  ['MM\0*', 'a TIFF picture', 'tiff'],
  ['II+\0', 'a BigTIFF picture'],
  ['MM\0+', 'a BigTIFF picture'],
  ['BM', 'a BMP picture'],
  ['\0\0\x01\0', 'an icon (ICO)'],
  ['%PDF', 'a PDF document'],
  ['%!PS', 'a PostScript document'],
  ['8BPS', 'a Photoshop picture'],
  ['\xff\x0a', 'a JPEG XL picture'],
  ['\0\0\0\x0cJXL ', 'a JPEG XL picture'],
  ['\0\0\0\x0cjP  ', 'a JPEG 2000 picture'],
  ['PK\x03\x04', 'a zip archive'],
  ['\x1f\x8b', 'a gzip file'],
  ['version https://git-lfs', 'a Git LFS pointer, not the picture itself'],
];

/**
 * Tells the kind of a file from its first bytes.
 *
 * @example sniff(bytes).format // 'jpeg'; undefined for anything that is never decoded
 */
export function sniff(bytes: Uint8Array): Kind {
  if (bytes.length === 0) return { words: 'an empty file' };
  const head = ascii(bytes, 0, 32);
  for (const [start, words, format] of starts)
    if (head.startsWith(start)) return format === undefined ? { words } : { words, format };
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return { words: 'a WebP picture', format: 'webp' };
  if (head.slice(4, 8) === 'ftyp') {
    const brand = head.slice(8, 12);
    if (brand === 'avif' || brand === 'avis') return { words: 'an AVIF picture', format: 'avif' };
    if (/^(hei[cxms]|hev[cx]|mif1|msf1)$/.test(brand)) return { words: 'a HEIC picture' };
    return { words: 'a video or another MP4-like file' };
  }
  return { words: textKind(bytes) };
}

function textKind(bytes: Uint8Array): string {
  const text = ascii(bytes, 0, 1024).toLowerCase();
  if (text.includes('<svg')) return 'an SVG drawing';
  if (/<!doctype html|<html|<head|<body/.test(text)) return 'an HTML page (a failed download?)';
  return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? 'no picture that is known' : 'a text file';
}

/** Width and height as the header gives them, before any turn by EXIF. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Reads the size from the header of a JPEG, PNG, WebP or GIF; undefined where it is not found. */
export function headerSize(bytes: Uint8Array, format: Format): Size | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === 'png' && bytes.length >= 24) return { width: view.getUint32(16), height: view.getUint32(20) };
  if (format === 'gif' && bytes.length >= 10)
    return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  if (format === 'webp' && bytes.length >= 30) return webpSize(bytes, view);
  return format === 'jpeg' ? jpegSize(view) : undefined;
}

/** The first chunk decides: VP8X (extended), VP8L (lossless) or VP8 (lossy); developers.google.com/speed/webp. */
function webpSize(bytes: Uint8Array, view: DataView): Size | undefined {
  const chunk = ascii(bytes, 12, 16);
  if (chunk === 'VP8X') {
    const side = (at: number): number => 1 + (view.getUint16(at, true) | (view.getUint8(at + 2) << 16));
    return { width: side(24), height: side(27) };
  }
  if (chunk === 'VP8L') {
    const packed = view.getUint32(21, true);
    return { width: 1 + (packed & 0x3fff), height: 1 + ((packed >>> 14) & 0x3fff) };
  }
  if (chunk !== 'VP8 ') return undefined;
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

/** Walks the segments up to the first start of frame: FF C0…CF without C4 (tables), C8 (reserved), CC (arithmetic). */
function jpegSize(view: DataView): Size | undefined {
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1; // fill byte
    } else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 2; // no length
    } else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    } else if (marker === 0xda || marker === 0xd9) {
      return undefined;
    } else {
      at += 2 + view.getUint16(at + 2);
    }
  }
  return undefined;
}
