// SWAG (Maddox et al. 2019): a normal distribution around the mean of weights collected along a run,
//   w = mean + √scale · ( √variance · z₁ / √2  +  D z₂ / √(2 (K − 1)) ),   z standard normal,
// of the running mean and variance of all n sets and D, the last K ≤ 20 deviations, each from the mean of its time.
// The variance is computed by Welford's update in float64, so it is never below 0 and needs no clamp; `clamp` is there
// for those who want torch-uncertainty's 1e-6, which moves weights that never moved.

import type { Random, Tensor } from '../base/index.js';
import type { Graph } from '../graph/index.js';
import { averageWeights } from './average-weights.js';
import { batchStatistics } from './batch-statistics.js';
import { errors } from './errors.js';
import type { WeightSet } from './mix-sets.js';
import { floatTensor, isEqualTensor, isMixed, numbersOf } from './mix-tensors.js';

/** What was collected of a tensor that moved. */
export interface SwagTensor {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** The newest last. */
  readonly deviations: readonly Float32Array[];
}

/** A distribution of weights. */
export interface Swag {
  /** The mean, of every tensor; what {@link averageWeights} gives. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Of those that moved. */
  readonly moved: ReadonlyMap<string, SwagTensor>;
  /** Sets that were collected. */
  readonly count: number;
  /** Layers of BatchNormalization whose statistics must be estimated anew for the mean and for each sample. */
  readonly statistics: readonly string[];
}

export interface SwagOptions {
  /** Most deviations that are kept, at least 2. @default 20 */
  readonly rank?: number;
  /** Least variance of what moved. @default 0 */
  readonly clamp?: number;
  /** The network, so that statistics of BatchNormalization are averaged and not drawn. */
  readonly graph?: Graph;
}

/**
 * The distribution of weights collected at the ends of epochs, in their order.
 *
 * @throws ENSEMBLE_WEIGHTS, ENSEMBLE_SHARES, ENSEMBLE_OPTION
 * @example
 * const swag = swagOf(checkpoints.map(({ weights }) => weights));
 * const member = sampleSwag(swag, new Random(1));
 */
export function swagOf(sets: readonly WeightSet[], { rank = 20, clamp = 0, graph }: SwagOptions = {}): Swag {
  if (!(Number.isInteger(rank) && rank >= 2))
    throw errors.OPTION({ option: 'rank', found: rank, wanted: 'a whole number of at least 2' });
  if (!(clamp >= 0)) throw errors.OPTION({ option: 'clamp', found: clamp, wanted: 'at least 0' });
  const { weights, statistics } = averageWeights(sets, graph ? { graph } : {});
  const stored = new Set((graph ? batchStatistics(graph) : []).flatMap(({ mean, variance }) => [mean, variance]));
  const moved = new Map<string, SwagTensor>();
  for (const [name, { type }] of weights) {
    const all = sets.map(set => set.get(name)!);
    if (!isMixed(type) || stored.has(name) || all.every(one => isEqualTensor(one, all[0]!))) continue;
    moved.set(name, collect(all, rank, clamp));
  }
  return { weights, moved, count: sets.length, statistics };
}

/** Mean, population variance and last deviations of a tensor. */
function collect(all: readonly Tensor[], rank: number, clamp: number): SwagTensor {
  const size = numbersOf(all[0]!).length;
  const mean = new Float64Array(size);
  const variance = new Float64Array(size);
  const deviations: Float32Array[] = [];
  all.forEach((one, n) => {
    const x = numbersOf(one);
    const deviation = new Float32Array(size);
    for (let i = 0; i < size; i++) {
      const before = x[i]! - mean[i]!;
      mean[i]! += before / (n + 1);
      const after = x[i]! - mean[i]!;
      variance[i]! += before * after;
      deviation[i] = after;
    }
    deviations.push(deviation);
    if (deviations.length > rank) deviations.shift();
  });
  for (let i = 0; i < size; i++) variance[i] = Math.max(clamp, variance[i]! / all.length);
  return { mean, variance, deviations };
}

export interface SampleSwagOptions {
  /** Of the variance: 0 is the mean, 1 the distribution. @default 1 */
  readonly scale?: number;
}

/** Weights drawn from a distribution; the same random stream gives the same ones. What never moved stays as it is. */
export function sampleSwag({ weights, moved }: Swag, random: Random, { scale = 1 }: SampleSwagOptions = {}): WeightSet {
  if (!(scale >= 0 && scale < Infinity)) throw errors.OPTION({ option: 'scale', found: scale, wanted: 'at least 0' });
  const width = Math.sqrt(scale / 2);
  const columns = random.at('swag', 'columns');
  const [any] = moved.values();
  const rank = any?.deviations.length ?? 0;
  const along = Array.from({ length: rank }, () => columns.normal() / Math.sqrt(Math.max(1, rank - 1)));
  return new Map(
    [...weights].map(([name, held]) => {
      const found = moved.get(name);
      if (!found) return [name, held];
      const { mean, variance, deviations } = found;
      const own = random.at('swag', 'weights', name);
      const drawn = variance.map((v, i) => {
        let step = Math.sqrt(v) * own.normal();
        for (let k = 0; k < rank; k++) step += along[k]! * deviations[k]![i]!;
        return mean[i]! + width * step;
      });
      return [name, floatTensor(held.type, held.shape, drawn)];
    }),
  );
}
