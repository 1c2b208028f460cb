// Polyak averages of the weights. The graph computes average ← average + w_t · (weights − average); with h the half-life
// in steps the weights of the new values are
//   w_t = max(1 / t, 1 − 2^(−1 / h))        t = 1, 2, …
// The average starts as the running mean, so that no share of the initial weights is left in it, and forgets by half
// every h steps once 1 / t has fallen below.

import { errors } from './errors.js';

/**
 * The weight of the new value in the average.
 *
 * @param step number of the step, from 1 on
 */
export type Averaging = (step: number) => number;

/**
 * A Polyak average given by its half-life.
 *
 * @param halfLife epochs after which a step weighs half, above 0; 1 is a good one
 * @param stepsPerEpoch steps of one epoch
 * @example
 * const weightOf = polyak(1, 62);
 * weightOf(1); // 1
 */
export function polyak(halfLife: number, stepsPerEpoch: number): Averaging {
  if (!(halfLife > 0)) throw errors.OPTION({ option: 'halfLife', found: halfLife, wanted: 'a number above 0' });
  const steady = -Math.expm1(-Math.LN2 / (halfLife * stepsPerEpoch));
  return step => Math.max(1 / step, steady);
}
