// Sizes of chunks as they are announced. Node tells of a chunk only when its bytes come, so that one of 2^64 − 1 bytes
// would be waited for. The first request of a connection is looked at; those after it have the limits of time and length.

/** What is found in the bytes of a connection. */
export interface ChunkSizes {
  /** The next bytes; whether the headers they end are those of a chunked body is asked when they end. */
  add(bytes: Uint8Array): 'more' | 'done' | 'too large';
}

const [CR, LF] = [13, 10];

/**
 * Follows the chunks of the first request of a connection.
 *
 * @param kind what Node made of the headers so far: no request yet, one with a chunked body, or another one
 * @param limit most bytes of a chunk
 */
export function chunkSizes(kind: () => 'none' | 'chunked' | 'other', limit: number): ChunkSizes {
  let state: 'start' | 'head' | 'size' | 'line' | 'skip' = 'start';
  /** How much of CR LF CR LF the head ends with. */
  let ended = 0;
  let size = 0;
  let skip = 0;
  const step = (byte: number): 'more' | 'done' | 'too large' => {
    if (state === 'start') {
      // empty lines before a request are passed over
      if (byte !== CR && byte !== LF) state = 'head';
      return 'more';
    }
    if (state === 'head') {
      ended = byte === (ended % 2 === 0 ? CR : LF) ? ended + 1 : byte === CR ? 1 : 0;
      if (ended < 4) return 'more';
      ended = 0;
      const found = kind();
      if (found === 'other') return 'done';
      if (found === 'chunked') state = 'size';
      return 'more';
    }
    if (state === 'size') {
      const digit = parseInt(String.fromCharCode(byte), 16);
      if (Number.isNaN(digit)) state = 'line';
      else {
        size = size * 16 + digit;
        return size > limit ? 'too large' : 'more';
      }
    }
    if (byte !== LF) return 'more';
    if (size === 0) return 'done';
    skip = size + 2;
    size = 0;
    state = 'skip';
    return 'more';
  };
  return {
    add: bytes => {
      for (let at = 0; at < bytes.length;) {
        if (state === 'skip') {
          const passed = Math.min(skip, bytes.length - at);
          skip -= passed;
          at += passed;
          if (skip === 0) state = 'size';
          continue;
        }
        const found = step(bytes[at++]!);
        if (found !== 'more') return found;
      }
      return 'more';
    },
  };
}
