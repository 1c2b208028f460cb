// Tensors of one shape mixed by shares: Σ shareᵢ · xᵢ / divisor, summed in float64 with Neumaier's compensation, so that
// the order of the tensors does not show after rounding to float32; then rounded once to the type they have.

import { elements, floats, tensor, toFloat16, type DataType, type Tensor } from '../base/index.js';

/** Types that are mixed; whatever else differs is refused or taken from one member. */
export const isMixed = (type: DataType): type is 'float32' | 'float64' | 'float16' | 'bfloat16' =>
  type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';

/** The numbers of a float tensor, float64 unrounded. */
export const numbersOf = (at: Tensor): Float32Array | Float64Array =>
  at.type === 'float64' ? elements({ ...at, type: 'float64' as const }) : floats(at);

/** How much each of several counts. */
export interface Shares {
  readonly shares: readonly number[];
  readonly divisor: number;
}

/** Numbers that are summed at a time: sums stay in the processor's first cache. */
const block = 1024;

/** Mixes float tensors of one type and shape. `least` is a bound below, as variances have one. */
export function mixTensors(tensors: readonly Tensor[], { shares, divisor }: Shares, least?: number): Tensor {
  const { type, shape } = tensors[0]!;
  const all = tensors.map(numbersOf);
  const mixed = new Float64Array(all[0]!.length);
  const sums = new Float64Array(block);
  const rests = new Float64Array(block);
  for (let from = 0; from < mixed.length; from += block) {
    const count = Math.min(block, mixed.length - from);
    sums.fill(0);
    rests.fill(0);
    for (let m = 0; m < all.length; m++) addTerms(sums, rests, all[m]!.subarray(from, from + count), shares[m]!);
    for (let i = 0; i < count; i++) mixed[from + i] = (sums[i]! + rests[i]!) / divisor;
  }
  if (least !== undefined) for (let i = 0; i < mixed.length; i++) if (mixed[i]! < least) mixed[i] = least;
  return floatTensor(type, shape, mixed);
}

function addTerms(sums: Float64Array, rests: Float64Array, x: Float32Array | Float64Array, share: number): void {
  for (let i = 0; i < x.length; i++) {
    const term = share * x[i]!;
    const before = sums[i]!;
    const after = before + term;
    rests[i] = rests[i]! + (Math.abs(before) >= Math.abs(term) ? before - after + term : term - after + before);
    sums[i] = after;
  }
}

/** Whether all numbers are finite. */
export function areFinite(values: Float32Array | Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (values[i]! - values[i]! !== 0) return false;
  return true;
}

/** Numbers as a float tensor of a type, each rounded to its nearest. */
export function floatTensor(type: DataType, shape: readonly number[], values: Float64Array): Tensor {
  if (type === 'float64') return tensor('float64', shape, values);
  if (type === 'float16') return tensor('float16', shape, Uint16Array.from(values, toFloat16));
  const rounded = Float32Array.from(values);
  if (type === 'bfloat16') return tensor('bfloat16', shape, toBfloat16(rounded));
  return tensor('float32', shape, rounded);
}

/** The upper halves of floats, to the nearest, ties to even; what is no number stays none. */
function toBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (x, i) =>
    Number.isNaN(values[i]) ? (x >>> 16) | 0x40 : (x + 0x7fff + ((x >>> 16) & 1)) >>> 16,
  );
}

/** Whether tensors hold the same bytes. */
export const isEqualTensor = (a: Tensor, b: Tensor): boolean =>
  a === b ||
  (a.type === b.type &&
    a.shape.length === b.shape.length &&
    a.shape.every((dim, i) => dim === b.shape[i]) &&
    isEqualBytes(a.bytes, b.bytes) &&
    (a.strings ?? []).length === (b.strings ?? []).length &&
    (a.strings ?? []).every((text, i) => isEqualBytes(text, b.strings![i]!)));

/** Whether bytes are the same; four at a time where they lie so. */
export function isEqualBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  if (a.buffer === b.buffer && a.byteOffset === b.byteOffset) return true;
  let i = 0;
  if (a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    const words = a.length >>> 2;
    const [x, y] = [a, b].map(({ buffer, byteOffset }) => new Uint32Array(buffer, byteOffset, words));
    for (let w = 0; w < words; w++) if (x![w] !== y![w]) return false;
    i = 4 * words;
  }
  for (; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
