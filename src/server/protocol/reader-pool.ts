// Large JSON is read beside the thread that answers: at most two threads, started when first needed, each with one body at
// a time, so that a thread that ends takes no other request along. Idle threads keep no process alive.

import { Worker } from 'node:worker_threads';
import { errorOf, type GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import type { ReadFacts, ReadRequest } from './json-request.js';
import type { ReaderResult, ReaderTask } from './reader-task.js';

const mostThreads = 2;
/** Megabytes of values of a thread: more than json.ts lets through, since a thread over its memory ends the process. */
const memory = 2048;

interface Job {
  readonly task: ReaderTask;
  readonly resolve: (request: ReadRequest) => void;
  readonly reject: (error: GraftError) => void;
}

class ReaderPool {
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Job>();
  readonly #waiting: Job[] = [];
  #closing: Promise<void> | undefined;

  read(task: ReaderTask): Promise<ReadRequest> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  /** Ends the threads; what they still read is refused. */
  close(): Promise<void> {
    return (this.#closing ??= this.#end().finally(() => (this.#closing = undefined)));
  }

  async #end(): Promise<void> {
    const ended = [...this.#idle.splice(0), ...this.#busy.keys()].map(worker => worker.terminate());
    for (const job of this.#waiting.splice(0)) job.reject(errors.DRAINING({ reason: 'the server is closing' }));
    await Promise.all(ended);
  }

  #next(): void {
    const isFull = this.#idle.length === 0 && this.#busy.size >= mostThreads;
    const job = isFull ? undefined : this.#waiting.shift();
    if (!job) return;
    const worker = this.#idle.pop() ?? this.#start();
    this.#busy.set(worker, job);
    worker.ref();
    const { buffer } = job.task.json;
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === job.task.json.byteLength;
    worker.postMessage(job.task, isWhole ? [buffer] : []);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./reader-worker.js', import.meta.url), {
      execArgv: [], // flags such as --input-type are the main program's
      resourceLimits: { maxOldGenerationSizeMb: memory },
    });
    let cause: unknown;
    worker.on('message', (result: ReaderResult) => {
      const job = this.#busy.get(worker);
      this.#busy.delete(worker);
      worker.unref();
      this.#idle.push(worker);
      if ('request' in result) job?.resolve(result.request);
      else job?.reject(errorOf(result.error));
      this.#next();
    });
    worker.on('error', error => (cause = error));
    worker.on('exit', () => {
      const place = this.#idle.indexOf(worker);
      if (place >= 0) this.#idle.splice(place, 1);
      const job = this.#busy.get(worker);
      this.#busy.delete(worker);
      job?.reject(
        this.#closing ? errors.DRAINING({ reason: 'the server is closing' }) : errors.INTERNAL(undefined, cause),
      );
      this.#next();
    });
    return worker;
  }
}

const pool = new ReaderPool();

/** {@link readJsonRequest} in a thread; a `json` that fills its buffer is handed over. */
export const readElsewhere = (
  json: Uint8Array,
  tail: number | undefined,
  { inputs, outputs, maxBatch }: ReadFacts,
  limits: Limits,
): Promise<ReadRequest> => pool.read({ json, tail, facts: { inputs, outputs, maxBatch }, limits });

/** Ends the threads that read large bodies. They start again when they are needed again. */
export const closeReaders = (): Promise<void> => pool.close();
