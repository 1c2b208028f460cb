// What a frozen part gives for the pictures of one epoch, each augmented anew: for fine-tuning, where features of the epoch
// are used once and not kept. They come in windows, so that memory does not grow with the set.

import { availableParallelism } from 'node:os';
import type { GraftError } from '../base/index.js';
import { featurize, type FeaturizePicture } from '../features/index.js';
import type { Augment } from '../pictures/index.js';
import { pictureStream, type AllowedFormat, type Item } from '../pictures/node.js';
import type { Runtime, Session } from '../runtime/index.js';
import type { Backbone } from './backbone.js';
import type { Progress } from './progress.js';

/** What {@link augmentedFeatures} needs to know. */
export interface AugmentedFeaturesOptions {
  /** From 1: each epoch shows every picture in another way. 0 shows them as they are. */
  readonly epoch: number;
  readonly seed: number;
  readonly augment: Augment;
  /** Places in the list of pictures, in the order in which they train. @default as listed */
  readonly order?: ArrayLike<number>;
  /** Pictures a window, from 1. @default all */
  readonly window?: number;
  /** The frozen part, opened; it stays open. @default opened here and closed at the end */
  readonly session?: Session;
  /** Pictures a run. @default 8 */
  readonly batch?: number;
  readonly allowFormats?: readonly AllowedFormat[];
  readonly onProgress?: (at: Progress) => void;
  readonly signal?: AbortSignal;
}

/** The features of the next pictures of an epoch. */
export interface AugmentedWindow {
  /** [places.length, width] */
  readonly features: Float32Array;
  /** The picture of each row, as its place in the list, in the order asked for. */
  readonly places: Uint32Array;
  /** Pictures of this window without a row. */
  readonly errors: readonly { readonly place: number; readonly file: string; readonly error: GraftError }[];
}

/**
 * Runs pictures, augmented for an epoch, through a frozen part. The same seed, epoch and content give the same numbers,
 * whatever the order, the windows and the threads. Leaving the loop ends the threads.
 *
 * @param frozen input `pictures` uint8 [N,H,W,3], output `features` with `features` numbers a picture, of any shape
 * @throws AUGMENT_…, FEATURES_…, the signal's reason
 * @example
 * for await (const { features, places } of augmentedFeatures(runtime, backbone, items, { epoch, seed, augment: 'default', window: 512 })) …
 */
export async function* augmentedFeatures(
  runtime: Runtime,
  frozen: Pick<Backbone, 'featurizer' | 'preprocessing' | 'features'>,
  items: readonly Item[],
  options: AugmentedFeaturesOptions,
): AsyncGenerator<AugmentedWindow, void, undefined> {
  const { epoch, seed, augment, batch = 8, allowFormats = [], onProgress, signal } = options;
  const { featurizer, preprocessing, features: width } = frozen;
  const stop = signal ? { signal } : {};
  const order = Array.from(options.order ?? items.keys());
  const window = Math.max(1, options.window ?? order.length);
  const stream = pictureStream(
    order.map(place => items[place]!.file),
    preprocessing,
    { allowFormats, augmented: { augment, seed, epochs: order.map(() => epoch) }, ...stop },
  );
  const session = options.session ?? (await runtime.open(featurizer));
  try {
    for (let from = 0; from < order.length; from += window) {
      const count = Math.min(window, order.length - from);
      const { features, rows, errors } = await featurize({
        session,
        runtime,
        pictures: next(stream, count),
        width: preprocessing.width,
        height: preprocessing.height,
        features: width,
        batch,
        count,
        ...(runtime.openBeside ? { openBeside: () => runtime.openBeside!(featurizer) } : {}),
        mostBeside: Math.min(3, availableParallelism() - 1),
        onProgress: done => onProgress?.({ what: 'featurizing', done: from + done, total: order.length }),
        ...stop,
      });
      yield {
        features,
        places: Uint32Array.from(rows, ({ index }) => order[index]!),
        errors: errors.map(({ index, error }) => {
          const place = order[index]!;
          return { place, file: items[place]!.name, error };
        }),
      };
    }
  } finally {
    await stream.return();
    if (!options.session) await session.close();
  }
}

/** The next pictures of a stream, which goes on afterwards. */
async function* next(
  stream: AsyncGenerator<FeaturizePicture, void, undefined>,
  count: number,
): AsyncGenerator<FeaturizePicture, void, undefined> {
  for (let i = 0; i < count; i++) {
    const { done, value } = await stream.next();
    if (done) return;
    yield value;
  }
}
