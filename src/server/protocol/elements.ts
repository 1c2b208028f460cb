// JSON elements to little-endian bytes, row by row, whatever their nesting. Nothing is rounded to an integer, wrapped, or
// turned from text: an element is of its type, or it is refused by its index. 64-bit integers beyond ±(2^53 - 1), which
// JSON readers round, are decimal text.

import { errors } from '../errors.js';
import { datatypes, type Datatype } from '../tensors.js';
import { packTexts } from './bytes-elements.js';
import { quoted } from './quoted.js';

/** Types whose elements JSON can hold. */
export type JsonDatatype = Exclude<Datatype, 'FP16' | 'BF16'>;

export const isJsonDatatype = (datatype: Datatype): datatype is JsonDatatype =>
  datatype !== 'FP16' && datatype !== 'BF16';

/** Stores an element; false where it is not of the type. */
type Store = (value: unknown, at: number) => boolean;

/**
 * `count` elements as bytes of their own buffer.
 *
 * @param what names the input in refusals
 * @throws BAD_DATA
 */
export function bytesOfElements(datatype: JsonDatatype, data: unknown, count: number, what: string): Uint8Array {
  if (!Array.isArray(data))
    throw errors.BAD_DATA({
      reason: `${what}: wanted data as a list, got ${data === undefined ? 'none' : quoted(data)}`,
    });
  if (datatype === 'BYTES') {
    const texts: string[] = [];
    const isText: Store = value => typeof value === 'string' && texts.push(value) > 0;
    checkCount(stored(data, count, isText, datatype, what), count, what);
    return packTexts(texts);
  }
  const buffer = new ArrayBuffer(count * datatypes[datatype].bytes);
  checkCount(stored(data, count, stores[datatype](buffer), datatype, what), count, what);
  return new Uint8Array(buffer);
}

function checkCount(found: number, count: number, what: string): void {
  if (found !== count) throw errors.BAD_DATA({ reason: `${what}: expected ${count}, got ${found}` });
}

/** Stores the first `count` elements, and counts all. */
function stored(list: readonly unknown[], count: number, store: Store, datatype: Datatype, what: string): number {
  let index = 0;
  const walk = (items: readonly unknown[]): void => {
    for (const item of items) {
      if (Array.isArray(item)) walk(item);
      else if (index < count && !store(item, index))
        throw errors.BAD_DATA({ reason: `${what}: element ${index} is ${quoted(item)}, wanted ${wanted[datatype]}` });
      else index++;
    }
  };
  walk(list);
  return index;
}

const wanted: Readonly<Record<Datatype, string>> = {
  BOOL: 'true, false, 1 or 0',
  UINT8: 'a whole number from 0 to 255',
  UINT16: 'a whole number from 0 to 65535',
  UINT32: 'a whole number from 0 to 4294967295',
  UINT64: 'a whole number from 0 to 2^64 - 1, as text beyond 2^53 - 1',
  INT8: 'a whole number from -128 to 127',
  INT16: 'a whole number from -32768 to 32767',
  INT32: 'a whole number from -2147483648 to 2147483647',
  INT64: 'a whole number from -2^63 to 2^63 - 1, as text beyond 2^53 - 1',
  FP16: 'binary data',
  BF16: 'binary data',
  FP32: 'a number that FP32 holds',
  FP64: 'a number that FP64 holds',
  BYTES: 'text',
};

type Into = (buffer: ArrayBuffer) => Store;
type Numbers = { [index: number]: number };

/** A number that the array gives back as it is. */
const whole =
  (Kind: new (buffer: ArrayBuffer) => Numbers): Into =>
  buffer => {
    const array = new Kind(buffer);
    return (value, at) => {
      if (typeof value !== 'number') return false;
      array[at] = value;
      return array[at] === value;
    };
  };

const float =
  (Kind: new (buffer: ArrayBuffer) => Numbers): Into =>
  buffer => {
    const array = new Kind(buffer);
    return (value, at) => {
      if (typeof value !== 'number') return false;
      array[at] = value;
      return Number.isFinite(array[at]);
    };
  };

const decimal = /^-?(?:0|[1-9]\d{0,19})$/;

const long =
  (least: bigint, most: bigint): Into =>
  buffer => {
    const words = new Int32Array(buffer);
    const longs = new BigInt64Array(buffer);
    const [low, high] = [Number(least), Number(most)];
    return (value, at) => {
      if (typeof value === 'number') {
        if (!Number.isSafeInteger(value) || value < low || value > high) return false;
        words[2 * at] = value; // its lowest 32 bits, as JavaScript converts
        words[2 * at + 1] = Math.floor(value / 2 ** 32);
        return true;
      }
      if (typeof value !== 'string' || !decimal.test(value)) return false;
      const exact = BigInt(value);
      longs[at] = exact;
      return exact >= least && exact <= most;
    };
  };

const bool: Into = buffer => {
  const array = new Uint8Array(buffer);
  return (value, at) => {
    if (value !== true && value !== false && value !== 1 && value !== 0) return false;
    array[at] = Number(value);
    return true;
  };
};

const stores: Readonly<Record<Exclude<JsonDatatype, 'BYTES'>, Into>> = {
  BOOL: bool,
  UINT8: whole(Uint8Array),
  UINT16: whole(Uint16Array),
  UINT32: whole(Uint32Array),
  UINT64: long(0n, 2n ** 64n - 1n),
  INT8: whole(Int8Array),
  INT16: whole(Int16Array),
  INT32: whole(Int32Array),
  INT64: long(-(2n ** 63n), 2n ** 63n - 1n),
  FP32: float(Float32Array),
  FP64: float(Float64Array),
};
