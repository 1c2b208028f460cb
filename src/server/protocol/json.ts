// JSON of requests (RFC 8259, UTF-8 only, no byte-order mark). One walk over the bytes finds what must be refused before
// anything is built of them: depth, which would end a parser's stack, and counts, which would end the memory. Keys that
// lead to a prototype and halves of surrogate pairs are refused too (RFC 7493).

import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import { clipped } from './quoted.js';

/** V8 ends the process over a list of more than 2^27 elements, and throws over a string of 2^29. */
const mostValues = 2 ** 26;
const mostBytes = 2 ** 29 - 64;
/**
 * What values take in the parser: no limit of a thread's memory stops JSON.parse. Measured with Node 20: 19 bytes for a
 * small integer, 35 for another number, 56 for an empty object, up to 250 for a key that no object had before.
 */
const mostMemory = 2 ** 30;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The value of a JSON text.
 *
 * @throws BAD_JSON where it is none, is nested deeper than `limits.jsonDepth`, or holds `__proto__`,
 *   `constructor.prototype` or half a surrogate pair; TOO_LARGE over `values` commas, or what would take 1 GiB
 * @example const { ready } = parseJson(body, limits) as { ready?: unknown };
 */
export function parseJson(
  bytes: Uint8Array,
  { jsonDepth }: Pick<Limits, 'jsonDepth'>,
  values: number = mostValues,
): unknown {
  if (bytes.length === 0) throw errors.BAD_JSON({ reason: 'the body is empty: wanted JSON' });
  if (bytes.length > mostBytes) throw errors.TOO_LARGE({ reason: `a JSON text of ${bytes.length} bytes` });
  checkEncoding(bytes);
  checkStructure(bytes, jsonDepth, Math.min(values, mostValues));
  const text = decoded(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw errors.BAD_JSON({ reason: clipped(cause instanceof Error ? cause.message : String(cause)) }, cause);
  }
  // only these can spell what is refused; almost no request has any
  if (text.includes('\\u') || text.includes('__proto__') || text.includes('constructor')) checkText(value);
  return value;
}

function checkEncoding(bytes: Uint8Array): void {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf)
    throw errors.BAD_JSON({ reason: 'the JSON begins with a byte-order mark: wanted UTF-8 without it' });
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || a === 0 || b === 0)
    throw errors.BAD_JSON({ reason: 'the JSON is not UTF-8: UTF-16 or UTF-32' });
}

function decoded(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw errors.BAD_JSON({ reason: 'the JSON is not UTF-8' }, cause);
  }
}

/** Knows nothing of grammar but strings: what else is wrong the parser finds. */
function checkStructure(bytes: Uint8Array, depthLimit: number, values: number): void {
  let depth = 0;
  let commas = 0;
  let containers = 0;
  let keys = 0;
  let strings = 0;
  let fractions = 0;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case 0x22: // "
        at = endOfString(bytes, at);
        strings++;
        break;
      case 0x2c: // ,
        commas++;
        break;
      case 0x3a: // :
        keys++;
        break;
      case 0x2e: // .
      case 0x45: // E
      case 0x65: // e
        fractions++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        containers++;
        if (++depth > depthLimit)
          throw errors.BAD_JSON({ reason: `the JSON is nested deeper than ${depthLimit} levels, at byte ${at}` });
        break;
      case 0x5d:
      case 0x7d:
        depth--;
    }
  }
  if (commas > values) throw errors.TOO_LARGE({ reason: `the JSON has ${commas} values, the limit is ${values}` });
  const memory = 20 * commas + 16 * fractions + 32 * strings + 64 * containers + 512 * keys;
  if (memory > mostMemory)
    throw errors.TOO_LARGE({ reason: 'the JSON would take more than 1 GiB of memory; send binary data' });
}

/** Where the string that begins here ends; the end of the bytes where it does not. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  // most strings are short, and a native search costs as much as fifty steps
  for (const near = Math.min(bytes.length, start + 64); at < near; at++) {
    if (bytes[at] === 0x22) return at;
    if (bytes[at] === 0x5c) at++;
  }
  for (; ; at++) {
    at = bytes.indexOf(0x22, at);
    if (at < 0) return bytes.length;
    let escapes = 0;
    while (bytes[at - 1 - escapes] === 0x5c) escapes++;
    if (escapes % 2 === 0) return at;
  }
}

const halfPair = /\p{Surrogate}/u;

function checkText(value: unknown): void {
  if (typeof value === 'string') return checkPairs(value);
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item !== 'number') checkText(item);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    checkPairs(key);
    if (key === '__proto__' || (key === 'constructor' && leadsToPrototype(item)))
      throw errors.BAD_JSON({ reason: `the key ${key} is not taken` });
    checkText(item);
  }
}

const leadsToPrototype = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');

function checkPairs(text: string): void {
  if (halfPair.test(text)) throw errors.BAD_JSON({ reason: 'a string holds half of a surrogate pair' });
}
