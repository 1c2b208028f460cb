// Spoils good files: bytes without knowing what they mean, and protobuf messages so that all lengths around the change
// still fit. Everything follows from one Random, so that a case can be made again from its number.

import type { Random } from '../../src/base/index.js';

/** A good file, a second one to take from, and chance: a bad file. */
export type Mutation = (bytes: Uint8Array, other: Uint8Array, random: Random) => Uint8Array;

/** Integers at which programs break: around powers of two and what is read as negative. */
const interesting: readonly bigint[] = [
  0n, 1n, 2n, 3n, 7n, 16n, 63n, 64n, 127n, 128n, 255n, 256n, 4096n, 32767n, 65535n, 65536n, 2n ** 31n - 1n, 2n ** 31n,
  2n ** 32n - 1n, 2n ** 32n, 2n ** 40n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n,
]; // prettier-ignore

export const pick = <T>(list: readonly T[], random: Random): T => list[random.integer(list.length)]!;
const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const change = (bytes: Uint8Array, at: number, into: Uint8Array): Uint8Array => {
  const changed = bytes.slice();
  changed.set(into.subarray(0, Math.max(0, bytes.length - at)), at);
  return changed;
};
/** From one place, a few bytes long: short ones are likelier. */
function range(bytes: Uint8Array, random: Random): [number, number] {
  const from = random.integer(bytes.length + 1);
  return [from, Math.min(bytes.length, from + 1 + random.integer(2 ** (1 + random.integer(6))))];
}

/** Changes that know nothing of the format. */
export const byteMutations: Readonly<Record<string, Mutation>> = {
  bit: (bytes, _, random) => {
    const at = random.integer(bytes.length);
    return change(bytes, at, Uint8Array.of(bytes[at]! ^ (1 << random.integer(8))));
  },
  byte: (bytes, _, random) => change(bytes, random.integer(bytes.length), Uint8Array.of(random.integer(256))),
  integer: (bytes, _, random) => {
    const at = random.integer(bytes.length);
    const value = pick(interesting, random);
    const fixed = new Uint8Array(8);
    new DataView(fixed.buffer).setBigUint64(0, value, random.integer(2) === 0);
    return change(bytes, at, random.integer(2) ? varint(value) : fixed.subarray(0, pick([1, 2, 4, 8], random)));
  },
  delete: (bytes, _, random) => {
    const [from, to] = range(bytes, random);
    return concat(bytes.subarray(0, from), bytes.subarray(to));
  },
  copy: (bytes, _, random) => {
    const [from, to] = range(bytes, random);
    const at = random.integer(bytes.length + 1);
    return concat(bytes.subarray(0, at), bytes.subarray(from, to), bytes.subarray(at));
  },
  cut: (bytes, _, random) => bytes.slice(0, random.integer(bytes.length)),
  splice: (bytes, other, random) =>
    concat(bytes.subarray(0, random.integer(bytes.length)), other.subarray(random.integer(other.length))),
};

/** Which fields of a message are messages, and of which kind. */
export type Schema = Readonly<Record<string, Readonly<Record<number, string>>>>;

/** The messages of onnx.proto that the reader looks into. */
export const onnxSchema: Schema = {
  Model: { 7: 'Graph', 8: 'Opset', 14: 'Entry', 25: 'Function' },
  Graph: { 1: 'Node', 5: 'Tensor', 11: 'Value', 12: 'Value', 13: 'Value', 15: 'Sparse' },
  Node: { 5: 'Attribute' },
  Attribute: { 5: 'Tensor', 6: 'Graph', 10: 'Tensor', 11: 'Graph', 22: 'Sparse' },
  Value: { 2: 'Type' },
  Type: { 1: 'TensorType' },
  TensorType: { 2: 'Shape' },
  Shape: { 1: 'Dim' },
  Tensor: { 13: 'Entry' },
  Sparse: { 1: 'Tensor', 2: 'Tensor' },
  Function: { 7: 'Node', 9: 'Opset', 11: 'Attribute', 12: 'Value' },
};

