// API keys: read from a file or the environment, never from arguments; kept as SHA-256 only. A line of the file is
// `infer KEY`, `admin KEY` or a bare KEY (infer); `#` starts a comment. The environment has GRAFT_API_KEYS and
// GRAFT_ADMIN_KEYS, with commas or blanks between keys.

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { errors } from './errors.js';

/** A key as it is kept. */
interface Key {
  readonly role: 'infer' | 'admin';
  /** SHA-256. */
  readonly digest: Buffer;
}

/** Who may ask; without keys everybody may everything. */
export interface Access {
  readonly keys: readonly Key[];
}

/** Shortest key, in characters. */
const shortest = 32;
const longest = 512;

/** Where keys come from. */
export interface KeySources {
  /** Path of a file of keys; the environment is not asked then. */
  readonly file?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Is told what is wrong and can be lived with. */
  readonly warn?: (text: string) => void;
}

/**
 * Reads keys.
 *
 * @throws SERVE_KEY for short or odd keys and unknown roles; SERVE_KEYS_FILE
 * @example
 * const access = readKeys({ env: process.env });
 */
export function readKeys({ file, env = {}, warn = () => undefined }: KeySources): Access {
  if (file !== undefined) return { keys: keysOfFile(file, warn) };
  const listed = (name: string, role: Key['role']): Key[] =>
    (env[name] ?? '').split(/[\s,]+/).filter(text => text !== '').map(text => keyOf(text, role, name)); // prettier-ignore
  return { keys: [...listed('GRAFT_API_KEYS', 'infer'), ...listed('GRAFT_ADMIN_KEYS', 'admin')] };
}

function keysOfFile(file: string, warn: (text: string) => void): Key[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
    if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0)
      warn('the file of keys can be read by other users of this machine: chmod 600 it');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw errors.KEYS_FILE({ reason: code }, cause);
  }
  const keys = text.split(/\r\n|\r|\n/).flatMap((line, at) => {
    const words = line.replace(/^\uFEFF|(^|\s)#.*$/g, '').trim().split(/\s+/).filter(word => word !== ''); // prettier-ignore
    if (words.length === 0) return [];
    const where = `line ${at + 1} of the file of keys`;
    const [role, key] = words.length === 1 ? ['infer', words[0]!] : [words[0]!, words[1]!];
    if (words.length > 2 || (role !== 'infer' && role !== 'admin'))
      throw errors.KEY({ where, reason: 'has no role: a line is `infer KEY` or `admin KEY`' });
    return [keyOf(key, role, where)];
  });
  // an empty file is a mistake, and must not open the server
  if (keys.length === 0) throw errors.KEYS_FILE({ reason: 'it holds no key' });
  return keys;
}

function keyOf(text: string, role: Key['role'], where: string): Key {
  if (text.length < shortest)
    throw errors.KEY({ where, reason: `has ${text.length} characters, fewer than ${shortest}` });
  if (text.length > longest || !/^[\x21-\x7e]+$/.test(text))
    throw errors.KEY({ where, reason: `has more than ${longest} characters, or some that no header can carry` });
  return { role, digest: digestOf(text) };
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The key of an `Authorization: Bearer` header. */
export const bearer = (header: string | undefined): string | undefined =>
  /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1];

/** What a key may; undefined for one that is not known. Takes as long for near misses as for any other text. */
export function roleOf(key: string, { keys }: Access): Key['role'] | undefined {
  const digest = digestOf(key);
  let role: Key['role'] | undefined;
  for (const known of keys) if (timingSafeEqual(known.digest, digest) && role !== 'admin') role = known.role;
  return role;
}
