// What a cached feature depends on, as names: the key of the cache, and the view of an augmented picture.

import { join } from 'node:path';
import { homedir } from 'node:os';
import { sha256 } from '../base/node.js';

/** What features depend on beside the picture. */
export interface CacheKeyParts {
  /** The bytes of the backbone up to the cut. */
  readonly featurizer: Uint8Array;
  /** The recipe that makes pixels of pictures; anything JSON can say. */
  readonly preprocessing: unknown;
  /** The runtime's name with its version. */
  readonly runtime: string;
  /** The level of its graph optimizations. */
  readonly optimization: string;
}

/**
 * The key of the cache of one backbone and one preprocessing, 64 hex digits: SHA-256 of JSON with sorted keys.
 *
 * @example
 * const key = cacheKey({ featurizer, preprocessing, runtime: runtime.name, optimization: 'all' });
 */
export function cacheKey({ featurizer, preprocessing, runtime, optimization }: CacheKeyParts): string {
  return sha256(JSON.stringify(sorted({ featurizer: sha256(featurizer), preprocessing, runtime, optimization })));
}

/**
 * The view of an augmented picture: a whole number from 1, never 0, which is the picture as it is.
 *
 * @param augmentation the whole recipe of the augmentation; anything JSON can say
 * @param seed of the augmentation
 * @param index which of the pictures that this recipe and seed make of one
 */
export function viewOf(augmentation: unknown, seed: number | string, index: number): number {
  const digits = sha256(JSON.stringify(sorted({ augmentation, seed, index }))).slice(0, 13); // 52 bits: exact
  return Number.parseInt(digits, 16) || 1;
}

/**
 * Where features are cached by default: `$XDG_CACHE_HOME/onnx-graft`, else `~/.cache/onnx-graft`.
 *
 * @param env the environment; XDG wants absolute paths, others are passed over
 */
export function defaultCacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const xdg = env['XDG_CACHE_HOME'];
  if (xdg?.startsWith('/')) return join(xdg, 'onnx-graft');
  return join(env['HOME'] || homedir(), '.cache', 'onnx-graft');
}

/** The same value with the keys of all objects in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, part]) => [key, sorted(part)]));
}
