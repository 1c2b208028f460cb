// What a client sent, as a refusal may repeat it: cut, and without control characters.

import { printable } from '../../serving.js';

const most = 100;

/** A value of a request as JSON of at most 100 characters; what is longer ends in `…`. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') return clipped(JSON.stringify(value.slice(0, most + 1)));
  if (Array.isArray(value)) return value.length > most ? `a list of ${value.length}` : clipped(plain(value));
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** A list may hold lists of any size: they are not written out. */
const plain = (list: readonly unknown[]): string =>
  `[${list.map(item => (Array.isArray(item) ? '[…]' : quoted(item))).join(',')}]`;

/** Text of the server's own making that may hold a client's, cut. */
export const clipped = (text: string): string =>
  printable(text.length > most ? `${text.slice(0, most)}…`.replace(/\p{Surrogate}/gu, '') : text);
