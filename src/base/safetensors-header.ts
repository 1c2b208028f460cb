// A strict reader of JSON for safetensors headers. Stricter than JSON.parse where that hides damage: a key said twice
// (also once escaped), integers beyond 2^53, 0.0 for 0, lone surrogates and deep nesting are all seen. Names become keys
// of Maps, never of plain objects. https://www.rfc-editor.org/rfc/rfc8259

import { errors } from './safetensors-errors.js';

/** JSON with exact integers: `bigint` where the text is an integer, `number` where it is a fraction or has an exponent. */
export type Json = null | boolean | bigint | number | string | readonly Json[] | ReadonlyMap<string, Json>;

/** Deepest nesting of arrays and objects; a header needs three. */
const maxDepth = 8;

/**
 * Reads one JSON value that fills the text but for white space.
 *
 * @param text the header
 * @param start where the text starts in the file, for messages
 * @throws `ST_HEADER` where it is no JSON, `ST_DUPLICATE` where an object has one key twice
 */
export function readJson(text: string, start = 0): Json {
  const reader = new JsonReader(text, start);
  const value = reader.value(0);
  reader.end();
  return value;
}

class JsonReader {
  #at = 0;
  constructor(
    readonly text: string,
    readonly start: number,
  ) {}

  value(depth: number): Json {
    this.#blank();
    const first = this.text[this.#at];
    if (first === '{') return this.#object(depth + 1);
    if (first === '[') return this.#array(depth + 1);
    if (first === '"') return this.#string();
    for (const [word, value] of words) if (this.#takes(word)) return value;
    return this.#number();
  }

  end(): void {
    this.#blank();
    if (this.#at < this.text.length) throw this.#bad('something follows the header object');
  }

  #object(depth: number): ReadonlyMap<string, Json> {
    this.#deeper(depth);
    const map = new Map<string, Json>();
    this.#blank();
    if (this.#takes('}')) return map;
    do {
      this.#blank();
      const at = this.#at;
      if (this.text[at] !== '"') throw this.#bad('a key in quotes was wanted');
      const key = this.#string();
      if (map.has(key)) throw errors.DUPLICATE({ name: key, offset: this.start + at });
      this.#blank();
      this.#want(':');
      map.set(key, this.value(depth));
      this.#blank();
    } while (this.#takes(','));
    this.#want('}');
    return map;
  }

  #array(depth: number): readonly Json[] {
    this.#deeper(depth);
    const list: Json[] = [];
    this.#blank();
    if (this.#takes(']')) return list;
    do {
      list.push(this.value(depth));
      this.#blank();
    } while (this.#takes(','));
    this.#want(']');
    return list;
  }

  #string(): string {
    const from = ++this.#at;
    plain.lastIndex = from;
    plain.test(this.text);
    this.#at = plain.lastIndex;
    let value = this.text.slice(from, this.#at);
    while (!this.#takes('"')) {
      value += this.#escape();
      plain.lastIndex = this.#at;
      plain.test(this.text);
      value += this.text.slice(this.#at, plain.lastIndex);
      this.#at = plain.lastIndex;
    }
    return value;
  }

  #escape(): string {
    if (this.#at >= this.text.length) throw this.#bad('a string has no end');
    if (!this.#takes('\\')) throw this.#bad('a control character stands in a string');
    const sign = this.text[this.#at++] ?? '';
    if (sign !== 'u') {
      const meant = escapes.get(sign);
      if (meant === undefined) throw this.#bad('an escape is not one of JSON');
      return meant;
    }
    const high = this.#unit();
    if (high < 0xd800 || high > 0xdfff) return String.fromCharCode(high);
    if (high > 0xdbff || !this.#takes('\\u')) throw this.#bad('half a surrogate pair stands in a string');
    const low = this.#unit();
    if (low < 0xdc00 || low > 0xdfff) throw this.#bad('half a surrogate pair stands in a string');
    return String.fromCharCode(high, low);
  }

  #unit(): number {
    const digits = this.text.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#bad('four hex digits were wanted');
    this.#at += 4;
    return Number.parseInt(digits, 16);
  }

  #number(): bigint | number {
    number.lastIndex = this.#at;
    const found = number.exec(this.text);
    if (!found) throw this.#bad(this.#at < this.text.length ? 'this is no JSON' : 'the JSON ends early');
    const [text] = found;
    // Longer than any number that a header may hold; BigInt of a million digits would take minutes.
    if (text.length > 64) throw this.#bad('a number has more than 64 characters');
    this.#at += text.length;
    // -0 stays a float: no dimension and no offset is written so.
    if (/^-?[0-9]+$/.test(text) && text !== '-0') return BigInt(text);
    const value = Number(text);
    if (!Number.isFinite(value)) throw this.#bad('a number is out of range');
    return value;
  }

  #blank(): void {
    blank.lastIndex = this.#at;
    blank.test(this.text);
    this.#at = blank.lastIndex;
  }

  #takes(word: string): boolean {
    if (!this.text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #want(sign: string): void {
    if (!this.#takes(sign)) throw this.#bad(`${sign} was wanted`);
  }

  #deeper(depth: number): void {
    if (depth > maxDepth) throw this.#bad(`the header nests deeper than ${maxDepth}`);
    this.#at++;
  }

  #bad(reason: string) {
    return errors.HEADER({ reason, offset: this.start + this.#at });
  }
}

const words: readonly (readonly [string, Json])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
];
const escapes = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const blank = /[ \t\n\r]*/y;
const plain = /[^"\\\u0000-\u001f]*/y;
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
