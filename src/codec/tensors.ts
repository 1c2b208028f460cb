// TensorProto to bytes of its own type and back. raw_data stays a view into the file; typed fields are packed.

import { bitsOf, elements, type DataType } from '../base/index.js';
import type { Initializer, SparseTensor } from '../graph/index.js';
import { checkExternal } from './external.js';
import { errors } from './errors.js';
import type { ExternalReader } from './decode.js';
import { Reader, Writer } from './wire.js';

const types: readonly (DataType | undefined)[] = [
  undefined, 'float32', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string', 'bool', 'float16', 'float64',
  'uint32', 'uint64', 'complex64', 'complex128', 'bfloat16', 'float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2',
  'float8e5m2fnuz', 'uint4', 'int4', 'float4e2m1', 'float8e8m0', 'uint2', 'int2',
]; // prettier-ignore

/** An element type by ONNX's number. */
export const typeOf = (number: number): DataType | undefined => types[number];
/** ONNX's number of an element type. */
export const numberOf = (type: DataType): number => types.indexOf(type);

/** What all tensors of a file share: the budget and the reader of external data. */
export interface TensorContext {
  left: number;
  readonly limit: number;
  readonly external: ExternalReader | undefined;
}

/** Which typed field holds which type. */
const fieldOf = (type: DataType): 'float' | 'int32' | 'int64' | 'double' | 'uint64' | 'string' =>
  type === 'float32' || type === 'complex64' ? 'float'
  : type === 'int64' ? 'int64'
  : type === 'float64' || type === 'complex128' ? 'double'
  : type === 'uint32' || type === 'uint64' ? 'uint64'
  : type === 'string' ? 'string'
  : 'int32'; // prettier-ignore

export function decodeTensor(reader: Reader, context: TensorContext): { name: string; tensor: Initializer } {
  const start = reader.offset;
  const dims: bigint[] = [];
  let external: Map<string, string> | undefined;
  const typed = {
    float: [] as number[],
    int32: [] as bigint[],
    int64: [] as bigint[],
    double: [] as number[],
    uint64: [] as bigint[],
  };
  const strings: Uint8Array[] = [];
  const held = new Set<string>();
  let raw: Uint8Array | undefined;
  let name = '';
  let number = 0;
  let location = 0;
  const extra = reader.fields((field, wire) => {
    if (field === 1 && (wire === 0 || wire === 2)) {
      reader.repeated(wire, 0, at => dims.push(at.int64()));
      if (dims.length > 64) throw errors.SHAPE({ where: name || 'a tensor', found: 'more than 64 dimensions' });
    } else if (field === 2 && wire === 0) number = Number(reader.varint());
    else if (field === 4 && (wire === 5 || wire === 2)) {
      held.add('float');
      reader.repeated(wire, 5, at => typed.float.push(at.float()));
    } else if (field === 5 && (wire === 0 || wire === 2)) {
      held.add('int32');
      reader.repeated(wire, 0, at => typed.int32.push(at.int64()));
    } else if (field === 6 && wire === 2) {
      held.add('string');
      strings.push(reader.view());
    } else if (field === 7 && (wire === 0 || wire === 2)) {
      held.add('int64');
      reader.repeated(wire, 0, at => typed.int64.push(at.int64()));
    } else if (field === 8 && wire === 2) name = decodeName(reader.view());
    else if (field === 9 && wire === 2) raw = reader.view();
    else if (field === 10 && (wire === 1 || wire === 2)) {
      held.add('double');
      reader.repeated(wire, 1, at => typed.double.push(at.double()));
    } else if (field === 11 && (wire === 0 || wire === 2)) {
      held.add('uint64');
      reader.repeated(wire, 0, at => typed.uint64.push(at.varint()));
    } else if (field === 13 && wire === 2) entry(reader.message(), (external ??= new Map<string, string>()), name);
    else if (field === 14 && wire === 0) location = Number(reader.varint());
    else return false;
    return true;
  });
  const where = name || `a tensor at byte ${start}`;
  const type = typeOf(number);
  if (!type) throw errors.TYPE({ where, found: `element type ${number}` });
  const { shape, count, size } = shapeOf(dims, type, where);
  if (size > context.left) throw tooMany(size, context, where, raw, held, location);
  context.left -= size;
  const sources = [raw && raw.length ? 'raw data' : '', ...held, location === 1 ? 'external data' : ''].filter(Boolean);
  if (sources.length > 1) throw errors.AMBIGUOUS({ where, what: `it holds ${sources.join(' and ')}` });
  const keep = extra ? { extra } : {};
  if (location === 1) {
    const { path, offset, length, checksum } = checkExternal(where, external ?? new Map());
    if (length !== undefined && length !== size)
      throw errors.EXTERNAL_RANGE({ tensor: where, found: `a length of ${length} bytes where ${size} are needed` });
    if (!context.external) throw errors.EXTERNAL_MISSING({ tensor: where, path });
    const bytes = context.external(where, path, offset, length, checksum);
    if (bytes.length !== size)
      throw errors.EXTERNAL_RANGE({ tensor: where, found: `${bytes.length} bytes where ${size} are needed` });
    return { name, tensor: { type, shape, bytes, ...keep } };
  }
  const field = fieldOf(type);
  if (held.size && !held.has(field)) throw errors.TYPE({ where, found: `${type} elements in ${[...held][0]}_data` });
  if (type === 'string') {
    if (raw?.length) throw errors.TYPE({ where, found: 'strings in raw data' });
    if (strings.length !== count)
      throw errors.SHAPE({ where, found: `${strings.length} strings for ${count} elements` });
    return { name, tensor: { type, shape, bytes: new Uint8Array(0), strings, ...keep } };
  }
  const bytes = held.size ? packed(type, typed, size, where) : (raw ?? new Uint8Array(0));
  if (bytes.length !== size)
    throw errors.SHAPE({
      where,
      found: `[${shape.join(',')}] of ${type} needs ${size} bytes, ${bytes.length} are there`,
    });
  return { name, tensor: { type, shape, bytes, ...keep } };
}

