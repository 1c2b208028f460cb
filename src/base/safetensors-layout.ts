// Where the tensors of a safetensors file lie: its header read strictly (every law of the format is checked before a byte
// of data is touched) and written plainly. 8 bytes little-endian length, a JSON header
// {name: {dtype, shape, data_offsets: [begin, end]}, __metadata__: {…}}, then the data of all tensors without a gap.
// https://github.com/huggingface/safetensors#format

import { errors } from './safetensors-errors.js';
import { readJson, type Json } from './safetensors-header.js';
import { bitsOf, byteLength, elementCount, type DataType } from './tensors.js';

/** A tensor of a safetensors file, and where its data lies behind the header. */
export interface Entry {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What a header says. */
export interface Layout {
  /** In the order of the data, which they cover without a gap. */
  readonly entries: readonly Entry[];
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
 * Where the header ends, from the first bytes of a file; checked against the limit and the file before anything is made.
 *
 * @param first the first 8 bytes, or all that there are
 * @param total bytes of the file
 */
export function headerEnd(first: Uint8Array, total: number): number {
  if (first.length < 8) throw errors.HEADER({ reason: `the file has ${first.length} bytes`, offset: 0 });
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeader)) throw errors.HEADER_TOO_LARGE({ found: String(length), limit: maxHeader });
  const end = 8 + Number(length);
  if (length < 2n) throw errors.HEADER({ reason: `the header has ${length} bytes`, offset: 0 });
  if (end > total)
    throw errors.HEADER({ reason: `the header needs ${length} bytes, ${total - 8} are there`, offset: 0 });
  return end;
}

/**
 * Reads a header and holds it against the bytes that follow it.
 *
 * @param header without the 8 bytes of its length
 * @param dataLength bytes of the file behind the header
 * @throws `ST_HEADER`, `ST_DUPLICATE`, `ST_INFO`, `ST_OFFSETS`, `ST_INCOMPLETE`
 */
export function readLayout(header: Uint8Array, dataLength: number): Layout {
  const json = readJson(textOf(header), 8);
  if (!isMap(json)) throw errors.HEADER({ reason: 'the header is no object', offset: 8 });
  const spans: Span[] = [];
  for (const [name, value] of json) if (name !== '__metadata__') spans.push(spanOf(name, value));
  spans.sort((a, b) => compare(a.begin, b.begin) || compare(a.end, b.end));
  let at = 0n;
  for (const { name, begin, end } of spans) {
    if (begin !== at)
      throw errors.OFFSETS({ name, reason: `it starts at ${begin}, but the tensor before it ends at ${at}` });
    at = end;
  }
  if (at !== BigInt(dataLength)) throw errors.INCOMPLETE({ found: dataLength, wanted: String(at) });
  // no offset is beyond the file now, so each is a safe number
  const entries = spans.map(span => ({ ...span, begin: Number(span.begin), end: Number(span.end) }));
  return { entries, metadata: metadataOf(json.get('__metadata__')) };
}

/** A tensor that is to be written. */
export interface Described {
  readonly type: DataType;
  readonly shape: readonly number[];
}

/**
 * Makes the head of a file: length and header, padded with blanks to a multiple of 8. Tensors are sorted by dtype
 * (widest first) and name, metadata by name: the same tensors give the same bytes.
 *
 * @returns the head, and the tensors in the order in which their data follows it
 * @throws `ST_TYPE` for types the format has no name for, `ST_NAME`, `ST_INFO`, `ST_HEADER_TOO_LARGE`
 */
export function writeLayout(
  tensors: ReadonlyMap<string, Described>,
  metadata: ReadonlyMap<string, string>,
): { readonly head: Uint8Array; readonly entries: readonly Entry[] } {
  const items = [...tensors].map(([name, at]) => itemOf(name, at)).sort((a, b) => b.rank - a.rank || byName(a, b));
  const fields: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, value]) => ({ key, name: named(key), value: named(value) })).sort(byName);
    fields.push(`"__metadata__":{${pairs.map(({ key, value }) => `${quote(key)}:${quote(value)}`).join(',')}}`);
  }
  const entries: Entry[] = [];
  let begin = 0;
  for (const { name, dtype, type, shape, bytes } of items) {
    const end = begin + bytes;
    fields.push(`${quote(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]}`);
    entries.push({ name, type, shape, begin, end });
    begin = end;
  }
  const header = encoder.encode(`{${fields.join(',')}}`);
  const padded = Math.ceil(header.length / 8) * 8;
  if (padded > maxHeader) throw errors.HEADER_TOO_LARGE({ found: String(padded), limit: maxHeader });
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(header, 8);
  return { head, entries };
}

/** An entry before the file's length is known to bound it. */
interface Span {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly begin: bigint;
  readonly end: bigint;
}

function textOf(header: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch (cause) {
    throw errors.HEADER({ reason: 'the header is not UTF-8', offset: 8 }, cause);
  }
}

function spanOf(name: string, value: Json): Span {
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

function itemOf(name: string, { type, shape }: Described) {
  const known = dtypeOf.get(type);
  if (!known) throw errors.TYPE({ name, type });
  if (name === '__metadata__') throw errors.NAME({ name });
  const bits = elementCount(shape) * bitsOf[type];
  if (bits % 8 !== 0) throw errors.INFO({ name, reason: `its shape needs ${bits} bits, which are no whole bytes` });
  return { ...known, name: named(name), type, shape, bytes: byteLength(type, shape) };
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
