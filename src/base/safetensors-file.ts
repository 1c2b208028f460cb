// safetensors files larger than memory: a reader that checks the whole header and then reads single tensors or rows by
// their positions, and a writer that takes the data piece by piece and renames the file into its place when all is there.

import { diskError } from './disk-errors.js';
import { realDisk, type DiskOptions, type OpenFile } from './disk.js';
import { errors } from './safetensors-errors.js';
import { headerEnd, readLayout, writeLayout, type Described, type Entry } from './safetensors-layout.js';
import type { SafetensorsReader } from './safetensors.js';
import { bitsOf, elementCount, errors as tensorErrors } from './tensors.js';
import { streamAtomically, type WriteOptions } from './write-atomically.js';

/**
 * Opens a safetensors file. Its header is read and checked, its size too, before any other byte is; tensors are read
 * when they are asked for. Whoever opens it closes it.
 *
 * @throws what `decodeSafetensors` throws for a bad header; `DISK_DENIED`, `DISK_FAILED`
 * @example
 * const file = await openSafetensors('predictions/validation.safetensors');
 * const logits = await file.readRows('logits', 0, 100);
 * await file.close();
 */
export async function openSafetensors(path: string, { disk = realDisk }: DiskOptions = {}): Promise<SafetensorsReader> {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw diskError(path, 'read', cause);
    }
  };
  const file = await guarded(() => disk.open(path, 'read'));
  try {
    const { start, entries, metadata } = await guarded(() => layoutOf(file));
    const byName = new Map(entries.map(entry => [entry.name, entry]));
    const entryOf = (name: string): Entry => {
      const entry = byName.get(name);
      if (!entry) throw errors.TENSOR({ name, path });
      return entry;
    };
    const bytesOf = (begin: number, end: number) => guarded(() => readAll(file, start + begin, end - begin));
    return {
      tensors: new Map(entries.map(({ name, type, shape }) => [name, { type, shape }])),
      metadata,
      async read(name) {
        const { type, shape, begin, end } = entryOf(name);
        return { type, shape, bytes: await bytesOf(begin, end) };
      },
      async readRows(name, from, count) {
        const { type, shape, begin } = entryOf(name);
        const [rows, ...rest] = shape;
        const whole = Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count >= 0;
        if (rows === undefined || !whole || from + count > rows)
          throw errors.ROWS({ name, rows: `rows ${from} to ${from + count}`, shape });
        const bits = elementCount(rest) * bitsOf[type];
        if (bits % 8 !== 0) throw errors.ROWS({ name, rows: `rows of whole bytes`, shape });
        const size = bits / 8;
        return {
          type,
          shape: [count, ...rest],
          bytes: await bytesOf(begin + from * size, begin + (from + count) * size),
        };
      },
      close: () => guarded(() => file.close()),
    };
  } catch (cause) {
    await file.close().catch(() => undefined);
    throw cause;
  }
}

async function layoutOf(file: OpenFile) {
  const total = await file.size();
  const first = await readAll(file, 0, Math.min(8, total));
  const start = headerEnd(first, total);
  return { start, ...readLayout(await readAll(file, 8, start - 8), total - start) };
}

/** One call reads at most so much; Linux gives no more than 2 GiB - 4 KiB. */
const maxRead = 1 << 30;

/** Bytes from a position. The file was as long as they need when it was opened; it may have been cut since. */
async function readAll(file: OpenFile, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await file.read(bytes.subarray(at, at + maxRead), position + at);
    if (count === 0) throw errors.INCOMPLETE({ found: position + at, wanted: String(position + length) });
    at += count;
  }
  return bytes;
}

/** A tensor whose data is made while it is written. */
export interface Streamed extends Described {
  /** The data in order, in pieces of any size. Called once. */
  readonly pieces: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * Writes a safetensors file piece by piece, whole or not at all: the same bytes as `encodeSafetensors` gives, without
 * ever holding them. The pieces of the tensors are asked for in the order of the file (widest type first, then by name).
 *
 * @param tensors by name
 * @param metadata free text by name
 * @throws `ST_TYPE`, `ST_NAME`, `ST_INFO`; `TENSOR_SIZE` where the pieces of a tensor are more or fewer bytes than its
 *   shape needs; `DISK_EXISTS`, `DISK_FULL`, `DISK_DENIED`, `DISK_FAILED`
 * @example
 * await writeSafetensors(path, new Map([['logits', {type: 'float32', shape: [M, n, K], pieces: () => members()}]]));
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Streamed>,
  metadata: ReadonlyMap<string, string> = new Map(),
  options: WriteOptions = {},
): Promise<void> {
  const { head, entries } = writeLayout(tensors, metadata);
  const bytes = head.length + (entries.at(-1)?.end ?? 0);
  await streamAtomically(path, piecesOf(head, entries, tensors), bytes, options);
}

async function* piecesOf(
  head: Uint8Array,
  entries: readonly Entry[],
  tensors: ReadonlyMap<string, Streamed>,
): AsyncGenerator<Uint8Array> {
  yield head;
  for (const { name, type, shape, begin, end } of entries) {
    let left = end - begin;
    const wrong = () =>
      tensorErrors.SIZE({
        type,
        shape,
        found: Math.floor(((end - begin - left) * 8) / bitsOf[type]),
        wanted: elementCount(shape),
      });
    for await (const piece of tensors.get(name)!.pieces()) {
      left -= piece.length;
      if (left < 0) throw wrong();
      yield piece;
    }
    if (left > 0) throw wrong();
  }
}
