// safetensors, read strictly and written plainly, whole in memory; safetensors-layout.ts has the laws of the header, and
// safetensors-file.ts reads and writes files that are larger than memory. https://github.com/huggingface/safetensors#format

import { headerEnd, readLayout, writeLayout, type Described } from './safetensors-layout.js';
import { bitsOf, byteLength, elementCount, errors as tensorErrors, type Tensor } from './tensors.js';

/** What a safetensors file holds. */
export interface Safetensors {
  /** By name, in the order of the data. The bytes are views into the file's bytes, at any alignment. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A safetensors file of which parts are read on demand. */
export interface SafetensorsReader {
  /** Type and shape of each tensor, by name, in the order of the data. */
  readonly tensors: ReadonlyMap<string, Described>;
  readonly metadata: ReadonlyMap<string, string>;
  /** One whole tensor. */
  read(name: string): Promise<Tensor>;
  /**
   * Rows `from` … `from + count - 1` of a tensor along its first dimension: [count, …rest].
   *
   * @throws `ST_ROWS` where the tensor has no such rows
   */
  readRows(name: string, from: number, count: number): Promise<Tensor>;
  close(): Promise<void>;
}

/**
 * Reads a safetensors file. Nothing is copied: each tensor's bytes are a view into `bytes`.
 *
 * @param bytes the whole file
 * @throws `ST_HEADER`, `ST_HEADER_TOO_LARGE`, `ST_DUPLICATE`, `ST_INFO`, `ST_OFFSETS`, `ST_INCOMPLETE`
 * @example
 * const { tensors, metadata } = decodeSafetensors(await readFile('model.safetensors'));
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const end = headerEnd(bytes, bytes.length);
  const { entries, metadata } = readLayout(bytes.subarray(8, end), bytes.length - end);
  // Plain views, also of Node's Buffers, whose own slice() and subarray() give Buffers.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + end, bytes.length - end);
  const tensors = new Map<string, Tensor>();
  for (const { name, type, shape, begin, end } of entries)
    tensors.set(name, { type, shape, bytes: data.subarray(begin, end) });
  return { tensors, metadata };
}

/**
 * Writes tensors as a safetensors file: sorted by dtype (widest first) and name, the header padded with blanks to
 * a multiple of 8. The same tensors give the same bytes.
 *
 * @param tensors by name
 * @param metadata free text by name; sorted
 * @returns the file in pieces: the header, then each tensor's own bytes, not copied
 * @throws `ST_TYPE` for types the format has no name for, `ST_NAME`, `TENSOR_SIZE`
 * @example
 * await writeAtomically('checkpoint.safetensors', encodeSafetensors(new Map([['w', tensor('float32', [2], [1, 2])]])));
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array[] {
  const { head, entries } = writeLayout(tensors, metadata);
  return [head, ...entries.map(({ name }) => sized(tensors.get(name)!))];
}

function sized({ type, shape, bytes }: Tensor): Uint8Array {
  if (bytes.length === byteLength(type, shape)) return bytes;
  const found = (bytes.length * 8) / bitsOf[type];
  throw tensorErrors.SIZE({ type, shape, found, wanted: elementCount(shape) });
}
