// A picture set through a backbone: the features of each split, with labels, hashes and what could not be read.

import { availableParallelism } from 'node:os';
import { tensor, type GraftError, type Tensor } from '../base/index.js';
import { featurize, splitByCache } from '../features/index.js';
import { cacheKey, defaultCacheFolder, openCache } from '../features/node.js';
import {
  duplicatesAcross,
  hashFiles,
  pictureStream,
  type AllowedFormat,
  type Duplicate,
  type Item,
  type PictureSet,
} from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import type { Backbone } from './backbone.js';
import type { Progress } from './progress.js';

/** The features of one split. */
export interface SplitFeatures {
  /** [count, width] */
  readonly features: Float32Array;
  readonly count: number;
  readonly width: number;
  /** int64 [count], or float32 [count, classes] of several labels. */
  readonly labels: Tensor;
  readonly items: readonly Item[];
  /** SHA-256 of each picture's bytes. */
  readonly hashes: readonly string[];
}

/** The features of a picture set. */
export interface SetFeatures {
  readonly train: SplitFeatures;
  readonly validation: SplitFeatures;
  readonly errors: readonly { readonly file: string; readonly error: GraftError }[];
  readonly duplicates: readonly Duplicate[];
  /** How many pictures came from the cache. */
  readonly cached: number;
}

export interface SetFeaturesOptions {
  /** The folder of the feature cache, or false for none. @default $XDG_CACHE_HOME/onnx-graft, or ~/.cache/onnx-graft */
  readonly cache?: string | false;
  readonly allowFormats?: readonly AllowedFormat[];
  /** Pictures a run. @default 8 */
  readonly batch?: number;
  readonly onProgress?: (at: Progress) => void;
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** Runs the train and validation pictures of a set through a backbone; what the cache has is not decoded again. */
export async function setFeatures(
  runtime: Runtime,
  backbone: Backbone,
  set: PictureSet,
  options: SetFeaturesOptions = {},
): Promise<SetFeatures> {
  const splits = (['train', 'validation'] as const).map(split => set.splits.get(split) ?? []);
  const items = splits.flat();
  const { rows, hashes, errors, cached } = await rowsOf(runtime, backbone, items, options);
  let from = 0;
  const parts = splits.map((list): SplitFeatures => {
    const places = list.flatMap((item, i) => (rows.has(from + i) ? [{ item, at: from + i }] : []));
    from += list.length;
    const width = backbone.features;
    const features = new Float32Array(places.length * width);
    places.forEach(({ at }, i) => features.set(rows.get(at)!, i * width));
    const read = places.map(({ item }) => item);
    return {
      features,
      count: places.length,
      width,
      labels: labelsOf(read, set),
      items: read,
      hashes: places.map(({ at }) => hashes[at]!),
    };
  });
  const [train, validation] = parts as [SplitFeatures, SplitFeatures];
  const named = ({ items: of, hashes: sums }: SplitFeatures) => of.map(({ name }, i) => ({ name, sha256: sums[i]! }));
  const duplicates = duplicatesAcross(
    new Map([
      ['train', named(train)],
      ['validation', named(validation)],
    ]),
  );
  return { train, validation, errors, duplicates, cached };
}

/** Features by place in the list: first from the cache, then through the network. */
async function rowsOf(runtime: Runtime, backbone: Backbone, items: readonly Item[], options: SetFeaturesOptions) {
  const { batch = 8, onProgress, onWarning, allowFormats = [], signal } = options;
  const { preprocessing, featurizer, features: width } = backbone;
  const stop = signal ? { signal } : {};
  const files = items.map(({ file }) => file);
  const hashes: (string | undefined)[] = [];
  for await (const hashed of hashFiles(files, stop)) hashes.push('sha256' in hashed ? hashed.sha256 : undefined);
  const cache =
    options.cache === false
      ? undefined
      : await openCache({
          folder: options.cache ?? defaultCacheFolder(process.env),
          key: cacheKey({ featurizer, preprocessing, runtime: runtime.name, optimization: 'all' }),
          onWarning: ({ file, reason }) => onWarning?.(`${file} of the feature cache is passed over: ${reason}`),
        });
  const { found, missing } = await splitByCache(cache, hashes, width);
  const rows = new Map(found);
  const errors: { file: string; error: GraftError }[] = [];
  if (missing.length > 0) {
    const session = await runtime.open(featurizer);
    try {
      const pictures = pictureStream(
        missing.map(place => files[place]!),
        preprocessing,
        { allowFormats, ...stop },
      );
      const made = await featurize({
        session,
        runtime,
        pictures,
        width: preprocessing.width,
        height: preprocessing.height,
        features: width,
        batch,
        count: missing.length,
        ...(runtime.openBeside ? { openBeside: () => runtime.openBeside!(featurizer) } : {}),
        // more would only take turns, and each holds the network once more
        mostBeside: Math.min(3, availableParallelism() - 1),
        ...(cache ? { cache } : {}),
        onProgress: done => onProgress?.({ what: 'featurizing', done, total: missing.length }),
        onCacheFailure: error =>
          onWarning?.(
            `the feature cache could not be written: ${error instanceof Error ? error.message : String(error)}`,
          ),
        ...stop,
      });
      made.rows.forEach(({ index, sha256 }, i) => {
        const place = missing[index]!;
        rows.set(place, made.features.subarray(i * width, (i + 1) * width));
        hashes[place] = sha256;
      });
      const names = new Map(items.map(({ file, name }) => [file, name]));
      for (const { file, error } of made.errors) errors.push({ file: names.get(file) ?? file, error });
    } finally {
      await session.close();
    }
  }
  return { rows, hashes, errors, cached: found.size };
}

/** Labels as training graphs take them. */
export function labelsOf(items: readonly Item[], { task, classes }: PictureSet): Tensor {
  if (task === 'single')
    return tensor(
      'int64',
      [items.length],
      items.map(({ label }) => label as number),
    );
  const targets = new Float32Array(items.length * classes.length);
  items.forEach(({ label }, i) => {
    for (const place of [label].flat()) targets[i * classes.length + place] = 1;
  });
  return tensor('float32', [items.length, classes.length], targets);
}
