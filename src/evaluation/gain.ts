// What each further member brings: the mean probability of the first 1, 2, … members beside the best single one, all
// sizes on the same drawings. Of many members, sizes grow by about a third: 1, 2, 3, 4, 5, 7, 9, 12, 16, …

import { pairedDifferences, type BootstrapOptions, type PairedDifference } from './bootstrap.js';
import { errors } from './errors.js';
import type { MetricName } from './metrics.js';
import type { Predictions } from './predictions.js';

/** An ensemble of so many members beside the best single one. */
export interface GainPoint {
  readonly members: number;
  /** The ensemble first, the single member second. */
  readonly difference: PairedDifference;
}

/**
 * The gain of averaging the first 1, 2, … members, in the order given: the best first, or as they were made.
 * Throws EVALUATION_EMPTY without members, and what `pairedDifference` throws.
 *
 * @param single what each size is compared with: the best single member
 * @example gainBySize(members, best).map(({members, difference}) => [members, difference.difference]) // [1, 0], [2, −0.04], …
 */
export function gainBySize(
  members: readonly Predictions[],
  single: Predictions,
  metric: MetricName = 'negativeLogLikelihood',
  options: BootstrapOptions = {},
): GainPoint[] {
  const first = members[0];
  if (!first) throw errors.EMPTY({ split: 'the members' });
  const sum = new Float64Array(first.probabilities.length);
  const sizes = sizesUpTo(members.length);
  const pools: Predictions[] = [];
  members.forEach(({ probabilities }, m) => {
    if (probabilities.length !== sum.length)
      throw errors.SHAPE({ what: `numbers of member ${m}`, found: probabilities.length, wanted: sum.length });
    probabilities.forEach((p, i) => (sum[i]! += p));
    if (sizes.has(m + 1)) pools.push({ ...first, probabilities: Float32Array.from(sum, p => p / (m + 1)) });
  });
  const differences = pairedDifferences(pools, single, [metric], options);
  return [...sizes].map((size, i) => ({ members: size, difference: differences[i]![0]! }));
}

function sizesUpTo(count: number): Set<number> {
  const sizes = new Set<number>();
  for (let size = 1; size < count; size = Math.max(size + 1, Math.round(size * 1.35))) sizes.add(size);
  return sizes.add(count);
}
