// Negative log-likelihood, from probabilities and (stable, by log-sum-exp) from logits; natural logarithm, mean over
// pictures. A probability below 2^-126 counts as 2^-126 (the smallest normal float32), so that one sure mistake costs
// at most 87.34 and never makes the mean infinite; a logit of −∞ (the log of a probability 0) counts as that far
// below its row's largest. Several labels: the sum of the binary cross-entropies of a picture's labels, where 1 − p
// counts as at least 2^-25, because a float32 p above 1 − 2^-25 is stored as 1.

import { errors } from './errors.js';
import { checkTruth, isMultiLabel, type Labels, type Targets } from './predictions.js';

/** The smallest probability that a loss is computed from: 2^-126. */
export const smallestProbability = 2 ** -126;

/** −ln p, clamped as the top of this file says. */
export const surprise = (probability: number): number =>
  0 - Math.log(Math.min(1, Math.max(probability, smallestProbability)));

/** −ln(1 − p): what a label costs that does not hold, clamped as the top of this file says. */
export const surpriseOfNot = (probability: number): number =>
  0 - Math.log(Math.min(1, Math.max(1 - probability, 2 ** -25)));

/** Logits [pictures, classes] with the truth of each picture. */
export type Logits = { readonly logits: Float32Array; readonly classes: readonly string[] } & (Labels | Targets);

/** Checks logits and their truth; returns the logits as `checkedScores` does. */
export function checkedLogits(at: Logits): { z: Float64Array; count: number } {
  const count = checkTruth(at.logits.length, at);
  return { z: checkedScores(at.logits, at.classes, isMultiLabel(at) ? 'multi-label' : 'single'), count };
}

/** Checks logits [rows, classes] and returns them as float64, −∞ lifted; throws EVALUATION_NOT_FINITE for NaN and +∞. */
export function checkedScores(
  logits: Float32Array,
  classes: readonly string[],
  task: 'single' | 'multi-label',
): Float64Array {
  const K = classes.length;
  checkRows(logits, K);
  const z = Float64Array.from(logits);
  for (let row = 0; row < z.length / K; row++) {
    let most = task === 'multi-label' ? 0 : -Infinity;
    for (let k = 0; k < K; k++) {
      const found = z[row * K + k]!;
      if (Number.isNaN(found) || found === Infinity) throw errors.NOT_FINITE({ row, label: classes[k]!, found });
      most = Math.max(most, found);
    }
    if (most === -Infinity) throw errors.NOT_FINITE({ row, label: classes[0]!, found: most });
    const least = most + Math.log(smallestProbability);
    for (let k = 0; k < K; k++) if (z[row * K + k] === -Infinity) z[row * K + k] = least;
  }
  return z;
}

/** Throws EVALUATION_SHAPE unless `scores` are whole rows of K classes. */
export function checkRows(scores: ArrayLike<number>, K: number): void {
  if (K === 0 || scores.length % K !== 0)
    throw errors.SHAPE({
      what: `numbers for ${K} classes`,
      found: scores.length,
      wanted: K * Math.ceil(scores.length / (K || 1)),
    });
}

/** ln Σ exp of one row of `values`, scaled by `scale`; never overflows. */
export function logSumExp(values: ArrayLike<number>, row: number, columns: number, scale = 1): number {
  let most = -Infinity;
  for (let k = 0; k < columns; k++) most = Math.max(most, scale * values[row * columns + k]!);
  if (most === -Infinity) return most;
  let sum = 0;
  for (let k = 0; k < columns; k++) sum += Math.exp(scale * values[row * columns + k]! - most);
  return most + Math.log(sum);
}

/** 1 / (1 + exp −x); never overflows. */
export const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

/** ln(1 + exp x); never overflows. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/**
 * Mean negative log-likelihood of the truth under logits divided by `temperature`; no clamp but for logits of −∞.
 *
 * @example negativeLogLikelihood({logits: Float32Array.of(0, 0), labels: [1], classes: ['ants', 'bees']}) // ln 2
 */
export function negativeLogLikelihood(at: Logits, temperature = 1): number {
  if (!(temperature > 0)) throw errors.OPTION({ option: 'temperature', found: temperature, wanted: 'more than 0' });
  const { z, count } = checkedLogits(at);
  if (count === 0) throw errors.EMPTY({ split: 'the logits' });
  const K = at.classes.length;
  const scale = 1 / temperature;
  let sum = 0;
  if (isMultiLabel(at))
    for (let i = 0; i < z.length; i++) sum += softplus(at.targets[i] ? -scale * z[i]! : scale * z[i]!);
  else for (let row = 0; row < count; row++) sum += logSumExp(z, row, K, scale) - scale * z[row * K + at.labels[row]!]!;
  return sum / count;
}
