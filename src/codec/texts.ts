// Texts of a file: UTF-8 or refused; names without NUL and of a length that people can read.

import { errors } from './errors.js';
import type { Reader } from './wire.js';

export const strict = new TextDecoder('utf-8', { fatal: true });

export function text(reader: Reader, where = 'the model'): string {
  const bytes = reader.view();
  try {
    return strict.decode(bytes);
  } catch {
    throw errors.NAME_BAD({ where, found: 'it is not UTF-8' });
  }
}

/** A name of a value, node, operator or function. */
export function name(reader: Reader, where: string): string {
  const found = text(reader, where);
  if (found.includes('\u0000')) throw errors.NAME_BAD({ where, found: 'it holds a NUL' });
  if (found.length > 4096)
    throw errors.NAME_BAD({ where, found: `it is ${found.length} letters long, at most 4096 are taken` });
  return found;
}

/** What was not understood, if there was any. */
export const kept = (extra: Uint8Array | undefined) => (extra ? { extra } : {});
