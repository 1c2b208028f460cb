// index.json of a feature cache: {version, shards: [{sha256, rows}]}, where `rows` is the first 8 hex digits of each row's
// picture, joined. It only says in which shards to look: shards prove themselves, and those it does not list are found.

import { errors } from './errors.js';

const version = 1;
const digits = 8;

/** The hint of a picture: in which shards it may be. */
export const hintOf = (picture: string): string => picture.slice(0, digits);

/** For each shard the hints of its rows. */
export type Index = Map<string, readonly string[]>;

export function encodeIndex(index: Index): string {
  const shards = [...index]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([sha256, rows]) => ({ sha256, rows: rows.join('') }));
  return `${JSON.stringify({ version, shards })}\n`;
}

/**
 * Reads an index.
 *
 * @returns undefined where the text is damaged
 * @throws FEATURES_CACHE_VERSION where a newer program wrote it
 */
export function decodeIndex(text: string, path: string): Index | undefined {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(said)) return undefined;
  const found = said['version'];
  if (typeof found === 'number' && found > version)
    throw errors.CACHE_VERSION({ path, found: String(found), wanted: version });
  if (found !== version || !Array.isArray(said['shards'])) return undefined;
  const index: Index = new Map();
  for (const shard of said['shards'] as readonly unknown[]) {
    if (!isObject(shard)) return undefined;
    const { sha256, rows } = shard;
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
    if (typeof rows !== 'string' || !/^([0-9a-f]{8})+$/.test(rows)) return undefined;
    index.set(
      sha256,
      Array.from({ length: rows.length / digits }, (_, i) => rows.slice(i * digits, (i + 1) * digits)),
    );
  }
  return index;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
