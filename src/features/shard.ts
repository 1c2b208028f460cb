// One file of cached features: safetensors with `features` float32 [rows, features], `pictures` uint8 [rows, 32] (the
// SHA-256 of each picture) and `views` int64 [rows]. Its name is the SHA-256 of its bytes.

import { decodeSafetensors, encodeSafetensors, elements, tensor } from '../base/index.js';
import { diskError, sha256, type Disk } from '../base/node.js';
import { join } from 'node:path';
import { errors } from './errors.js';
import type { CachedRow } from './feature-cache.js';

const format = 'onnx-graft-features';

/** A shard to write. */
export interface Shard {
  readonly sha256: string;
  readonly pieces: readonly Uint8Array[];
}

export const shardName = (sha256: string): string => `${sha256}.safetensors`;
/** The SHA-256 in a shard's name; undefined for other names. */
export const shardOf = (name: string): string | undefined => /^([0-9a-f]{64})\.safetensors$/.exec(name)?.[1];

/**
 * Makes a shard of at least one row.
 *
 * @throws FEATURES_ROW
 */
export function encodeShard(rows: readonly CachedRow[], key: string): Shard {
  const width = rows[0]?.features.length ?? 0;
  const features = new Float32Array(rows.length * width);
  const pictures = new Uint8Array(rows.length * 32);
  const views = new BigInt64Array(rows.length);
  rows.forEach((row, i) => {
    checkPicture(row.sha256, row.view ?? 0);
    if (row.features.length !== width) throw errors.ROW({ what: 'the length', found: String(row.features.length) });
    features.set(row.features, i * width);
    for (let j = 0; j < 32; j++) pictures[32 * i + j] = Number.parseInt(row.sha256.slice(2 * j, 2 * j + 2), 16);
    views[i] = BigInt(row.view ?? 0);
  });
  const tensors = new Map([
    ['features', tensor('float32', [rows.length, width], features)],
    ['pictures', tensor('uint8', [rows.length, 32], pictures)],
    ['views', tensor('int64', [rows.length], views)],
  ]);
  const pieces = encodeSafetensors(tensors, new Map(Object.entries({ format, version: '1', key })));
  return { sha256: sha256(...pieces), pieces };
}

/** Throws FEATURES_ROW unless these can name a row. */
export function checkPicture(picture: string, view: number): void {
  if (!/^[0-9a-f]{64}$/.test(picture)) throw errors.ROW({ what: 'the SHA-256', found: picture });
  if (!Number.isSafeInteger(view) || view < 0) throw errors.ROW({ what: 'the view', found: String(view) });
}

/** What a damaged shard is, apart from a disk that fails to read it. */
export class Damage extends Error {}

/**
 * Reads a shard and checks all of it.
 *
 * @throws Damage where it is not what its name says, or not of this cache; `DISK_FAILED`, `DISK_DENIED`
 */
export async function readShard(folder: string, name: string, key: string, disk: Disk): Promise<Required<CachedRow>[]> {
  const path = join(folder, shardName(name));
  const bytes = await disk.readFile(path).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') throw new Damage('it is missing');
    throw diskError(path, 'read', cause);
  });
  if (sha256(bytes) !== name) throw new Damage('its SHA-256 is not the one in its name');
  // From here on the bytes are what somebody wrote on purpose; what does not fit is of another program or version.
  const { tensors, metadata } = decodeSafetensors(bytes);
  const [features, pictures, views] = ['features', 'pictures', 'views'].map(part => tensors.get(part));
  if (metadata.get('format') !== format || metadata.get('version') !== '1') throw new Damage('it is no such file');
  if (metadata.get('key') !== key) throw new Damage('it is of another cache');
  const [rows, width] = features?.shape ?? [];
  if (features?.type !== 'float32' || features.shape.length !== 2 || rows === undefined || width === undefined)
    throw new Damage('it has no features');
  if (pictures?.type !== 'uint8' || views?.type !== 'int64' || views.bytes.length !== 8 * rows)
    throw new Damage('it does not name its pictures');
  if (pictures.bytes.length !== 32 * rows) throw new Damage('it does not name its pictures');
  const values = elements(features) as Float32Array;
  const numbers = elements(views) as BigInt64Array;
  return Array.from({ length: rows }, (_, i) => ({
    sha256: Array.from(pictures.bytes.subarray(32 * i, 32 * i + 32), hex).join(''),
    view: Number(numbers[i]),
    features: values.subarray(i * width, (i + 1) * width),
  }));
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