/** A claim beyond the budget is a wrong shape where the bytes are not even there, a limit where they are. */
function tooMany(
  size: number,
  context: TensorContext,
  where: string,
  raw: Uint8Array | undefined,
  held: Set<string>,
  location: number,
) {
  if (location !== 1 && (raw?.length ?? 0) < size && held.size === 0)
    return errors.SHAPE({ where, found: `it claims ${size} bytes and holds ${raw?.length ?? 0}` });
  return errors.LIMIT_BYTES({ found: context.limit - context.left + size, limit: context.limit });
}

function shapeOf(
  dims: readonly bigint[],
  type: DataType,
  where: string,
): { shape: number[]; count: number; size: number } {
  let count = 1n;
  const shape = dims.map(dim => {
    if (dim < 0n || dim > 9007199254740991n) throw errors.SHAPE({ where, found: `a dimension of ${dim}` });
    count *= dim;
    return Number(dim);
  });
  const size = (count * BigInt(bitsOf[type]) + 7n) / 8n;
  if (size > 9007199254740991n) throw errors.SHAPE({ where, found: `[${shape.join(',')}] has ${count} elements` });
  return { shape, count: Number(count), size: Number(size) };
}

function packed(
  type: DataType,
  typed: { float: number[]; int32: bigint[]; int64: bigint[]; double: number[]; uint64: bigint[] },
  size: number,
  where: string,
): Uint8Array {
  const field = fieldOf(type);
  if (field === 'float') return bytesOf(Float32Array.from(typed.float));
  if (field === 'double') return bytesOf(Float64Array.from(typed.double));
  if (field === 'int64') return bytesOf(BigInt64Array.from(typed.int64));
  if (field === 'uint64')
    return type === 'uint64'
      ? bytesOf(BigUint64Array.from(typed.uint64))
      : bytesOf(Uint32Array.from(typed.uint64, Number));
  const values = typed.int32.map(value => Number(BigInt.asIntN(32, value)));
  const bits = bitsOf[type];
  if (bits === 32) return bytesOf(Int32Array.from(values));
  if (bits === 16) return bytesOf(Uint16Array.from(values, value => value & 0xffff));
  // Sub-byte elements are already packed, one byte a value.
  const bytes = Uint8Array.from(values, value => value & 0xff);
  if (bits < 8 && bytes.length !== size)
    throw errors.SHAPE({ where, found: `${bytes.length} packed bytes where ${size} are needed` });
  return bytes;
}

