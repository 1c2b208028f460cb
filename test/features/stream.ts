// Pictures without files, and a network whose features are plain to see: the mean of each channel.

import { sha256 } from '../../src/base/node.js';
import { encodeModel } from '../../src/codec/index.js';
import type { CachedRow, FeatureCache, FeaturizePicture } from '../../src/features/index.js';
import { Builder, modelOf } from '../../src/graph/index.js';
import { Cast, Div, ReduceMean, Sub } from '../../src/operators/index.js';

/** Side of the pictures. */
export const side = 4;

/** Pixels of a picture whose channels are n, n + 1 and n + 2 all over (modulo 256). */
export function pixelsOf(n: number): Uint8Array {
  return Uint8Array.from({ length: side * side * 3 }, (_, i) => n + (i % 3));
}
export const hashOf = (n: number): string => sha256(`picture ${n}`);

/** A stream of pictures; where `n` is an error, a picture that could not be read. */
export async function* streamOf(list: readonly (number | FeaturizePicture)[]): AsyncGenerator<FeaturizePicture> {
  for (const [index, n] of list.entries())
    yield typeof n === 'number' ? { index, file: `${n}.png`, sha256: hashOf(n), pixels: pixelsOf(n) } : n;
}

/** pictures uint8 [N, 4, 4, 3] → features float32 [N, 3]: the mean m of each channel, or m / (m - pole). */
export function meanModel({ keepdims = 0, pole = undefined as number | undefined } = {}): Uint8Array {
  const builder = new Builder('mean');
  const pictures = builder.input('pictures', 'uint8', ['N', side, side, 3]);
  const mean = ReduceMean(Cast(pictures, { to: 1 }), builder.constant([1, 2], 'int64'), { keepdims });
  builder.output(pole === undefined ? mean : Div(mean, Sub(mean, pole)), 'features');
  return encodeModel(modelOf(builder.finish()));
}

/** A cache in memory that counts. */
export class MemoryCache implements FeatureCache {
  readonly rows = new Map<string, Float32Array>();
  readonly adds: number[] = [];
  async get(sha256: string, view = 0): Promise<Float32Array | undefined> {
    return this.rows.get(`${sha256} ${view}`);
  }
  async add(rows: readonly CachedRow[]): Promise<void> {
    this.adds.push(rows.length);
    for (const { sha256, view = 0, features } of rows) this.rows.set(`${sha256} ${view}`, features);
  }
}
