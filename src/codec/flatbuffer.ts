// FlatBuffers, read with every step checked. A table lies at P: int32 at P is the distance back to its vtable (uint16
// bytes of vtable, uint16 bytes of table, then uint16 per slot: where the field lies in the table, 0 where it is absent).
// Strings, vectors and tables are reached by uint32 distances forward; vectors and strings begin with a uint32 count.
// https://flatbuffers.dev/internals/

import { ByteBuffer } from 'flatbuffers';
import { checkpointErrors as errors } from './checkpoint-errors.js';

/** As many tables as the verifier of FlatBuffers itself follows. */
const mostTables = 1_000_000;
/** Texts may be shared, names by their second and third user; never often enough to be many times the file. */
const mostText = 4;

/** The bytes, and what may still be read of them: shared parts must not make a small file a large one. */
export class FlatFile {
  readonly #buffer: ByteBuffer;
  #tables = mostTables;
  #text: number;
  #data: number;

  constructor(
    readonly bytes: Uint8Array,
    readonly name: string,
  ) {
    this.#buffer = new ByteBuffer(bytes);
    this.#text = mostText * bytes.length;
    this.#data = bytes.length;
  }

  /** The table at the root, after the file's four letters. Throws CHECKPOINT_FORMAT where those are others. */
  root(identifier: string): FlatTable {
    const found = this.bytes.length < 8 ? '' : String.fromCharCode(...this.bytes.subarray(4, 8));
    if (found !== identifier)
      throw errors.FORMAT({ file: this.name, found: JSON.stringify(found), wanted: identifier });
    return this.table(0);
  }

