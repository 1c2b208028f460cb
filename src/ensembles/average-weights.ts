// Weights of several networks as one: w = Σ sᵢ wᵢ / Σ sᵢ, in float64 (Izmailov 2018, Wortsman 2022). Only floats are
// averaged. Everything else must be equal, but for counters (one whole number, as num_batches_tracked), of which the
// furthest counts. A tensor that some lack is refused: averaged over those that have it, it would be another network.

import type { Tensor } from '../base/index.js';
import { withGraph, type Graph, type Model } from '../graph/index.js';
import { inspectModel, trainableWeights, wiringOf } from '../inspect/index.js';
import { constantsToInitializers, inlineFunctions } from '../passes/index.js';
import { batchStatistics } from './batch-statistics.js';
import { errors } from './errors.js';
import { mixSets, type TakenTensor, type WeightSet, type WeightsFault } from './mix-sets.js';
import type { Shares } from './mix-tensors.js';
import { sameStructure } from './same-structure.js';

export interface AverageWeightsOptions {
  /** How much each counts, at least 0; of any sum. @default all alike */
  readonly shares?: readonly number[];
  /** The network that reads the weights, so that statistics of BatchNormalization are recognised. */
  readonly graph?: Graph;
}

/** Averaged weights, and what became of those that are no weights. */
export interface AveragedWeights {
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Floats that differed and were averaged. */
  readonly averaged: readonly string[];
  /**
   * Layers of BatchNormalization whose stored statistics differed: the average of theirs is not the statistics of the
   * average, they should be estimated anew. Layers that all have the same were frozen, and stay as they are.
   */
  readonly statistics: readonly string[];
  readonly taken: readonly TakenTensor[];
}

/**
 * The mean of weight sets of the same names, types and shapes. What is equal in all stays as it is, bit for bit; the
 * order of the sets does not matter.
 *
 * @throws ENSEMBLE_WEIGHTS naming the tensor; ENSEMBLE_SHARES
 * @example
 * const { weights } = averageWeights(checkpoints.map(({ weights }) => weights));
 */
export function averageWeights(sets: readonly WeightSet[], options: AverageWeightsOptions = {}): AveragedWeights {
  const shares = sharesOf(sets.length, options.shares);
  const found = options.graph ? batchStatistics(options.graph) : [];
  const variances = new Set(found.map(({ variance }) => variance));
  const mixed = unlessFault(mixSets(sets, shares, { variances, areNamed: true }));
  return { ...mixed, statistics: movedLayers(found, mixed.averaged) };
}

export interface AverageModelsOptions {
  readonly shares?: readonly number[];
  /**
   * What the networks are compared and averaged for; what stands behind other outputs, as a temperature behind the
   * logits, is that of the last model. @default all outputs
   */
  readonly outputs?: readonly string[];
  /** Float constants that are averaged though they do not look like weights, as a learnt factor of one number. */
  readonly also?: readonly string[];
}

/** A network of averaged weights. */
export interface AveragedModel extends Omit<AveragedWeights, 'weights'> {
  readonly model: Model;
}

/**
 * The network whose weights are the mean of those of several, which must be the same network in all but its weights.
 *
 * @throws ENSEMBLE_WEIGHTS, see {@link whyNotAveraged}; ENSEMBLE_SHARES
 * @example
 * const { model, statistics } = averageModels([first, second], { outputs: ['logits'] });
 */
export function averageModels(models: readonly Model[], options: AverageModelsOptions = {}): AveragedModel {
  return unlessFault(mixPrepared(models, sharesOf(models.length, options.shares), options));
}

/**
 * A point of the line through two networks, the plane through three, and so on: Σ cᵢ wᵢ.
 *
 * @param coefficients of sum 1; below 0 or above 1 it lies beyond the networks
 * @throws ENSEMBLE_WEIGHTS, ENSEMBLE_SHARES
 * @example
 * const middle = mixModels([from, to], [0.5, 0.5]);
 */
export function mixModels(
  models: readonly Model[],
  coefficients: readonly number[],
  options: Omit<AverageModelsOptions, 'shares'> = {},
): AveragedModel {
  const sum = coefficients.reduce((a, b) => a + b, 0);
  if (coefficients.length !== models.length || !(Math.abs(sum - 1) < 1e-9))
    throw errors.SHARES({ found: coefficients, wanted: `${models.length} numbers of sum 1` });
  return unlessFault(mixPrepared(models, { shares: coefficients, divisor: 1 }, options));
}

