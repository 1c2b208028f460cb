// A tensor is data: element type, shape and little-endian bytes. The bytes are usually a view into a file's buffer
// and are never copied unless somebody needs an aligned typed array over bytes that are not aligned.

import { defineErrors } from './errors.js';

/** Element types, with the names that ONNX and safetensors users know. */
export type DataType =
  | 'float32' | 'uint8' | 'int8' | 'uint16' | 'int16' | 'int32' | 'int64' | 'string' | 'bool' | 'float16' | 'float64'
  | 'uint32' | 'uint64' | 'complex64' | 'complex128' | 'bfloat16' | 'float8e4m3fn' | 'float8e4m3fnuz' | 'float8e5m2'
  | 'float8e5m2fnuz' | 'uint4' | 'int4' | 'float4e2m1' | 'float8e8m0' | 'uint2' | 'int2'; // prettier-ignore

/** Bits of one element; 0 for strings, whose size is their own. */
export const bitsOf: Readonly<Record<DataType, number>> = {
  float32: 32, uint8: 8, int8: 8, uint16: 16, int16: 16, int32: 32, int64: 64, string: 0, bool: 8, float16: 16,
  float64: 64, uint32: 32, uint64: 64, complex64: 64, complex128: 128, bfloat16: 16, float8e4m3fn: 8,
  float8e4m3fnuz: 8, float8e5m2: 8, float8e5m2fnuz: 8, uint4: 4, int4: 4, float4e2m1: 4, float8e8m0: 8, uint2: 2, int2: 2,
}; // prettier-ignore

/** Element type, shape and little-endian bytes (sub-byte types packed low bits first, as ONNX packs them). */
export interface Tensor {
  readonly type: DataType;
  readonly shape: readonly number[];
  /** `elementCount(shape) · bitsOf[type] / 8` bytes, rounded up; empty for strings. */
  readonly bytes: Uint8Array;
  /** The elements of a string tensor, each as UTF-8 bytes. */
  readonly strings?: readonly Uint8Array[];
}

export const errors = defineErrors('TENSOR', {
  SIZE: {
    kind: 'input',
    message: (at: { type: string; shape: readonly number[]; found: number; wanted: number }) =>
      `a ${at.type} tensor of shape [${at.shape.join(',')}] needs ${at.wanted} elements, found ${at.found}`,
    hint: 'Pass as many values as the product of the shape.',
  },
  TYPE: {
    kind: 'input',
    message: (at: { found: string; wanted: string }) => `a ${at.wanted} tensor was wanted, found ${at.found}`,
  },
  UNSAFE_INTEGER: {
    kind: 'input',
    message: (at: { value: string }) => `the integer ${at.value} is beyond 2^53 and cannot be a dimension`,
  },
});

/** Product of the dimensions; 1 for a scalar. */
export const elementCount = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Bytes that `shape` elements of `type` take, packed. */
export const byteLength = (type: DataType, shape: readonly number[]): number =>
  Math.ceil((elementCount(shape) * bitsOf[type]) / 8);

export type TypedArray =
  | Float32Array | Float64Array | Uint8Array | Int8Array | Uint16Array | Int16Array | Int32Array | Uint32Array
  | BigInt64Array | BigUint64Array; // prettier-ignore

const arrayOf = {
  float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array,
  int16: Int16Array, int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array,
  bool: Uint8Array, float16: Uint16Array, bfloat16: Uint16Array,
} as const; // prettier-ignore

/** The types that a typed array holds one element per slot; float16 and bfloat16 as their 16 bits. */
export type ArrayType = keyof typeof arrayOf;

/** Makes a tensor from values. Numbers are converted (float16 from floats too); a typed array of the right kind is used as it is. */
export function tensor(type: ArrayType, shape: readonly number[], values: TypedArray | readonly number[]): Tensor {
  const wanted = elementCount(shape);
  if (values.length !== wanted) throw errors.SIZE({ type, shape, found: values.length, wanted });
  const Kind = arrayOf[type];
  let data: TypedArray;
  if (values instanceof Kind) data = values;
  else if (type === 'float16') data = Uint16Array.from(values as readonly number[], toFloat16);
  else if (type === 'int64') data = BigInt64Array.from(values as readonly number[], v => BigInt(v));
  else if (type === 'uint64') data = BigUint64Array.from(values as readonly number[], v => BigInt(v));
  else data = (Kind as typeof Float32Array).from(values as readonly number[]);
  return { type, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** The elements as a typed array: a view where the bytes are aligned, else a copy. */
export function elements<T extends ArrayType>(at: Tensor & { readonly type: T }): InstanceType<(typeof arrayOf)[T]>;
export function elements(at: Tensor): TypedArray;
export function elements(at: Tensor): TypedArray {
  const Kind = arrayOf[at.type as ArrayType];
  if (!Kind) throw errors.TYPE({ found: at.type, wanted: 'number' });
  const size = Kind.BYTES_PER_ELEMENT;
  const { bytes } = at;
  if (bytes.byteOffset % size === 0)
    return new Kind(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength / size);
  // A copy: slice() of a Node Buffer would be a view.
  return new Kind(new Uint8Array(bytes).buffer, 0, bytes.byteLength / size);
}

/** The elements as floats, whatever real type holds them. A view for float32. */
export function floats(at: Tensor): Float32Array {
  const data = elements(at);
  if (at.type === 'float32') return data as Float32Array;
  if (at.type === 'float16') return Float32Array.from(data as Uint16Array, fromFloat16);
  if (at.type === 'bfloat16') {
    const bits = Uint32Array.from(data as Uint16Array, v => v << 16);
    return new Float32Array(bits.buffer);
  }
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

/** The elements as safe integers: shapes, axes, steps. Throws beyond 2^53. */
export function integers(at: Tensor): number[] {
  return Array.from(elements(at) as ArrayLike<number | bigint>, v => {
    const n = Number(v);
    if (!Number.isSafeInteger(n)) throw errors.UNSAFE_INTEGER({ value: String(v) });
    return n;
  });
}

/** A float as its nearest IEEE half, ties to even; overflow becomes infinity. */
export function toFloat16(value: number): number {
  scratch[0] = value;
  const x = scratchBits[0]!;
  const sign = (x >>> 16) & 0x8000;
  const exponent = (x >>> 23) & 0xff;
  const mantissa = x & 0x7fffff;
  if (exponent === 255) return sign | 0x7c00 | (mantissa ? 0x200 | (mantissa >>> 13) : 0);
  const e = exponent - 112;
  if (e >= 31) return sign | 0x7c00;
  if (e <= 0) {
    if (e < -10) return sign;
    const full = mantissa | 0x800000;
    const shift = 14 - e;
    const half = full >>> shift;
    const rest = full & ((1 << shift) - 1);
    const tie = 1 << (shift - 1);
    return sign | (half + (rest > tie || (rest === tie && half & 1) ? 1 : 0));
  }
  const half = (e << 10) | (mantissa >>> 13);
  const rest = mantissa & 0x1fff;
  return sign | (half + (rest > 0x1000 || (rest === 0x1000 && half & 1) ? 1 : 0));
}
const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** The value of an IEEE half given by its bits. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
