// A picture set through a backbone: the features of each split, with labels, hashes and what could not be read.

import { tensor, floats, type GraftError, type Tensor } from '../base/index.js';
import {
  duplicatesAcross,
  pictureStream,
  type AllowedFormat,
  type Duplicate,
  type Item,
  type PictureSet,
} from '../pictures/node.js';
import type { Runtime, Session } from '../runtime/index.js';
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
}

export interface SetFeaturesOptions {
  readonly allowFormats?: readonly AllowedFormat[];
  /** Pictures a run. @default 8 */
  readonly batch?: number;
  readonly onProgress?: (at: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Runs the train and validation pictures of a set through a backbone. */
export async function setFeatures(
  runtime: Runtime,
  backbone: Backbone,
  set: PictureSet,
  options: SetFeaturesOptions = {},
): Promise<SetFeatures> {
  const splits = (['train', 'validation'] as const).map(split => set.splits.get(split) ?? []);
  const items = splits.flat();
  const session = await runtime.open(backbone.featurizer);
  try {
    const { features, hashes, errors } = await throughBackbone(runtime, session, backbone, items, options);
    const width = backbone.features;
    let from = 0;
    const parts = splits.map((list): SplitFeatures => {
      const places = list.flatMap((item, i) => (hashes[from + i] ? [{ item, at: from + i }] : []));
      from += list.length;
      const own = new Float32Array(places.length * width);
      places.forEach(({ at }, i) => own.set(features.subarray(at * width, (at + 1) * width), i * width));
      return {
        features: own,
        count: places.length,
        width,
        labels: labelsOf(
          places.map(({ item }) => item),
          set,
        ),
        items: places.map(({ item }) => item),
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
    return { train, validation, errors, duplicates };
  } finally {
    await session.close();
  }
}

async function throughBackbone(
  runtime: Runtime,
  session: Session,
  { features: width, preprocessing }: Backbone,
  items: readonly Item[],
  { batch = 8, onProgress, allowFormats = [], signal }: SetFeaturesOptions,
) {
  const features = new Float32Array(items.length * width);
  const hashes = new Array<string | undefined>(items.length);
  const errors: { file: string; error: GraftError }[] = [];
  const size = preprocessing.width * preprocessing.height * 3;
  let waiting: { index: number; pixels: Uint8Array }[] = [];
  let done = 0;
  const flush = async () => {
    if (waiting.length === 0) return;
    const bytes = new Uint8Array(waiting.length * size);
    waiting.forEach(({ pixels }, i) => bytes.set(pixels, i * size));
    const shape = [waiting.length, preprocessing.height, preprocessing.width, 3];
    const results = await session.run(new Map([['pictures', runtime.tensor(tensor('uint8', shape, bytes))]]));
    const rows = floats(await results.get('features')!.read());
    waiting.forEach(({ index }, i) => features.set(rows.subarray(i * width, (i + 1) * width), index * width));
    for (const result of results.values()) result.dispose();
    done += waiting.length;
    waiting = [];
    onProgress?.({ what: 'featurizing', done, total: items.length });
  };
  const files = items.map(({ file }) => file);
  for await (const picture of pictureStream(files, preprocessing, { allowFormats, ...(signal ? { signal } : {}) })) {
    if ('error' in picture) {
      errors.push({ file: items[picture.index]!.name, error: picture.error });
      done++;
    } else {
      hashes[picture.index] = picture.sha256;
      waiting.push(picture);
    }
    if (waiting.length >= batch) await flush();
  }
  await flush();
  onProgress?.({ what: 'featurizing', done: items.length, total: items.length });
  return { features, hashes, errors };
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
