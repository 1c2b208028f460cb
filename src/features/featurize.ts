// Pictures through a frozen backbone, a batch at a time: pictures uint8 [N, height, width, 3] → features float32 [N, F].
// The stream decodes ahead in its own threads while the network runs; what was computed goes to the cache as it comes.

import { elementCount, floats, tensor, type GraftError } from '../base/index.js';
import type { Runtime, Session } from '../runtime/index.js';
import { Crew } from './crew.js';
import { errors } from './errors.js';
import type { CachedRow, FeatureCache } from './feature-cache.js';

/** A picture as `pictureStream` gives it: its pixels, or why there are none. */
export type FeaturizePicture =
  | {
      readonly index: number;
      readonly file: string;
      /** Of the file's bytes, 64 hex digits. */
      readonly sha256: string;
      /** uint8 [height, width, 3] */
      readonly pixels: Uint8Array;
    }
  | { readonly index: number; readonly file: string; readonly error: GraftError };

export interface FeaturizeOptions {
  /** The opened backbone: input `pictures`, output `features`. Stays open. */
  readonly session: Session;
  readonly runtime: Runtime;
  /** Those to compute, in any number; see `splitByCache`. */
  readonly pictures: AsyncIterable<FeaturizePicture>;
  readonly width: number;
  readonly height: number;
  /** How many numbers describe a picture, whatever their shape. */
  readonly features: number;
  /** Pictures a run, from 1. @default 8 */
  readonly batch?: number | undefined;
  /** Where rows are kept: about every 256 pictures, and when the run ends or is stopped. */
  readonly cache?: FeatureCache | undefined;
  /** How many pictures the stream will give, where that is known. */
  readonly count?: number | undefined;
  /**
   * Opens the backbone once more, in a thread of its own. Asked for while the network and not the pictures is what is
   * waited for, and enough of them are left; closed at the end. @default one session does all
   */
  readonly openBeside?: (() => Promise<Session>) | undefined;
  /** Sessions beside the first, at most. @default 1 */
  readonly mostBeside?: number | undefined;
  /** The view of each picture in the stream, by its index: 0 as it is, else what `viewOf` gives. @default 0 */
  readonly views?: readonly number[] | undefined;
  /** Takes each row as it comes, to keep; `features` stays empty then. @default all rows are joined in the end */
  readonly onRow?: ((row: Float32Array, of: FeaturizedRow) => void) | undefined;
  /** Pictures done so far, those with errors too; called after each run. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Told when the cache takes no rows; the run goes on without it. @default silent */
  readonly onCacheFailure?: ((error: unknown) => void) | undefined;
  /** Stops between runs: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What came out. */
export interface Featurized {
  /** float32 [rows, features]; empty where rows were taken as they came. */
  readonly features: Float32Array;
  /** The picture of each row, in the order of the stream. */
  readonly rows: readonly FeaturizedRow[];
  /** Pictures without a row. */
  readonly errors: readonly { readonly index: number; readonly file: string; readonly error: GraftError }[];
}
export interface FeaturizedRow {
  readonly index: number;
  readonly file: string;
  readonly sha256: string;
}

/** Rows a shard of the cache holds, about. */
const shardRows = 256;

/**
 * Runs pictures through a backbone. A picture that cannot be read, or whose features are not finite, is an error of its
 * own and stops nothing.
 *
 * @throws FEATURES_SHAPE, FEATURES_PIXELS, what the session throws, the signal's reason
 * @example
 * const { features, rows } = await featurize({ session, runtime, pictures: pictureStream(files, recipe), ...recipe, features: 1280 });
 */
export async function featurize(options: FeaturizeOptions): Promise<Featurized> {
  const { pictures, width, height, features, batch = 8, cache, views, onProgress, signal } = options;
  const size = width * height * 3;
  const blocks: Float32Array[] = [];
  const rows: FeaturizedRow[] = [];
  const failed: Featurized['errors'][number][] = [];
  let waiting: Extract<FeaturizePicture, { pixels: unknown }>[] = [];
  let unsaved: CachedRow[] = [];

  const crew = new Crew({
    session: options.session,
    run: (session, turn: typeof waiting) => runBatch(session, options, turn),
    openBeside: options.openBeside,
    most: options.mostBeside ?? 1,
    turns: options.count === undefined ? undefined : options.count / batch,
  });
  const run = async () => {
    const turn = waiting;
    waiting = [];
    if (turn.length > 0) await crew.take(turn);
  };
  const settle = () => {
    for (const [turn, values] of crew.ready())
      turn.forEach((picture, i) => {
        const row = values.subarray(i * features, (i + 1) * features);
        const { index, file, sha256 } = picture;
        if (!allFinite(row)) {
          const column = row.findIndex(value => !Number.isFinite(value));
          failed.push({ index, file, error: errors.NOT_FINITE({ file, column, found: String(row[column]) }) });
          return;
        }
        if (options.onRow) options.onRow(row, { index, file, sha256 });
        else blocks.push(row);
        rows.push({ index, file, sha256 });
        unsaved.push({ sha256, view: views?.[index] ?? 0, features: row });
      });
  };
  const save = async () => {
    const turn = unsaved;
    unsaved = [];
    if (!cache || turn.length === 0) return;
    await cache.add(turn).catch((cause: unknown) => options.onCacheFailure?.(cause));
  };

  try {
    let idle = performance.now();
    for await (const picture of pictures) {
      crew.waited(performance.now() - idle);
      signal?.throwIfAborted();
      if ('error' in picture) failed.push(picture);
      else {
        const { file, pixels } = picture;
        if (pixels.length !== size) throw errors.PIXELS({ file, found: pixels.length, wanted: size });
        waiting.push(picture);
      }
      if (waiting.length >= batch) {
        await run();
        settle();
        onProgress?.(rows.length + failed.length);
        if (unsaved.length >= shardRows) await save();
      }
      idle = performance.now();
    }
    signal?.throwIfAborted();
    await run();
    await crew.finish();
    settle();
    onProgress?.(rows.length + failed.length);
  } catch (cause) {
    await crew.finish();
    keep(settle);
    throw cause;
  } finally {
    await crew.close();
    await save(); // also when stopped: what was computed is not computed again
  }
  const all = new Float32Array(blocks.length * features);
  blocks.forEach((row, i) => all.set(row, i * features));
  return { features: all, rows, errors: failed };
}

/** Whether all numbers are finite; 0 · x is NaN for those that are not. Rows of a cut are long: no call for each number. */
function allFinite(row: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += 0 * row[i]!;
  return sum === 0;
}

/** What was ready is kept; why the run ends is already known. */
function keep(settle: () => void): void {
  try {
    settle();
  } catch {
    // a second failure of the same kind
  }
}

/** One run; gives float32 [pictures, features]. */
async function runBatch(
  session: Session,
  { runtime, width, height, features }: FeaturizeOptions,
  pictures: readonly { readonly pixels: Uint8Array }[],
): Promise<Float32Array> {
  const count = pictures.length;
  const bytes = new Uint8Array(count * width * height * 3);
  pictures.forEach(({ pixels }, i) => bytes.set(pixels, i * pixels.length));
  const feed = runtime.tensor(tensor('uint8', [count, height, width, 3], bytes));
  try {
    const results = await session.run(new Map([['pictures', feed]]), ['features']);
    const result = results.get('features')!;
    const { type, shape } = result;
    // [N, F, 1, 1] holds the same numbers; of a cut inside the network it is [N, C, H, W].
    if (type !== 'float32' || shape[0] !== count || elementCount(shape) !== count * features)
      throw errors.SHAPE({ found: `${type} [${shape.join(',')}]`, wanted: `float32 [${count},${features}]` });
    const values = floats(await result.read());
    // A copy: disposing of the result may take its memory back.
    const own = values.slice();
    result.dispose();
    return own;
  } finally {
    feed.dispose();
  }
}
