// Files to the pixels a network sees, decoded in worker threads while the calling thread runs the network. The threads
// share one counter and take the next picture themselves, so that they go on while the caller is inside a native run;
// they stop at a bounded look-ahead, so that memory does not grow with the number of pictures.

import { setImmediate } from 'node:timers/promises';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { GraftError, errorOf } from '../base/index.js';
import { sha256 } from '../base/node.js';
import { augmentationsOf, printAugment, type Augment } from './augment-text.js';
import { openDecoder, type AllowedFormat } from './decode.js';
import { FileDecoder, type FileTask } from './decode-file.js';
import { control, type Decoded, type DecodeTask } from './decode-task.js';
import { dataErrors, imageErrors as errors } from './errors.js';
import { readPictureFile } from './picture-file.js';
import { checkPreprocessing, type Preprocessing } from './preprocessing.js';

/** One file's pixels, or why there are none. */
export type StreamedPicture =
  | {
      /** Place in the list of files, from 0. */
      readonly index: number;
      readonly file: string;
      /** Of the file's bytes, 64 hex digits. */
      readonly sha256: string;
      /** uint8 [height, width, 3] of the recipe's size */
      readonly pixels: Uint8Array;
    }
  | { readonly index: number; readonly file: string; readonly error: GraftError };

/** How a stream augments its pictures. */
export interface StreamAugment {
  /** As text, or as values: these run on the calling thread, since functions do not cross to others. */
  readonly augment: Augment;
  readonly seed: number | string;
  /**
   * For each file the epoch it is shown in, a whole number from 1; 0 shows it as it is. Chance is of seed, epoch and content:
   * the same whatever the order and the number of threads. Showings of one file side by side cost one decoding.
   */
  readonly epochs: readonly number[];
}

