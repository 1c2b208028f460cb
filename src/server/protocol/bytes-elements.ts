// Elements of BYTES: a 4-byte little-endian length and the bytes, element by element (Triton, extension_binary_data).

import { errors } from '../errors.js';

/** Text as elements. */
export function packTexts(texts: readonly string[]): Uint8Array {
  const lengths = texts.map(text => Buffer.byteLength(text));
  const packed = Buffer.from(new ArrayBuffer(lengths.reduce((sum, length) => sum + 4 + length, 0)));
  let at = 0;
  for (const [index, text] of texts.entries()) {
    at = packed.writeUInt32LE(lengths[index]!, at);
    packed.write(text, at);
    at += lengths[index]!;
  }
  return new Uint8Array(packed.buffer);
}

/** One element of bytes as they are. */
export function packOne(bytes: Uint8Array): Uint8Array {
  const packed = new Uint8Array(4 + bytes.length);
  new DataView(packed.buffer).setUint32(0, bytes.length, true);
  packed.set(bytes, 4);
  return packed;
}

/**
 * Goes through the elements without copying them.
 *
 * @throws BAD_BINARY with `what` where lengths lead past the end, or elements are not `count`
 */
export function checkPacked(data: Uint8Array, count: number, what: string): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = 0;
  let found = 0;
  for (; at < data.length; found++) {
    const left = data.length - at - 4;
    const length = left < 0 ? 0 : view.getUint32(at, true);
    if (left < length)
      throw errors.BAD_BINARY({
        reason: `${what}: element ${found} needs ${4 + length} bytes, ${data.length - at} are left`,
      });
    at += 4 + length;
  }
  if (found !== count) throw errors.BAD_BINARY({ reason: `${what}: expected ${count}, got ${found}` });
}

/** The elements of what {@link checkPacked} would pass, as views. */
export function* unpacked(data: Uint8Array): Generator<Uint8Array, void, undefined> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < data.length;) {
    const start = at + 4;
    at = start + view.getUint32(at, true);
    yield data.subarray(start, at);
  }
}