  /** The table that the distance at `at` leads to. */
  table(at: number): FlatTable {
    if (this.#tables-- === 0) throw errors.LIMIT({ file: this.name, what: 'tables', limit: mostTables });
    return new FlatTable(this, this.follow(at, 'a table'));
  }

  /** Where the distance at `at` leads, at least four bytes before the end. */
  follow(at: number, what: string): number {
    const target = at + this.uint32(at);
    if (target === at) throw this.malformed(at, `${what} lies nowhere`);
    this.within(target, 4, what);
    if (target % 4 !== 0) throw this.malformed(at, `${what} does not lie at a multiple of four`);
    return target;
  }

  /** The count and the first element of the vector that the distance at `at` leads to. */
  vector(at: number, size: number, what: string): { readonly start: number; readonly count: number } {
    const target = this.follow(at, what);
    const count = this.uint32(target);
    const start = target + 4;
    if (count * size > this.bytes.length - start)
      throw this.malformed(target, `${what} claims ${count} elements and the file ends`);
    return { start, count };
  }

  /** A text: UTF-8, followed by a zero. */
  text(at: number, what: string): string {
    const { start, count } = this.vector(at, 1, what);
    this.#text -= count;
    if (this.#text < 0) throw this.malformed(start, `${what} and others share their letters too often`);
    if (this.bytes[start + count] !== 0) throw this.malformed(start + count, `${what} does not end with a zero`);
    const bytes = this.bytes.subarray(start, start + count);
    if (bytes.includes(0)) throw this.malformed(start, `${what} holds a NUL`);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.malformed(start, `${what} is not UTF-8`);
    }
  }

  /** Bytes as a view. All of them together are no more than the file: tensors that overlap are refused. */
  data(at: number, what: string): Uint8Array {
    const { start, count } = this.vector(at, 1, what);
    this.#data -= count;
    if (this.#data < 0) throw this.malformed(start, `${what} overlaps others`);
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, count);
  }

  within(at: number, size: number, what: string): void {
    if (at < 0 || at + size > this.bytes.length) throw this.malformed(at, `${what} lies outside the file`);
  }
  uint16(at: number): number {
    this.within(at, 2, 'a number');
    return this.#buffer.readUint16(at);
  }
  uint32(at: number): number {
    this.within(at, 4, 'a number');
    return this.#buffer.readUint32(at);
  }
  int32(at: number): number {
    this.within(at, 4, 'a number');
    return this.#buffer.readInt32(at);
  }
  int64(at: number): bigint {
    this.within(at, 8, 'a number');
    return this.#buffer.readInt64(at);
  }
  float32(at: number): number {
    this.within(at, 4, 'a number');
    return this.#buffer.readFloat32(at);
  }
  malformed(offset: number, found: string) {
    return errors.MALFORMED({ file: this.name, offset, found });
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One table; slots are numbered in the order of the schema. Absent fields read as undefined. */
export class FlatTable {
  readonly #vtable: number;
  readonly #slots: number;
  readonly #size: number;

  constructor(
    readonly file: FlatFile,
    readonly position: number,
  ) {
    this.#vtable = position - file.int32(position);
    file.within(this.#vtable, 4, 'a vtable');
    const bytes = file.uint16(this.#vtable);
    this.#size = file.uint16(this.#vtable + 2);
    if (this.#vtable % 2 !== 0 || bytes % 2 !== 0 || bytes < 4)
      throw file.malformed(this.#vtable, `a vtable of ${bytes} bytes`);
    file.within(this.#vtable, bytes, 'a vtable');
    if (this.#size < 4) throw file.malformed(this.#vtable, `a table of ${this.#size} bytes`);
    file.within(position, this.#size, 'a table');
    this.#slots = (bytes - 4) / 2;
  }

  int32(slot: number): number | undefined {
    const at = this.#field(slot, 4);
    return at === undefined ? undefined : this.file.int32(at);
  }
  int64(slot: number): bigint | undefined {
    const at = this.#field(slot, 8);
    return at === undefined ? undefined : this.file.int64(at);
  }
  float32(slot: number): number | undefined {
    const at = this.#field(slot, 4);
    return at === undefined ? undefined : this.file.float32(at);
  }
  bool(slot: number): boolean {
    const at = this.#field(slot, 1);
    return at !== undefined && this.file.bytes[at] !== 0;
  }
  text(slot: number, what: string): string | undefined {
    const at = this.#field(slot, 4);
    return at === undefined ? undefined : this.file.text(at, what);
  }
  data(slot: number, what: string): Uint8Array | undefined {
    const at = this.#field(slot, 4);
    return at === undefined ? undefined : this.file.data(at, what);
  }
  table(slot: number): FlatTable | undefined {
    const at = this.#field(slot, 4);
    return at === undefined ? undefined : this.file.table(at);
  }

  /** The tables of a vector, one after the other as they are asked for; undefined where there is no vector. */
  tables(slot: number, what: string): Iterable<FlatTable> | undefined {
    const at = this.#field(slot, 4);
    if (at === undefined) return undefined;
    const { file } = this;
    const { start, count } = file.vector(at, 4, what);
    return (function* () {
      for (let i = 0; i < count; i++) yield file.table(start + 4 * i);
    })();
  }

  /** A vector of int64, at most `most` of them. */
  int64s(slot: number, what: string, most: number): readonly bigint[] {
    const at = this.#field(slot, 4);
    if (at === undefined) return [];
    const { start, count } = this.file.vector(at, 8, what);
    if (count > most) throw this.file.malformed(start, `${what} has ${count} entries, at most ${most} are taken`);
    return Array.from({ length: count }, (_, i) => this.file.int64(start + 8 * i));
  }

  #field(slot: number, size: number): number | undefined {
    if (slot >= this.#slots) return undefined;
    const offset = this.file.uint16(this.#vtable + 4 + 2 * slot);
    if (offset === 0) return undefined;
    const at = this.position + offset;
    if (offset < 4 || offset + size > this.#size) throw this.file.malformed(at, 'a field lies outside its table');
    if (at % size !== 0) throw this.file.malformed(at, `a field of ${size} bytes does not lie at a multiple of them`);
    return at;
  }
}
