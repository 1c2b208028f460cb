// safetensors, read strictly and written plainly: 8 bytes little-endian length, a JSON header
// {name: {dtype, shape, data_offsets: [begin, end]}, __metadata__: {…}}, then the data of all tensors without a gap.
// https://github.com/huggingface/safetensors#format

import { errors } from './safetensors-errors.js';
import { readJson, type Json } from './safetensors-header.js';
import { bitsOf, byteLength, elementCount, errors as tensorErrors, type DataType, type Tensor } from './tensors.js';

/** What a safetensors file holds. */
export interface Safetensors {
  /** By name, in the order of the data. The bytes are views into the file's bytes, at any alignment. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Largest header of the format, in bytes. */
const maxHeader = 100_000_000;
const maxRank = 64;

/** In the order of the format's own library, so that sorting by it writes what that library writes. */
const dtypes: readonly (readonly [string, DataType])[] = [
  ['BOOL', 'bool'],
  ['F4', 'float4e2m1'],
  ['U8', 'uint8'],
  ['I8', 'int8'],
  ['F8_E5M2', 'float8e5m2'],
  ['F8_E4M3', 'float8e4m3fn'],
  ['F8_E8M0', 'float8e8m0'],
  ['F8_E4M3FNUZ', 'float8e4m3fnuz'],
  ['F8_E5M2FNUZ', 'float8e5m2fnuz'],
  ['I16', 'int16'],
  ['U16', 'uint16'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I32', 'int32'],
  ['U32', 'uint32'],
  ['F32', 'float32'],
  ['C64', 'complex64'],
  ['F64', 'float64'],
  ['I64', 'int64'],
  ['U64', 'uint64'],
];
const typeOf = new Map(dtypes);
const dtypeOf = new Map(dtypes.map(([dtype, type], rank) => [type, { dtype, rank }]));

/**
 * Reads a safetensors file. Nothing is copied: each tensor's bytes are a view into `bytes`.
 *
 * @param bytes the whole file
 * @throws `ST_HEADER`, `ST_HEADER_TOO_LARGE`, `ST_DUPLICATE`, `ST_INFO`, `ST_OFFSETS`, `ST_INCOMPLETE`
 * @example
 * const { tensors, metadata } = decodeSafetensors(await readFile('model.safetensors'));
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const end = headerEnd(bytes);
  const header = readJson(textOf(bytes.subarray(8, end)), 8);
  if (!isMap(header)) throw errors.HEADER({ reason: 'the header is no object', offset: 8 });
  const entries: Entry[] = [];
  for (const [name, value] of header) if (name !== '__metadata__') entries.push(entryOf(name, value));
  entries.sort((a, b) => compare(a.begin, b.begin) || compare(a.end, b.end));

  // Plain views, also of Node's Buffers, whose own slice() and subarray() give Buffers.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + end, bytes.length - end);
  const tensors = new Map<string, Tensor>();
  let at = 0n;
  for (const { name, type, shape, begin, end } of entries) {
    if (begin !== at)
      throw errors.OFFSETS({ name, reason: `it starts at ${begin}, but the tensor before it ends at ${at}` });
    at = end;
    // Past the end, subarray gives what is there; the total below then refuses the file.
    tensors.set(name, { type, shape, bytes: data.subarray(Number(begin), Number(end)) });
  }
  if (at !== BigInt(data.length)) throw errors.INCOMPLETE({ found: data.length, wanted: String(at) });
  return { tensors, metadata: metadataOf(header.get('__metadata__')) };
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
  const items = [...tensors].map(([name, at]) => itemOf(name, at)).sort((a, b) => b.rank - a.rank || byName(a, b));
  const fields: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, value]) => ({ key, name: named(key), value: named(value) })).sort(byName);
    fields.push(`"__metadata__":{${pairs.map(({ key, value }) => `${quote(key)}:${quote(value)}`).join(',')}}`);
  }
  let at = 0;
  for (const { name, dtype, shape, bytes } of items) {
    fields.push(
      `${quote(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${at},${at + bytes.length}]}`,
    );
    at += bytes.length;
  }
  const header = encoder.encode(`{${fields.join(',')}}`);
  const padded = Math.ceil(header.length / 8) * 8;
  if (padded > maxHeader) throw errors.HEADER_TOO_LARGE({ found: String(padded), limit: maxHeader });
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(header, 8);
  return [head, ...items.map(item => item.bytes)];
}

interface Entry {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly begin: bigint;
  readonly end: bigint;
}

/** Where the header ends; checked against the limit and the file before anything is made. */
function headerEnd(bytes: Uint8Array): number {
  if (bytes.length < 8) throw errors.HEADER({ reason: `the file has ${bytes.length} bytes`, offset: 0 });
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeader)) throw errors.HEADER_TOO_LARGE({ found: String(length), limit: maxHeader });
  const end = 8 + Number(length);
  if (length < 2n) throw errors.HEADER({ reason: `the header has ${length} bytes`, offset: 0 });
  if (end > bytes.length)
    throw errors.HEADER({ reason: `the header needs ${length} bytes, ${bytes.length - 8} are there`, offset: 0 });
  return end;
}

