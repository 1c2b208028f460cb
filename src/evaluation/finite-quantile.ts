// The quantile that keeps its promise for the next value: of n values drawn alike, the next one lies among the k smallest
// with the chance k / (n + 1), ties on the safe side (Vovk 2005), so that k = ⌈(n + 1) · share⌉.

import { errors } from './errors.js';

/** A quantile of few values. */
export interface FiniteQuantile {
  /** Undefined where there are fewer values than `needed`. */
  readonly value: number | undefined;
  /** k: the value is the k-th smallest. */
  readonly rank: number;
  /** Fewest values that have such a quantile. */
  readonly needed: number;
}

/**
 * The ⌈(n + 1) · share⌉-th smallest of n values: the next value drawn as these were is not above it with at least the
 * chance `share`.
 *
 * @param option what the share is called, for whoever gave it
 */
export function finiteQuantile(values: Float64Array | Float32Array, share: number, option: string): FiniteQuantile {
  if (!(share > 0 && share < 1)) throw errors.OPTION({ option, found: share, wanted: 'above 0 and below 1' });
  // 0.9 · 10 and the like must not be lifted over a whole number by rounding
  const up = (x: number) => Math.ceil(x - 1e-9 * Math.max(1, x));
  const rank = Math.max(1, up((values.length + 1) * share));
  return { value: values.slice().sort()[rank - 1], rank, needed: Math.max(1, up(share / (1 - share))) };
}
