// A picture set through a backbone: the features of each split, with labels, hashes and what could not be read.

import { availableParallelism } from 'node:os';
import { tensor, type GraftError, type Tensor } from '../base/index.js';
import { featurize, splitByCache } from '../features/index.js';
import { cacheKey, defaultCacheFolder, openCache, viewOf } from '../features/node.js';
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
import { resolveAugment, type AugmentOptions, type ResolvedAugment } from './augment-options.js';
import type { Backbone } from './backbone.js';
import type { Progress } from './progress.js';

/** The features of one split: a row of each picture as it is, then rows of its augmented views. */
export interface SplitFeatures {
  /** [count, width] */
  readonly features: Float32Array;
  /** Rows: the pictures, and their augmented views. */
  readonly count: number;
  readonly width: number;
  /** int64 [count], or float32 [count, classes] of several labels. */
  readonly labels: Tensor;
  /** The picture of each row, where there are augmented views: 0, 1, 2 … of the pictures as they are come first. */
  readonly groups?: Uint32Array;
  /** The pictures. */
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
  /** How many rows came from the cache. */
  readonly cached: number;
}

export interface SetFeaturesOptions extends AugmentOptions {
  /** The folder of the feature cache, or false for none. @default $XDG_CACHE_HOME/onnx-graft, or ~/.cache/onnx-graft */
  readonly cache?: string | false;
  readonly allowFormats?: readonly AllowedFormat[];
  /** Pictures a run. @default 8 */
  readonly batch?: number;
  /** Of augmentation. @default 0 */
  readonly seed?: number;
  readonly onProgress?: (at: Progress) => void;
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Runs the train and validation pictures of a set through a backbone; what the cache has is not decoded again. With
 * augmentation, `augmentViews` views of each training picture are computed and kept like the pictures themselves.
 *
 * @throws AUGMENT_…, DATA_OPTION, FEATURES_…, the signal's reason
 */
export async function setFeatures(
  runtime: Runtime,
  backbone: Backbone,
  set: PictureSet,
  options: SetFeaturesOptions = {},
): Promise<SetFeatures> {
  const augmented = resolveAugment(options);
  const train = set.splits.get('train') ?? [];
  const validation = set.splits.get('validation') ?? [];
  const showings = [
    ...train.flatMap(item => Array.from({ length: 1 + (augmented?.views ?? 0) }, (_, epoch) => ({ item, epoch }))),
    ...validation.map(item => ({ item, epoch: 0 })),
  ];
  const { rows, hashes, errors, cached } = await rowsOf(runtime, backbone, showings, augmented, options);
  const split = (items: readonly Item[], from: number, step: number): SplitFeatures => {
    const width = backbone.features;
    const places = items.flatMap((item, i) => (rows.has(from + i * step) ? [{ item, at: from + i * step }] : []));
    // the pictures as they are, then the first view of each, then the second …
    const taken = Array.from({ length: step }, (_, epoch) => epoch).flatMap(epoch =>
      places.flatMap(({ item, at }, group) => (rows.has(at + epoch) ? [{ item, at: at + epoch, group }] : [])),
    );
    const features = new Float32Array(taken.length * width);
    taken.forEach(({ at }, i) => {
      features.set(rows.get(at)!, i * width);
      // not held twice: rows of a cut may be most of what memory holds
      rows.delete(at);
    });
    return {
      features,
      count: taken.length,
      width,
      labels: labelsOf(
        taken.map(({ item }) => item),
        set,
      ),
      ...(step > 1 ? { groups: Uint32Array.from(taken, ({ group }) => group) } : {}),
      items: places.map(({ item }) => item),
      hashes: places.map(({ at }) => hashes[at]!),
    };
  };
  const views = 1 + (augmented?.views ?? 0);
  const parts = { train: split(train, 0, views), validation: split(validation, train.length * views, 1) };
  const named = ({ items: of, hashes: sums }: SplitFeatures) => of.map(({ name }, i) => ({ name, sha256: sums[i]! }));
  const duplicates = duplicatesAcross(
    new Map([
      ['train', named(parts.train)],
      ['validation', named(parts.validation)],
    ]),
  );
  return { ...parts, errors, duplicates, cached };
}

/** One showing of a picture: as it is (0), or in an epoch of augmentation. */
interface SetShowing {
  readonly item: Item;
  readonly epoch: number;
}

/** Features by place in the list: first from the cache, then through the network. */
async function rowsOf(
  runtime: Runtime,
  backbone: Backbone,
  showings: readonly SetShowing[],
  augmented: ResolvedAugment | undefined,
  options: SetFeaturesOptions,
) {
  const { batch = 8, seed = 0, onProgress, onWarning, allowFormats = [], signal } = options;
  const { preprocessing, featurizer, features: width } = backbone;
  const stop = signal ? { signal } : {};
  const errors: { file: string; error: GraftError }[] = [];
  const hashes = await hashesOf(showings, errors, stop);
  const cache =
    options.cache === false
      ? undefined
      : await openCache({
          folder: options.cache ?? defaultCacheFolder(process.env),
          key: cacheKey({ featurizer, preprocessing, runtime: runtime.name, optimization: 'all' }),
          onWarning: ({ file, reason }) => onWarning?.(`${file} of the feature cache is passed over: ${reason}`),
        });
  const numbers = Array.from({ length: 1 + (augmented?.views ?? 0) }, (_, epoch) =>
    augmented && epoch > 0 ? viewOf(augmented.text, seed, epoch) : 0,
  );
  const views = showings.map(({ epoch }) => numbers[epoch]!);
  const { found, missing } = await splitByCache(cache, hashes, width, views);
  const rows = new Map(found);
  if (missing.length > 0) {
    const session = await runtime.open(featurizer);
    try {
      const pictures = pictureStream(
        missing.map(place => showings[place]!.item.file),
        preprocessing,
        {
          allowFormats,
          ...(augmented
            ? { augmented: { augment: augmented.augment, seed, epochs: missing.map(place => showings[place]!.epoch) } }
            : {}),
          ...stop,
        },
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
        views: missing.map(place => views[place]!),
        ...(runtime.openBeside ? { openBeside: () => runtime.openBeside!(featurizer) } : {}),
        // more would only take turns, and each holds the network once more
        mostBeside: Math.min(3, availableParallelism() - 1),
        ...(cache ? { cache } : {}),
        onRow: (row, { index, sha256 }) => {
          const place = missing[index]!;
          rows.set(place, row);
          hashes[place] = sha256;
        },
        onProgress: done => onProgress?.({ what: 'featurizing', done, total: missing.length }),
        onCacheFailure: error =>
          onWarning?.(
            `the feature cache could not be written: ${error instanceof Error ? error.message : String(error)}`,
          ),
        ...stop,
      });
      const told = new Set<string>();
      for (const { index, error } of made.errors) {
        const { name } = showings[missing[index]!]!.item;
        // once, however many of its views
        if (!told.has(name)) errors.push({ file: name, error });
        told.add(name);
      }
    } finally {
      await session.close();
    }
  }
  return { rows, hashes, errors, cached: found.size };
}

/** The hash of each showing's file, read once for all its showings; files that cannot be read are told. */
async function hashesOf(
  showings: readonly SetShowing[],
  errors: { file: string; error: GraftError }[],
  stop: { readonly signal?: AbortSignal },
): Promise<(string | undefined)[]> {
  const pictures = showings.filter(({ epoch }) => epoch === 0);
  const files = pictures.map(({ item }) => item.file);
  const sums: (string | undefined)[] = [];
  for await (const hashed of hashFiles(files, stop)) {
    sums.push('sha256' in hashed ? hashed.sha256 : undefined);
    if ('error' in hashed) errors.push({ file: pictures[hashed.index]!.item.name, error: hashed.error });
  }
  let picture = -1;
  return showings.map(({ epoch }) => sums[epoch === 0 ? ++picture : picture]);
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