interface Message {
  readonly kind: string;
  readonly fields: Field[];
}
interface Field {
  number: number;
  wire: number;
  /** Wire 0 an integer, 1 and 5 and leaves of 2 bytes, else a message. */
  value: bigint | Uint8Array | Message;
}

/** Changes one field of one message, at any depth, and writes every length around it anew. */
export function structural(schema: Schema, root: string): Mutation {
  return (bytes, other, random) => {
    const file = parse(bytes, root, schema);
    const places = fieldsOf(file);
    const given = fieldsOf(parse(other, root, schema));
    const times = 1 + random.integer(3) * random.integer(2);
    for (let i = 0; i < times; i++) changeField(pick(places, random), pick([places, given], random), random);
    return write(file);
  };
}

interface Place {
  readonly message: Message;
  readonly field: Field;
}

function changeField({ message, field }: Place, all: readonly Place[], random: Random): void {
  const { fields } = message;
  const at = fields.indexOf(field);
  if (at < 0) return;
  const same = all.filter(place => place.message.kind === message.kind && place.field.number === field.number);
  const way = random.integer(9);
  if (way === 0) fields.splice(at, 1);
  else if (way === 1) fields.splice(random.integer(fields.length + 1), 0, copyOf(field));
  else if (way === 2) field.number = 1 + random.integer(26);
  else if (way === 3) fields.splice(random.integer(fields.length + 1), 0, copyOf(pick(all, random).field));
  else if (way === 4) fields.splice(random.integer(fields.length), 0, fields.splice(at, 1)[0]!);
  else if (way === 5 && same.length > 0) field.value = copyOf(pick(same, random).field).value;
  else field.value = changeValue(field.value, random);
}

/** A copy of its own, so that no message ever lies inside itself. */
function copyOf({ number, wire, value }: Field): Field {
  const held =
    typeof value === 'object' && 'fields' in value ? { kind: value.kind, fields: value.fields.map(copyOf) } : value;
  return { number, wire, value: held };
}

function changeValue(value: Field['value'], random: Random): Field['value'] {
  if (typeof value === 'bigint')
    return random.integer(2) ? pick(interesting, random) : BigInt.asUintN(64, value + BigInt(random.integer(7) - 3));
  if (!(value instanceof Uint8Array)) return { kind: value.kind, fields: [] };
  if (value.length === 0) return Uint8Array.of(random.integer(256));
  return pick(Object.values(byteMutations), random)(value, value, random);
}

function fieldsOf(file: Message): Place[] {
  const places: Place[] = [];
  const pending = [file];
  for (let message = pending.pop(); message; message = pending.pop())
    for (const field of message.fields) {
      places.push({ message, field });
      if (typeof field.value === 'object' && 'fields' in field.value) pending.push(field.value);
    }
  return places;
}

function parse(bytes: Uint8Array, kind: string, schema: Schema): Message {
  const fields: Field[] = [];
  let at = 0;
  const number = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(number());
    const [field, wire] = [tag >>> 3, tag & 7];
    if (wire === 0) {
      fields.push({ number: field, wire, value: number() });
      continue;
    }
    const length = wire === 2 ? Number(number()) : wire === 1 ? 8 : 4;
    const inner = bytes.subarray(at, (at += length));
    const of = wire === 2 ? schema[kind]?.[field] : undefined;
    fields.push({ number: field, wire, value: of ? parse(inner, of, schema) : inner });
  }
  return { kind, fields };
}

function write({ fields }: Message): Uint8Array {
  return concat(
    ...fields.map(({ number, wire, value }) => {
      if (typeof value === 'bigint') return concat(varint(BigInt(number * 8)), varint(value));
      const bytes = value instanceof Uint8Array ? value : write(value);
      // Eight or four bytes whose length was changed go on as length and bytes.
      const fixed = (wire === 1 && bytes.length === 8) || (wire === 5 && bytes.length === 4);
      if (fixed) return concat(varint(BigInt(number * 8 + wire)), bytes);
      return concat(varint(BigInt(number * 8 + 2)), varint(BigInt(bytes.length)), bytes);
    }),
  );
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  return Uint8Array.of(...bytes, Number(value));
}
