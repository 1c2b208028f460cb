// Counts of a version go on when it is loaded anew: those of what was replaced are added.

import type { DurationCount, ModelStatistics } from '../served.js';

type Durations = Readonly<Record<string, DurationCount>>;

/** The counts of both; memory is what the first one holds. */
export function addStatistics(now: ModelStatistics, before: ModelStatistics | undefined): ModelStatistics {
  if (!before) return now;
  const batches = new Map(before.batch_stats.map(one => [one.batch_size, one]));
  for (const { batch_size: size, ...own } of now.batch_stats) {
    const { batch_size: _, ...held } = batches.get(size) ?? { batch_size: size, ...nothing };
    batches.set(size, { batch_size: size, ...sums(own, held) });
  }
  return {
    last_inference: Math.max(now.last_inference, before.last_inference),
    inference_count: now.inference_count + before.inference_count,
    execution_count: now.execution_count + before.execution_count,
    inference_stats: sums(now.inference_stats, before.inference_stats),
    batch_stats: [...batches.values()].sort((a, b) => a.batch_size - b.batch_size),
    memory_usage: now.memory_usage,
  };
}

const none: DurationCount = { count: 0, ns: 0 };
const nothing = { compute_input: none, compute_infer: none, compute_output: none };

function sums<T extends Durations>(a: T, b: T): T {
  const entries = Object.entries(a).map(([key, { count, ns }]) => {
    const other = b[key] ?? none;
    return [key, { count: count + other.count, ns: ns + other.ns }] as const;
  });
  return { ...a, ...Object.fromEntries(entries) };
}