export interface PictureStreamOptions {
  /** @default none: pictures as they are */
  readonly augmented?: StreamAugment | undefined;
  /** Decoding threads at most, from 1; further ones start while the caller keeps waiting. @default the number of cores */
  readonly workers?: number | undefined;
  /** Pictures kept ready beyond the one asked for, from 1. @default 16 a thread */
  readonly ahead?: number | undefined;
  /** Formats beside JPEG, PNG, WebP and GIF. @default [] */
  readonly allowFormats?: readonly AllowedFormat[] | undefined;
  /** Stops the stream: it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Decodes files in threads and gives them in their order. A picture that cannot be read is an `error` of its own and
 * stops nothing. Leaving the loop ends the threads.
 *
 * @throws DATA_OPTION; AUGMENT_UNKNOWN, AUGMENT_VALUE, AUGMENT_TWICE; IMAGE_STOPPED where a thread ends by itself; the signal's reason.
 * @example for await (const picture of pictureStream(files, preprocessing)) if ('pixels' in picture) use(picture.pixels)
 */
export async function* pictureStream(
  files: readonly string[],
  preprocessing: Preprocessing,
  options: PictureStreamOptions = {},
): AsyncGenerator<StreamedPicture, void, undefined> {
  const { allowFormats = [], signal } = options;
  const workers = atLeastOne('workers', options.workers ?? availableParallelism());
  const ahead = atLeastOne('ahead', options.ahead ?? 16 * workers);
  const recipe = checkPreprocessing(preprocessing);
  const augment = options.augmented && augmentTask(options.augmented, files.length);
  signal?.throwIfAborted();
  if (typeof augment?.augment === 'object') {
    yield* decodedHere(
      files,
      { preprocessing: recipe, allowFormats, augment: { ...augment, augmentations: augment.augment } },
      signal,
    );
    return;
  }
  process.env['VIPS_BLOCK_UNTRUSTED'] = '1'; // a thread's own environment is a copy that libvips does not see
  const state = new Int32Array(new SharedArrayBuffer(16));
  const task: DecodeTask = {
    files,
    preprocessing: recipe,
    allowFormats,
    augment: augment && { text: augment.augment, seed: augment.seed, epochs: augment.epochs },
    ahead,
    control: state.buffer,
  };
  const ready = new Map<number, Decoded>();
  let failure: Error | undefined;
  let wake = (): void => undefined;
  const threads: Worker[] = [];
  const ended: Promise<unknown>[] = [];
  const start = (): void => {
    const thread = new Worker(new URL('./decode-worker.js', import.meta.url), { workerData: task });
    thread.on('message', (decoded: Decoded) => {
      ready.set(decoded.index, decoded);
      wake();
    });
    thread.on('error', cause => {
      failure ??= errors.STOPPED({ reason: cause instanceof Error ? cause.message : String(cause) }, cause);
      wake();
    });
    thread.on('exit', status => {
      if (status !== 0) failure ??= errors.STOPPED({ reason: `exit status ${status}` });
      wake();
    });
    threads.push(thread);
    ended.push(new Promise(resolve => thread.on('exit', resolve)));
  };
  const mostThreads = Math.min(workers, files.length);
  if (mostThreads > 0) start();
  const hunger = new Hunger();
  const aborted = (): void => wake();
  signal?.addEventListener('abort', aborted);
  const release = (place: number, value: number): void => {
    Atomics.store(state, place, value);
    Atomics.notify(state, place);
  };
  try {
    await openDecoder(allowFormats);
    release(control.opened, 1);
    for (const [index, file] of files.entries()) {
      // threads hold the process open only while somebody waits for them
      if (!ready.has(index)) for (const thread of threads) thread.ref();
      const began = performance.now();
      while (!ready.has(index)) {
        signal?.throwIfAborted();
        if (failure) throw failure;
        await new Promise<void>(resolve => (wake = resolve));
      }
      hunger.waited(began, performance.now());
      if (threads.length < mostThreads && hunger.isLasting()) {
        start();
        hunger.begin();
      }
      for (const thread of threads) thread.unref();
      signal?.throwIfAborted();
      const decoded = ready.get(index)!;
      ready.delete(index);
      release(control.taken, index + 1);
      yield 'pixels' in decoded ? { ...decoded, file } : { index, file, error: errorOf(decoded.error) };
    }
  } finally {
    signal?.removeEventListener('abort', aborted);
    // each thread finishes the picture in hand; none is torn out of a native call
    release(control.stopped, 1);
    release(control.opened, 1);
    release(control.taken, files.length);
    for (const thread of threads) thread.ref();
    await Promise.all(ended);
  }
}

/** The same on the calling thread. */
async function* decodedHere(
  files: readonly string[],
  task: FileTask,
  signal: AbortSignal | undefined,
): AsyncGenerator<StreamedPicture, void, undefined> {
  await openDecoder(task.allowFormats);
  const decoder = new FileDecoder(task, sha256);
  for (const [index, file] of files.entries()) {
    const decoded = await decoder.decode(index, file);
    signal?.throwIfAborted();
    yield 'pixels' in decoded ? { ...decoded, file } : { index, file, error: errorOf(decoded.error) };
  }
}

/** Checks before anything is opened; text in its canonical form. */
function augmentTask({ augment, seed, epochs }: StreamAugment, count: number): StreamAugment {
  if (epochs.length !== count)
    throw dataErrors.OPTION({ option: 'epochs', found: epochs.length, wanted: `one of each of ${count} files` });
  for (const epoch of epochs)
    if (!Number.isSafeInteger(epoch) || epoch < 0)
      throw dataErrors.OPTION({ option: 'epochs', found: epoch, wanted: 'whole numbers from 0' });
  const augmentations = augmentationsOf(augment);
  return { augment: typeof augment === 'string' ? printAugment(augmentations) : augmentations, seed, epochs };
}

/**
 * How much of its time the caller waits for pictures. A thread costs about 150 ms of CPU before its first picture, so
 * a further one is started only for a caller that keeps waiting: one that runs a large network never does.
 */
class Hunger {
  #from: number | undefined;
  #last = 0;
  #waited = 0;

  /** From the next picture on. */
  begin(): void {
    this.#from = undefined;
    this.#waited = 0;
  }
  waited(from: number, to: number): void {
    // what passes before the first picture is the start of the threads
    if (this.#from === undefined) this.#from = to;
    else this.#waited += to - from;
    this.#last = to;
  }
  /** Milliseconds that show a habit, and the part of them that is worth a thread. */
  isLasting(): boolean {
    const passed = this.#last - (this.#from ?? this.#last);
    return passed > 150 && this.#waited > passed / 5;
  }
}

/** One file's hash, or why there is none. */
export type HashedFile =
  | { readonly index: number; readonly file: string; readonly sha256: string }
  | { readonly index: number; readonly file: string; readonly error: GraftError };

/**
 * The SHA-256 of each file's bytes, in order, without decoding. Reading and hashing takes tens of microseconds a
 * picture, less than handing it to a thread would.
 *
 * @throws the signal's reason
 */
export async function* hashFiles(
  files: readonly string[],
  { signal }: Pick<PictureStreamOptions, 'signal'> = {},
): AsyncGenerator<HashedFile, void, undefined> {
  for (const [index, file] of files.entries()) {
    if (index % 32 === 0) await setImmediate();
    signal?.throwIfAborted();
    yield hashed(index, file);
  }
}

function hashed(index: number, file: string): HashedFile {
  try {
    return { index, file, sha256: sha256(readPictureFile(file)) };
  } catch (error) {
    if (error instanceof GraftError) return { index, file, error };
    throw error;
  }
}

function atLeastOne(option: string, value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw dataErrors.OPTION({ option, found: value, wanted: 'a whole number from 1' });
}