const bytesOf = (data: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function decodeName(bytes: Uint8Array): string {
  let name: string;
  try {
    name = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw errors.NAME_BAD({ where: 'a tensor', found: 'it is not UTF-8' });
  }
  if (name.includes('\u0000')) throw errors.NAME_BAD({ where: 'a tensor', found: 'it holds a NUL' });
  if (name.length > 4096)
    throw errors.NAME_BAD({ where: 'a tensor', found: `it is ${name.length} letters long, at most 4096 are taken` });
  return name;
}

function entry(reader: Reader, into: Map<string, string>, name: string): void {
  const decoder = new TextDecoder();
  let [key, value] = ['', ''];
  reader.fields((field, wire) => {
    if (wire !== 2 || field > 2) return false;
    if (field === 1) key = decoder.decode(reader.view());
    else value = decoder.decode(reader.view());
    return true;
  });
  if (into.has(key))
    throw errors.AMBIGUOUS({ where: name, what: `the external ${JSON.stringify(key)} is given twice` });
  into.set(key, value);
}

export function decodeSparse(reader: Reader, context: TensorContext): SparseTensor {
  const dims: bigint[] = [];
  let values: { name: string; tensor: Initializer } | undefined;
  let indices: Initializer | undefined;
  const twice = () => errors.AMBIGUOUS({ where: values?.name ?? 'a sparse tensor', what: 'a part is given twice' });
  const extra = reader.fields((field, wire) => {
    if (field === 1 && wire === 2) {
      if (values) throw twice();
      values = decodeTensor(reader.message(), context);
    } else if (field === 2 && wire === 2) {
      if (indices) throw twice();
      indices = decodeTensor(reader.message(), context).tensor;
    } else if (field === 3 && (wire === 0 || wire === 2)) {
      reader.repeated(wire, 0, at => dims.push(at.int64()));
      if (dims.length > 64) throw errors.SHAPE({ where: 'a sparse tensor', found: 'more than 64 dimensions' });
    } else return false;
    return true;
  });
  const where = values?.name ?? 'a sparse tensor';
  if (!values || !indices) throw errors.SHAPE({ where, found: 'values or indices are missing' });
  if (indices.type !== 'int64') throw errors.TYPE({ where, found: `indices of type ${indices.type}` });
  const { shape, count, size } = shapeOf(dims, values.tensor.type, where);
  if (size > context.left)
    throw errors.LIMIT_BYTES({ found: context.limit - context.left + size, limit: context.limit });
  context.left -= size;
  // [n] flat or [n, rank]
  const [given, across = 1] = indices.shape;
  const flat = indices.shape.length === 1 ? count : undefined;
  if (values.tensor.shape.length !== 1 || given !== values.tensor.shape[0])
    throw errors.SHAPE({
      where,
      found: `indices [${indices.shape.join(',')}] for values [${values.tensor.shape.join(',')}]`,
    });
  if (flat === undefined && (indices.shape.length !== 2 || across !== shape.length))
    throw errors.SHAPE({ where, found: `indices [${indices.shape.join(',')}] into ${shape.length} dimensions` });
  const list = elements({ ...indices, type: 'int64' });
  list.forEach((index, i) => {
    const bound = flat ?? shape[i % shape.length] ?? 0;
    if (index < 0n || index >= BigInt(bound))
      throw errors.SHAPE({ where, found: `an index of ${index} where ${bound} is the end` });
  });
  return { name: where, values: values.tensor, indices, shape, ...(extra ? { extra } : {}) };
}

/** Where in another file, a neighbour of the model's, the bytes of a tensor lie. */
export interface ExternalRange {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export function encodeTensor(
  name: string,
  { type, shape, bytes, strings, extra }: Initializer,
  external?: ExternalRange,
): Writer {
  const writer = new Writer();
  for (const dim of shape) writer.varint(1, dim);
  writer.varint(2, numberOf(type));
  for (const string of strings ?? []) writer.bytes(6, string);
  writer.word(8, name);
  if (external) {
    for (const [key, value] of Object.entries(external))
      writer.message(13, new Writer().word(1, key).word(2, String(value)));
    writer.varint(14, 1);
  } else if (type !== 'string') writer.bytes(9, bytes);
  return writer.raw(extra);
}
