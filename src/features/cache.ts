// The feature cache on the disk: `<folder>/<key>/<sha256>.safetensors` shards and an index.json renamed last. Shards are
// named by their content and checked when read; damaged ones are passed over and their rows computed again.

import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { GraftError } from '../base/index.js';
import { cleanLeftovers, diskError, lock, makeFolder, realDisk, writeAtomically } from '../base/node.js';
import type { Disk, Lock } from '../base/node.js';
import { decodeIndex, encodeIndex, hintOf, type Index } from './cache-index.js';
import { errors } from './errors.js';
import type { CachedRow, FeatureCache } from './feature-cache.js';
import { checkPicture, Damage, encodeShard, readShard, shardName, shardOf } from './shard.js';

export interface CacheOptions {
  /** The folder of all caches, as `defaultCacheFolder` gives it. Made with the first row. */
  readonly folder: string;
  /** Of `cacheKey`. */
  readonly key: string;
  /** Told of each file that was damaged or could not be read, once; its rows count as unknown. @default silent */
  readonly onWarning?: ((warning: CacheWarning) => void) | undefined;
  /** @default the machine's own disk */
  readonly disk?: Disk | undefined;
}

/** A file of the cache that is of no use. */
export interface CacheWarning {
  readonly file: string;
  readonly reason: string;
}

/**
 * Opens the cache of one backbone and one preprocessing. Many processes may use one at once; none waits long for
 * another. Reading needs no write permission.
 *
 * @throws FEATURES_CACHE_KEY; FEATURES_CACHE_VERSION where a newer program wrote the index; DISK_DENIED, DISK_FAILED
 * @example
 * const cache = await openCache({ folder: defaultCacheFolder(process.env), key: cacheKey({ … }) });
 */
export async function openCache({ folder, key, onWarning, disk = realDisk }: CacheOptions): Promise<FeatureCache> {
  if (!/^[0-9a-f]{64}$/.test(key)) throw errors.CACHE_KEY({ found: key });
  const cache = new DiskCache(join(folder, key), key, disk, onWarning ?? (() => undefined));
  await cache.open();
  return cache;
}

/** How long `add` waits for other writers: then the index stays as it is, and the shard is found without it. */
const attempts = 50;
const pause = 20;

