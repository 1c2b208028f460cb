// Decoding in processes of its own, one picture at a time in each: a bounded queue before a bounded number of processes.

import { imageErrors, sniff } from '../../serving.js';
import { errors } from '../errors.js';
import type { Log, PictureWorkers, PreparedPicture, Telemetry } from '../served.js';
import { kinds } from './frame.js';
import { Slot } from './slot.js';

export interface PictureWorkersOptions {
  readonly processes: number;
  /** Most pictures that wait. */
  readonly queue: number;
  /** Largest file, in bytes. */
  readonly picture: number;
  /** Most bytes of a process. */
  readonly memoryLimit: number;
  /** Milliseconds after which those who wait are refused where no process becomes free: longer than any picture takes. @default 30_000 */
  readonly stallTime?: number;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'workerRestarted' | 'pictureRefused'>;
}

/** sharp's own limit is 5 s; what passes this is stopped from outside. */
const timeLimit = 10_000;
const startLimit = 30_000;
/** How often memory and those who wait are looked at. */
const lookInterval = 500;

interface Waiting {
  start(slot: Slot): void;
  refuse(): void;
}

/**
 * Starts the processes.
 *
 * @throws IMAGE_UNSAFE where the decoder cannot be closed
 */
export async function openPictureWorkers(options: PictureWorkersOptions): Promise<PictureWorkers> {
  const { processes, queue, picture, memoryLimit, stallTime = 30_000, log, telemetry } = options;
  const waiting: Waiting[] = [];
  const slots: Slot[] = [];
  let isClosed = false;
  let milliseconds = 0;
  /** When the first that waits began to, or when the last one before it was taken. */
  let since = 0;
  const next = (): void => {
    for (let slot = idleOf(slots); slot && waiting.length > 0; slot = idleOf(slots)) {
      since = performance.now();
      waiting.shift()!.start(slot);
    }
  };
  const add = (): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      const slot = new Slot({
        program: 'picture-child',
        log,
        memoryLimit,
        now: () => performance.now(),
        opening: async ask => {
          const late = () => errors.WORKER_LOST({ reason: 'the decoder did not start' });
          await ask({ kind: kinds.open }, { limit: startLimit, late });
        },
        ready: () => {
          resolve();
          next();
        },
        died: reason => {
          log.warn({ reason }, 'a process that decodes pictures ended');
          telemetry.workerRestarted(reason);
          return !isClosed;
        },
        failed: error => {
          reject(error);
        },
      });
      slots.push(slot);
      void slot.start();
    });
  await Promise.all(Array.from({ length: processes }, add));
  const watch = setInterval(() => {
    for (const slot of slots) if (slot.memory > memoryLimit) slot.kill('memory limit');
    if (waiting.length > 0 && performance.now() - since > stallTime) for (const one of waiting.splice(0)) one.refuse();
  }, lookInterval);
  watch.unref();

  const prepare = async (bytes: Uint8Array, text: string, signal?: AbortSignal): Promise<PreparedPicture> => {
    check(bytes, picture);
    signal?.throwIfAborted();
    const slot = idleOf(slots) ?? (await turn(signal));
    const late = () =>
      imageErrors.CORRUPT({ format: 'picture', reason: `it took longer than ${timeLimit / 1000} s to decode` });
    try {
      const held = { datatype: 'UINT8', shape: [bytes.length], data: bytes } as const;
      const { numbers, tensors } = await slot.ask(
        { kind: kinds.run, text, tensors: new Map([['picture', held]]) },
        { limit: timeLimit, late },
      );
      const [width, height, took] = numbers as [number, number, number];
      milliseconds = milliseconds === 0 ? took : 0.9 * milliseconds + 0.1 * took;
      return { pixels: tensors!.get('pixels')!.data, width, height };
    } finally {
      queueMicrotask(next);
    }
  };
  const turn = (signal?: AbortSignal): Promise<Slot> => {
    if (waiting.length >= queue) throw errors.QUEUE_FULL({ reason: `${queue} pictures wait to be decoded already` });
    return new Promise<Slot>((resolve, reject) => {
      const stop = (): void => {
        waiting.splice(waiting.indexOf(one), 1);
        reject(signal!.reason);
      };
      const one: Waiting = {
        refuse: () => {
          signal?.removeEventListener('abort', stop);
          reject(
            errors.QUEUE_TIMEOUT({
              reason: `no process that decodes pictures became free within ${stallTime / 1000} s`,
            }),
          );
        },
        start: slot => {
          signal?.removeEventListener('abort', stop);
          // taken now, so that nobody else takes it before the next tick
          slot.state = 'busy';
          resolve(slot);
        },
      };
      signal?.addEventListener('abort', stop, { once: true });
      if (waiting.push(one) === 1) since = performance.now();
    });
  };
  return {
    get milliseconds() {
      return milliseconds;
    },
    async prepare(bytes, preprocessing, signal) {
      try {
        return await prepare(bytes, JSON.stringify(preprocessing), signal);
      } catch (error) {
        const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
        if (code.startsWith('IMAGE_')) telemetry.pictureRefused(code);
        throw error;
      }
    },
    async close() {
      isClosed = true;
      clearInterval(watch);
      await Promise.all(slots.map(slot => slot.close()));
    },
  };
}

const idleOf = (slots: readonly Slot[]): Slot | undefined => slots.find(({ state }) => state === 'idle');

/** What is no picture, or too large a one, costs no process anything. */
function check(bytes: Uint8Array, most: number): void {
  if (bytes.length > most) throw imageErrors.TOO_LARGE({ found: `${bytes.length} bytes`, limit: `${most} bytes` });
  const { format, words } = sniff(bytes);
  if (format === undefined || format === 'avif' || format === 'tiff')
    throw imageErrors.UNSUPPORTED({ found: words, wanted: 'JPEG, PNG, WebP, GIF' });
}
