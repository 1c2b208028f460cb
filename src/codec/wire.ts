// Protobuf's wire format, read strictly and written plainly. Tags are field·8 + wire type; wire types: 0 varint,
// 1 eight bytes, 2 length and bytes, 3/4 group, 5 four bytes. https://protobuf.dev/programming-guides/encoding/
// Lengths are compared with the bytes left before anything is made; nesting is counted; 64 bits stay exact.

import { proto } from './errors.js';

/** Deepest nesting of messages, as protobuf's own default. */
const maxDepth = 100;

/** A message's bytes, read field by field. */
export class Reader {
  #at: number;
  constructor(
    readonly bytes: Uint8Array,
    start = 0,
    readonly end = bytes.length,
    readonly depth = 0,
  ) {
    this.#at = start;
    if (depth > maxDepth) throw proto.DEPTH({ offset: start, limit: maxDepth });
  }

  get offset(): number {
    return this.#at;
  }

  /** Calls `see` for each field; where it returns false the field is unknown and its bytes are returned together. */
  fields(see: (field: number, wire: number) => boolean): Uint8Array | undefined {
    const unknown: Uint8Array[] = [];
    while (this.#at < this.end) {
      const start = this.#at;
      const tag = this.#number();
      const wire = tag % 8;
      const field = Math.floor(tag / 8);
      if (field < 1 || field > 536870911) throw proto.MALFORMED({ offset: start, found: `field number ${field}` });
      if (wire > 5) throw proto.MALFORMED({ offset: start, found: `wire type ${wire}` });
      if (see(field, wire)) continue;
      this.#skip(field, wire);
      unknown.push(this.bytes.subarray(start, this.#at));
    }
    if (unknown.length === 0) return undefined;
    const all = new Uint8Array(unknown.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of unknown) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** An unsigned varint of at most 10 bytes. */
  varint(): bigint {
    let low = 0;
    for (let i = 0; i < 4; i++) {
      const byte = this.#byte();
      low |= (byte & 127) << (7 * i);
      if (byte < 128) return BigInt(low);
    }
    let value = BigInt(low);
    for (let i = 4; i < 10; i++) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << BigInt(7 * i);
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw proto.MALFORMED({ offset: this.#at, found: 'a varint of more than 10 bytes' });
  }

  /** A signed 64-bit varint. */
  int64(): bigint {
    return BigInt.asIntN(64, this.varint());
  }

  /** Length-delimited bytes, as a view. */
  view(): Uint8Array {
    const { start, end } = this.#length();
    this.#at = end;
    return this.bytes.subarray(start, end);
  }

  /** Length-delimited bytes, as a message one level deeper. */
  message(): Reader {
    const { start, end } = this.#length();
    this.#at = end;
    return new Reader(this.bytes, start, end, this.depth + 1);
  }

  fixed32(): number {
    return this.#view(4).getUint32(0, true);
  }
  float(): number {
    return this.#view(4).getFloat32(0, true);
  }
  fixed64(): bigint {
    return this.#view(8).getBigUint64(0, true);
  }
  double(): number {
    return this.#view(8).getFloat64(0, true);
  }

  /** A repeated scalar, packed or not: calls `one` for each. */
  repeated(wire: number, scalar: 0 | 1 | 5, one: (reader: Reader) => void): void {
    if (wire === scalar) {
      one(this);
      return;
    }
    const packed = this.message();
    const size = scalar === 5 ? 4 : scalar === 1 ? 8 : 0;
    if (size && (packed.end - packed.offset) % size)
      throw proto.MALFORMED({ offset: packed.offset, found: `a packed field of ${packed.end - packed.offset} bytes` });
    while (packed.offset < packed.end) one(packed);
  }

  #length(): { start: number; end: number } {
    const length = this.#number();
    const start = this.#at;
    if (length > this.end - start) throw proto.TRUNCATED({ offset: start, wanted: `${length} bytes were promised` });
    return { start, end: start + length };
  }

  /** A varint as a number: exact up to 2^53, and above that only compared with smaller ones. */
  #number(): number {
    const { bytes } = this;
    const first = this.#at < this.end ? bytes[this.#at]! : 128;
    if (first < 128) {
      this.#at++;
      return first;
    }
    const second = this.#at + 1 < this.end ? bytes[this.#at + 1]! : 128;
    if (second < 128) {
      this.#at += 2;
      return (first & 127) + second * 128;
    }
    return Number(this.varint());
  }

  #byte(): number {
    if (this.#at >= this.end) throw proto.TRUNCATED({ offset: this.#at, wanted: 'a number' });
    return this.bytes[this.#at++]!;
  }

  #view(size: number): DataView {
    if (this.#at + size > this.end) throw proto.TRUNCATED({ offset: this.#at, wanted: `${size} bytes` });
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.#at, size);
    this.#at += size;
    return view;
  }

  /** Skips a field, iteratively through groups. */
  #skip(field: number, wire: number): void {
    const open: number[] = [];
    let [f, w] = [field, wire];
    for (;;) {
      if (w === 0) this.varint();
      else if (w === 1) this.#view(8);
      else if (w === 2) this.view();
      else if (w === 5) this.#view(4);
      else if (w === 3) {
        open.push(f);
        if (open.length + this.depth > maxDepth) throw proto.DEPTH({ offset: this.#at, limit: maxDepth });
      } else if (open.pop() !== f) throw proto.GROUP({ offset: this.#at, field: f });
      if (open.length === 0) return;
      if (this.#at >= this.end) throw proto.TRUNCATED({ offset: this.#at, wanted: 'the end of a group' });
      const tag = this.#number();
      [f, w] = [Math.floor(tag / 8), tag % 8];
      if (w > 5) throw proto.MALFORMED({ offset: this.#at, found: `wire type ${w}` });
    }
  }
}

/** Writes fields into chunks; big byte arrays are kept as they are and copied once, at the end. */
export class Writer {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  varint(field: number, value: bigint | number): this {
    return this.#push(concat(encodeVarint(BigInt(field) << 3n), encodeVarint(BigInt.asUintN(64, BigInt(value)))));
  }
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#push(encodeVarint((BigInt(field) << 3n) | 5n)).#push(bytes);
  }
  bytes(field: number, value: Uint8Array): this {
    return this.#push(concat(encodeVarint((BigInt(field) << 3n) | 2n), encodeVarint(BigInt(value.length)))).#push(
      value,
    );
  }
  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }
  /** A text that is left out where it is empty. */
  word(field: number, value: string): this {
    return value ? this.text(field, value) : this;
  }
  message(field: number, inner: Writer): this {
    this.#push(concat(encodeVarint((BigInt(field) << 3n) | 2n), encodeVarint(BigInt(inner.#length))));
    for (const chunk of inner.#chunks) this.#push(chunk);
    return this;
  }
  /** Fields that are already bytes. */
  raw(bytes: Uint8Array | undefined): this {
    return bytes ? this.#push(bytes) : this;
  }
  finish(): Uint8Array {
    const all = new Uint8Array(this.#length);
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  #push(bytes: Uint8Array): this {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    return this;
  }
}

const encoder = new TextEncoder();

function encodeVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  bytes.push(Number(value));
  return Uint8Array.from(bytes);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