class DiskCache implements FeatureCache {
  readonly #rows = new Map<string, Float32Array>();
  /** Shards by the hints of their rows. */
  readonly #hints = new Map<string, string[]>();
  /** What index.json should list. */
  readonly #index: Index = new Map();
  readonly #reads = new Map<string, Promise<void>>();
  readonly #damaged = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(
    readonly folder: string,
    readonly key: string,
    readonly disk: Disk,
    readonly warn: (warning: CacheWarning) => void,
  ) {}

  async open(): Promise<void> {
    const names = await this.#names();
    if (names.some(name => name.startsWith('.'))) await this.#clean();
    const there = new Set(names.map(shardOf).filter(name => name !== undefined));
    for (const [shard, hints] of await this.#readIndex()) if (there.has(shard)) this.#list(shard, hints);
    // Written, but not listed: its writer was stopped, or could not get the lock.
    for (const shard of there) if (!this.#index.has(shard)) await this.#read(shard);
  }

  async get(sha256: string, view = 0): Promise<Float32Array | undefined> {
    checkPicture(sha256, view);
    const row = rowName(sha256, view);
    for (const shard of this.#hints.get(hintOf(sha256)) ?? []) {
      if (this.#rows.has(row)) break;
      await this.#read(shard);
    }
    return this.#rows.get(row);
  }

  /** One at a time: writers of one process must not meet at the lock. */
  add(rows: readonly CachedRow[]): Promise<void> {
    const turn = this.#queue.then(() => this.#add(rows));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #add(rows: readonly CachedRow[]): Promise<void> {
    const fresh = new Map<string, CachedRow>();
    for (const row of rows) {
      const name = rowName(row.sha256, row.view ?? 0);
      if (!this.#rows.has(name)) fresh.set(name, row);
    }
    if (fresh.size === 0) return;
    const { sha256, pieces } = encodeShard([...fresh.values()], this.key);
    await makeFolder(this.folder, { disk: this.disk });
    await writeAtomically(join(this.folder, shardName(sha256)), pieces, { disk: this.disk, force: true });
    this.#damaged.delete(sha256);
    // Copies: the caller's arrays may change.
    for (const [name, { features }] of fresh) this.#rows.set(name, features.slice());
    this.#reads.set(sha256, Promise.resolve());
    this.#list(sha256, [...fresh.values()].map(row => hintOf(row.sha256))); // prettier-ignore
    await this.#writeIndex();
  }

  #list(shard: string, hints: readonly string[]): void {
    this.#index.set(shard, hints);
    for (const hint of hints) {
      const shards = this.#hints.get(hint);
      if (!shards) this.#hints.set(hint, [shard]);
      else if (!shards.includes(shard)) shards.push(shard);
    }
  }

  /** Reads a shard once. */
  #read(shard: string): Promise<void> {
    const reading = this.#reads.get(shard) ?? this.#readNow(shard);
    this.#reads.set(shard, reading);
    return reading;
  }

  async #readNow(shard: string): Promise<void> {
    try {
      const rows = await readShard(this.folder, shard, this.key, this.disk);
      for (const { sha256, view, features } of rows) this.#rows.set(rowName(sha256, view), features);
      if (!this.#index.has(shard)) this.#list(shard, rows.map(row => hintOf(row.sha256))); // prettier-ignore
    } catch (cause) {
      this.warn({ file: join(this.folder, shardName(shard)), reason: reasonOf(cause) });
      if (!isDamage(cause)) return; // the disk's fault: the shard may be whole
      this.#index.delete(shard);
      this.#damaged.add(shard);
    }
  }

  async #names(): Promise<string[]> {
    try {
      return await this.disk.readdir(this.folder);
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
      throw diskError(this.folder, 'read', cause);
    }
  }

  async #clean(): Promise<void> {
    await cleanLeftovers(this.folder, { disk: this.disk }).catch((cause: unknown) =>
      this.warn({ file: this.folder, reason: reasonOf(cause) }),
    );
  }

  get #indexPath(): string {
    return join(this.folder, 'index.json');
  }

  async #readIndex(): Promise<Index> {
    try {
      const text = new TextDecoder().decode(await this.disk.readFile(this.#indexPath));
      const index = decodeIndex(text, this.#indexPath);
      if (index) return index;
      this.warn({ file: this.#indexPath, reason: 'it is damaged' });
    } catch (cause) {
      if (cause instanceof GraftError) throw cause;
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'))
        this.warn({ file: this.#indexPath, reason: reasonOf(cause) });
    }
    return new Map();
  }

  /** Merges with what other processes listed meanwhile; the lock keeps them out. */
  async #writeIndex(): Promise<void> {
    const held = await this.#lock();
    if (!held) return;
    try {
      for (const [shard, hints] of await this.#readIndex())
        if (!this.#index.has(shard) && !this.#damaged.has(shard)) this.#list(shard, hints);
      await writeAtomically(this.#indexPath, encodeIndex(this.#index), { disk: this.disk, force: true });
      for (const shard of this.#damaged) await this.#remove(shard);
      this.#damaged.clear();
    } finally {
      await held.release();
    }
  }

  async #lock(): Promise<Lock | undefined> {
    for (let attempt = 0; attempt < attempts; attempt++)
      try {
        return await lock(this.folder, { disk: this.disk });
      } catch (cause) {
        if (!(cause instanceof GraftError && cause.kind === 'locked')) throw cause;
        await setTimeout(pause);
      }
    return undefined;
  }

  /** Removes a damaged shard, unless another process has made it whole. */
  async #remove(shard: string): Promise<void> {
    try {
      await readShard(this.folder, shard, this.key, this.disk);
    } catch (cause) {
      if (isDamage(cause)) await this.disk.unlink(join(this.folder, shardName(shard))).catch(() => undefined);
    }
  }
}

const rowName = (sha256: string, view: number): string => `${sha256} ${view}`;

/** Damaged is what is not what its name says; what the disk would not read is not. */
const isDamage = (cause: unknown): boolean =>
  cause instanceof Damage || (cause instanceof GraftError && cause.kind !== 'disk');
const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
