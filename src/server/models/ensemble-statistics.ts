// What an ensemble of served models counts: its requests, each a run of its own. Its members count theirs.

import type { DurationCount, ModelStatistics } from '../served.js';

/** Counts of one ensemble. */
export interface EnsembleStatistics {
  readonly now: ModelStatistics;
  /** A request that was answered: its rows, nanoseconds that the members took, and those of making one of them. */
  answered(rows: number, members: number, pooling: number): void;
  /** A request that was not. */
  failed(ns: number): void;
}

const nothing: DurationCount = { count: 0, ns: 0 };
const add = ({ count, ns }: DurationCount, more: number): DurationCount => ({ count: count + 1, ns: ns + more });

export function ensembleStatistics(): EnsembleStatistics {
  let inferences = 0;
  let last = 0;
  let stats = { success: nothing, fail: nothing, queue: nothing, compute_input: nothing, compute_infer: nothing, compute_output: nothing }; // prettier-ignore
  const batches = new Map<number, Record<'compute_input' | 'compute_infer' | 'compute_output', DurationCount>>();
  return {
    get now() {
      return {
        last_inference: last,
        inference_count: inferences,
        execution_count: stats.success.count,
        inference_stats: stats,
        batch_stats: [...batches]
          .sort(([a], [b]) => a - b)
          .map(([size, durations]) => ({ batch_size: size, ...durations })),
        memory_usage: [],
      };
    },
    answered: (rows, members, pooling) => {
      last = new Date().getTime();
      inferences += rows;
      stats = {
        ...stats,
        success: add(stats.success, members + pooling),
        queue: add(stats.queue, 0),
        compute_input: add(stats.compute_input, 0),
        compute_infer: add(stats.compute_infer, members),
        compute_output: add(stats.compute_output, pooling),
      };
      const held = batches.get(rows) ?? { compute_input: nothing, compute_infer: nothing, compute_output: nothing };
      batches.set(rows, {
        compute_input: add(held.compute_input, 0),
        compute_infer: add(held.compute_infer, members),
        compute_output: add(held.compute_output, pooling),
      });
    },
    failed: ns => {
      last = new Date().getTime();
      stats = { ...stats, fail: add(stats.fail, ns) };
    },
  };
}