/** The point of the line from one network to another: `from` at 0, `to` at 1. See {@link mixModels}. */
export const line = (from: Model, to: Model, t: number, options: Omit<AverageModelsOptions, 'shares'> = {}) =>
  mixModels([from, to], [1 - t, t], options);

/**
 * Why networks cannot be averaged: another operator, attribute or wiring, names, types or shapes of weights, constants
 * that are no weights and differ, weights that are not finite.
 *
 * @returns nothing where they can
 */
export function whyNotAveraged(
  models: readonly Model[],
  options: Omit<AverageModelsOptions, 'shares'> = {},
): WeightsFault | undefined {
  const found = mixPrepared(models, { shares: models.map(() => 1), divisor: models.length }, options, { dry: true });
  return 'reason' in found ? found : undefined;
}

/** The same network without functions and Constant nodes: its weights are initializers. */
const prepared = (model: Model): Model =>
  constantsToInitializers(model.functions.length > 0 ? inlineFunctions(model) : model);

function mixPrepared(
  given: readonly Model[],
  shares: Shares,
  { outputs, also = [] }: AverageModelsOptions,
  { dry = false }: { readonly dry?: boolean } = {},
): AveragedModel | WeightsFault {
  if (given.length === 0) throw errors.SHARES({ found: [], wanted: 'one network or more' });
  const models = given.map(prepared);
  const newest = models.at(-1)!;
  let read: ReadonlySet<string> = new Set();
  for (const [member, model] of models.entries()) {
    const opset = differentOpset(models[0]!, model);
    if (opset) return { ...opset, member };
    const same = sameStructure(models[0]!.graph, model.graph, outputs);
    if ('reason' in same) return { ...same, member };
    read = same.weights;
  }
  const sets = models.map(({ graph }) => new Map([...read].map(name => [name, graph.initializers.get(name)!])));
  const statistics = batchStatistics(newest.graph);
  const variances = new Set(statistics.map(({ variance }) => variance));
  let trains: ReadonlySet<string> | undefined;
  const isWeight = (name: string): boolean => {
    trains ??= new Set([
      ...trainableWeights(wiringOf(newest.graph, inspectModel(newest).facts)).map(weight => weight.name),
      ...statistics.flatMap(({ mean, variance }) => [mean, variance]),
      ...also,
    ]);
    return trains.has(name);
  };
  const mixed = mixSets(sets, shares, { variances, areNamed: false, isWeight, dry });
  if ('reason' in mixed) return mixed;
  const { weights, averaged, taken } = mixed;
  const initializers = new Map([...newest.graph.initializers, ...weights]);
  return {
    model: withGraph(newest, { ...newest.graph, initializers }),
    averaged,
    taken,
    statistics: movedLayers(statistics, averaged),
  };
}

function differentOpset(a: Model, b: Model): Omit<WeightsFault, 'member'> | undefined {
  for (const [domain, version] of a.opsets) {
    const other = b.opsets.get(domain);
    if (other !== undefined && other !== version)
      return { name: domain || 'ai.onnx', reason: `is opset ${version} in one and ${other} in the other` };
  }
  return undefined;
}

/** The layers of which a statistic was averaged. */
function movedLayers(
  statistics: readonly { readonly layer: string; readonly mean: string; readonly variance: string }[],
  averaged: readonly string[],
): string[] {
  const moved = new Set(averaged);
  return statistics.flatMap(({ layer, mean, variance }) => (moved.has(mean) || moved.has(variance) ? [layer] : []));
}

function sharesOf(count: number, shares: readonly number[] = Array.from({ length: count }, () => 1)): Shares {
  const divisor = shares.reduce((a, b) => a + b, 0);
  if (
    count === 0 ||
    shares.length !== count ||
    !shares.every(share => share >= 0) ||
    !(divisor > 0 && divisor < Infinity)
  )
    throw errors.SHARES({ found: shares, wanted: `${Math.max(1, count)} numbers of at least 0, not all 0` });
  return { shares, divisor };
}

function unlessFault<T extends object>(found: T | WeightsFault): T {
  if ('reason' in found && 'member' in found) throw errors.WEIGHTS(found);
  return found;
}
