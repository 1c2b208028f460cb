// Triton's counters of a model (serving-protocol.md, section 7). A run counts its rows in `inference_count` and once in
// `execution_count` and in the row of its size in `batch_stats`; each of its requests counts the whole of the run's times in
// `inference_stats`, as there. Answers out of the cache count in `success` and `queue` only.

import type { DurationCount, ModelStatistics } from '../served.js';

/** Nanoseconds of a run. */
export interface RunTimes {
  readonly inputNs: number;
  readonly inferNs: number;
  readonly outputNs: number;
}

class Duration {
  #count = 0;
  #ns = 0;

  add(ns: number, times = 1): void {
    this.#count += times;
    this.#ns += times * Math.max(0, Math.round(ns));
  }

  get now(): DurationCount {
    return { count: this.#count, ns: this.#ns };
  }
}

class Compute {
  readonly #input = new Duration();
  readonly #infer = new Duration();
  readonly #output = new Duration();

  add({ inputNs, inferNs, outputNs }: RunTimes, times: number): void {
    this.#input.add(inputNs, times);
    this.#infer.add(inferNs, times);
    this.#output.add(outputNs, times);
  }

  get now() {
    return { compute_input: this.#input.now, compute_infer: this.#infer.now, compute_output: this.#output.now };
  }
}

/** Counts of one loaded version. */
export class ModelCounts {
  readonly #now: () => number;
  #lastInference = 0;
  #inferences = 0;
  #executions = 0;
  readonly #success = new Duration();
  readonly #fail = new Duration();
  readonly #queue = new Duration();
  readonly #compute = new Compute();
  readonly #batches = new Map<number, Compute>();

  /** @param now milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A run that gave something. */
  ran(requests: number, rows: number, times: RunTimes): void {
    this.#lastInference = Math.round(this.#now());
    this.#inferences += rows;
    this.#executions++;
    this.#compute.add(times, requests);
    let batch = this.#batches.get(rows);
    if (!batch) this.#batches.set(rows, (batch = new Compute()));
    batch.add(times, 1);
  }

  /** A request that waited so long and then ran, or that need not. */
  waited(ns: number): void {
    this.#queue.add(ns);
  }

  succeeded(ns: number): void {
    this.#success.add(ns);
  }

  failed(ns: number): void {
    this.#fail.add(ns);
  }

  /** @param memory bytes that its processes hold */
  statistics(memory: number): ModelStatistics {
    return {
      last_inference: this.#lastInference,
      inference_count: this.#inferences,
      execution_count: this.#executions,
      inference_stats: {
        success: this.#success.now,
        fail: this.#fail.now,
        queue: this.#queue.now,
        ...this.#compute.now,
      },
      batch_stats: [...this.#batches]
        .sort(([a], [b]) => a - b)
        .map(([size, compute]) => ({ batch_size: size, ...compute.now })),
      memory_usage: memory > 0 ? [{ type: 'CPU', id: 0, byte_size: memory }] : [],
    };
  }
}
