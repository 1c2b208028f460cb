// What a feature cache is to those who use it. cache.ts keeps one on the disk.

/** The features of one picture in one view. */
export interface CachedRow {
  /** Of the picture file's bytes, 64 hex digits. */
  readonly sha256: string;
  /** 0: the picture as it is; else the number that `viewOf` gives an augmented one. @default 0 */
  readonly view?: number | undefined;
  /** [features] */
  readonly features: Float32Array;
}

/** Features by the content of pictures, for one backbone and one preprocessing. */
export interface FeatureCache {
  /** The features of a picture, [features], not to be changed; undefined where they are not known. */
  get(sha256: string, view?: number): Promise<Float32Array | undefined>;
  /** Keeps rows: when it returns they outlive the process. */
  add(rows: readonly CachedRow[]): Promise<void>;
}

/** Which pictures are known already. */
export interface CacheSplit {
  /** Features by place in the list. */
  readonly found: ReadonlyMap<number, Float32Array>;
  /** Places in the list of those to compute, ascending. */
  readonly missing: readonly number[];
}

/**
 * Splits a list of pictures into those whose features a cache holds and those that must be decoded and run.
 *
 * @param cache where to look; without one all are missing
 * @param hashes the SHA-256 of each picture; undefined for those that cannot be read: neither found nor missing
 * @param features how many numbers a row has; rows of another length are not used
 * @param views the view of each picture; 0 where it is not said: as it is
 */
export async function splitByCache(
  cache: FeatureCache | undefined,
  hashes: readonly (string | undefined)[],
  features: number,
  views?: readonly number[],
): Promise<CacheSplit> {
  const found = new Map<number, Float32Array>();
  const missing: number[] = [];
  for (const [place, sha256] of hashes.entries()) {
    if (sha256 === undefined) continue;
    const row = await cache?.get(sha256, views?.[place] ?? 0);
    if (row?.length === features) found.set(place, row);
    else missing.push(place);
  }
  return { found, missing };
}