function textOf(header: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch (cause) {
    throw errors.HEADER({ reason: 'the header is not UTF-8', offset: 8 }, cause);
  }
}

function entryOf(name: string, value: Json): Entry {
  const info = (reason: string) => errors.INFO({ name, reason });
  if (!isMap(value)) throw info('an object with dtype, shape and data_offsets was wanted');
  for (const field of ['dtype', 'shape', 'data_offsets']) if (!value.has(field)) throw info(`it has no ${field}`);
  if (value.size > 3) throw info('it has fields beside dtype, shape and data_offsets');
  const dtype = value.get('dtype');
  const type = typeof dtype === 'string' ? typeOf.get(dtype) : undefined;
  if (!type) throw info(`dtype ${typeof dtype === 'string' ? JSON.stringify(dtype) : 'of no text'} is unknown`);
  const { shape, size } = shapeOf(value.get('shape'), type, info);

  const offsets = value.get('data_offsets');
  if (!isList(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw errors.OFFSETS({ name, reason: 'data_offsets is not a pair of whole numbers' });
  const [begin, end] = offsets as readonly [bigint, bigint];
  if (begin > end) throw errors.OFFSETS({ name, reason: `it begins at ${begin} and ends at ${end}` });
  if (end - begin !== size) throw info(`its shape needs ${size} bytes, its offsets span ${end - begin}`);
  return { name, type, shape, begin, end };
}

/** The shape, and the bytes it needs: exact, refused beyond 2^64 bits even where another dimension is 0. */
function shapeOf(value: Json | undefined, type: DataType, info: (reason: string) => Error) {
  if (!isList(value) || !value.every(isCount)) throw info('its shape is not a list of whole numbers');
  if (value.length > maxRank) throw info(`its shape has ${value.length} dimensions, more than ${maxRank}`);
  let bits = BigInt(bitsOf[type]);
  for (const dim of value) {
    if (dim > BigInt(Number.MAX_SAFE_INTEGER)) throw info(`the dimension ${dim} is beyond 2^53 - 1`);
    bits *= dim;
    if (bits >= 1n << 64n) throw info('its shape needs more bits than 64 bits can count');
  }
  if (bits % 8n !== 0n) throw info(`its shape needs ${bits} bits, which are no whole bytes`);
  return { shape: value.map(Number), size: bits / 8n };
}

function metadataOf(value: Json | undefined): Map<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined) return metadata;
  const bad = () => errors.HEADER({ reason: '__metadata__ is not an object of texts', offset: 8 });
  if (!isMap(value)) throw bad();
  for (const [key, text] of value) {
    if (typeof text !== 'string') throw bad();
    metadata.set(key, text);
  }
  return metadata;
}

function itemOf(name: string, { type, shape, bytes }: Tensor) {
  const known = dtypeOf.get(type);
  if (!known) throw errors.TYPE({ name, type });
  if (name === '__metadata__') throw errors.NAME({ name });
  const wanted = byteLength(type, shape);
  if (bytes.length !== wanted) {
    const found = (bytes.length * 8) / bitsOf[type];
    throw tensorErrors.SIZE({ type, shape, found, wanted: elementCount(shape) });
  }
  const bits = elementCount(shape) * bitsOf[type];
  if (bits % 8 !== 0) throw errors.INFO({ name, reason: `its shape needs ${bits} bits, which are no whole bytes` });
  return { ...known, name: named(name), shape, bytes };
}

/** A name that UTF-8 can hold: a lone surrogate would be written as another character. */
function named(name: string): string {
  if (/\p{Surrogate}/u.test(name)) throw errors.NAME({ name });
  return name;
}

/** By code points, as UTF-8 sorts; JavaScript's own order differs beyond U+FFFF. */
function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  const [x, y] = [encoder.encode(a.name), encoder.encode(b.name)];
  const both = Math.min(x.length, y.length);
  for (let i = 0; i < both; i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return x.length - y.length;
}

const encoder = new TextEncoder();
const quote = (text: string): string => JSON.stringify(text);
const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const isMap = (value: Json | undefined): value is ReadonlyMap<string, Json> => value instanceof Map;
const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);
const isCount = (value: Json): value is bigint => typeof value === 'bigint' && value >= 0n;
