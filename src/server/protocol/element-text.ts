// Elements as JSON: the text of a flat list. 64-bit integers beyond ±(2^53 - 1) are decimal text; what is not finite is
// null, and counted; FP16 and BF16, which only members' outputs bring here, are widened, which loses nothing.

import { floats } from '../../serving.js';
import { errors } from '../errors.js';
import { datatypes, type WireTensor } from '../tensors.js';
import { unpacked } from './bytes-elements.js';

/** A flat JSON list, and how many of its elements are null because they are not finite. */
export interface ElementText {
  readonly text: string;
  readonly nonFinite: number;
}

/** V8's longest string is 2^29 characters; half of that leaves room for the rest and for its bytes. */
const mostCharacters = 2 ** 28;

/**
 * @param what names the output in refusals
 * @throws TOO_LARGE over 2^28 characters; BAD_DATA for BYTES that are not UTF-8: both can be had as binary
 */
export function elementText(tensor: WireTensor, what: string): ElementText {
  const { datatype, data } = tensor;
  // the longest FP64 has 24 characters; a byte of BYTES is at most \u00ff
  const characters = datatype === 'BYTES' ? 6 * data.length : (25 * data.length) / datatypes[datatype].bytes;
  if (characters > mostCharacters)
    throw errors.TOO_LARGE({ reason: `${what}: ${data.length} bytes are too many for JSON; ask with binary_data` });
  if (datatype === 'BYTES') return exact(JSON.stringify(textsOf(data, what)));
  if (datatype === 'BOOL') return exact(JSON.stringify(Array.from(data, byte => byte !== 0)));
  if (datatype === 'INT64') return exact(longText(new BigInt64Array(aligned(data, 8))));
  if (datatype === 'UINT64') return exact(longText(new BigUint64Array(aligned(data, 8))));
  return numberText(numbersOf(tensor));
}

const exact = (text: string): ElementText => ({ text, nonFinite: 0 });

type Numbers =
  Float64Array | Float32Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

/** The elements of a numeric tensor as numbers; 64-bit integers are rounded to doubles. BOOL and BYTES are not numeric. */
export function numbersOf({ datatype, shape, data }: WireTensor): Numbers {
  switch (datatype) {
    case 'FP32':
      return new Float32Array(aligned(data, 4));
    case 'FP64':
      return new Float64Array(aligned(data, 8));
    case 'FP16':
    case 'BF16':
      return Float64Array.from(floats({ type: datatypes[datatype].type, shape, bytes: data }));
    case 'INT8':
      return new Int8Array(aligned(data, 1));
    case 'INT16':
      return new Int16Array(aligned(data, 2));
    case 'UINT16':
      return new Uint16Array(aligned(data, 2));
    case 'INT32':
      return new Int32Array(aligned(data, 4));
    case 'UINT32':
      return new Uint32Array(aligned(data, 4));
    case 'INT64':
      return Float64Array.from(new BigInt64Array(aligned(data, 8)), Number);
    case 'UINT64':
      return Float64Array.from(new BigUint64Array(aligned(data, 8)), Number);
    default:
      return data;
  }
}

/** The bytes as a buffer of their own where they do not fill theirs. */
function aligned(data: Uint8Array, size: number): ArrayBuffer {
  const whole = data.byteOffset === 0 && data.byteLength === data.buffer.byteLength;
  const length = data.byteLength - (data.byteLength % size);
  if (whole && length === data.byteLength && data.buffer instanceof ArrayBuffer) return data.buffer;
  return new Uint8Array(data.subarray(0, length)).buffer;
}

function numberText(values: Numbers): ElementText {
  let nonFinite = 0;
  let hasNegativeZero = false;
  for (const value of values) {
    if (value - value !== 0) nonFinite++;
    else if (value === 0 && 1 / value < 0) hasNegativeZero = true;
  }
  // JSON.stringify writes null for what is not finite, and 0 for -0, which JSON has
  const list = Array.from(values);
  const text = hasNegativeZero
    ? `[${list.map(value => (Object.is(value, -0) ? '-0' : JSON.stringify(value))).join(',')}]`
    : JSON.stringify(list);
  return { text, nonFinite };
}

function longText(values: BigInt64Array | BigUint64Array): string {
  const safe = BigInt(Number.MAX_SAFE_INTEGER);
  const parts: string[] = [];
  for (const value of values) parts.push(value > safe || value < -safe ? `"${value}"` : String(value));
  return `[${parts.join(',')}]`;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textsOf(data: Uint8Array, what: string): readonly string[] {
  return Array.from(unpacked(data), (bytes, index) => {
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw errors.BAD_DATA({ reason: `${what}: element ${index} is not UTF-8; ask with binary_data` }, cause);
    }
  });
}
