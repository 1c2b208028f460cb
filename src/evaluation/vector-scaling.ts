// Vector scaling (Guo 2017): softmax(z ∘ scale + shift), sigmoid of several labels, one scale and one shift a class.
// It starts from temperature scaling, u = z / T, and lets classes differ no further than the pictures carry: with m the
// mean of u over pictures, one scale 1 + e for all classes about it,
//   z' = u + (e + d) ∘ (u − m) + b,   minimise  mean −Σ t ln p(z') + (strength / 2n) (Σ (d² + b²) + e² / 1000),   n pictures
// so scale = (1 + e + d) / T, shift = b − (e + d) ∘ m. Targets t are smoothed as temperature.ts smooths them. The penalty makes
// the loss strictly convex: a class without pictures, or sets that are all right, have a finite minimum.

import { errors } from './errors.js';
import { checkedLogits, type Logits } from './likelihood.js';
import { newton, type ConvexPoint } from './newton.js';
import { isMultiLabel } from './predictions.js';
import { fitTemperature } from './temperature.js';

export interface VectorOptions {
  /** How strongly scale and shift are drawn to the temperature; an L2 penalty beside the summed loss. Above 0. @default 10 */
  readonly strength?: number;
  /** Share of the target spread over all classes, 0 … 1. @default 1 / 2(n + 1), n pictures */
  readonly smoothing?: number;
}

/** Probabilities are softmax(logits ∘ scale + shift), sigmoid of several labels. */
export interface VectorScaling {
  readonly kind: 'vector';
  readonly scale: readonly number[];
  readonly shift: readonly number[];
}

/**
 * Fits one scale and one shift a class to logits [pictures, classes] and their truth, until no element of the gradient
 * is larger than 1e-8.
 * Throws EVALUATION_EMPTY without pictures, EVALUATION_NOT_FINITE for NaN, EVALUATION_OPTION.
 *
 * @example
 * const { scale, shift } = fitVector({ logits, labels, classes });
 */
export function fitVector(at: Logits, options: VectorOptions = {}): VectorScaling {
  const { z: u, count } = checkedLogits(at);
  if (count === 0) throw errors.EMPTY({ split: 'the validation logits' });
  const { strength = 10, smoothing = 1 / (2 * (count + 1)) } = options;
  if (!(strength > 0 && strength < Infinity))
    throw errors.OPTION({ option: 'strength', found: strength, wanted: 'more than 0' });
  const K = at.classes.length;
  const { temperature } = fitTemperature(at, { smoothing });
  for (let i = 0; i < u.length; i++) u[i]! /= temperature;
  const middle = new Float64Array(K);
  for (let i = 0; i < u.length; i++) middle[i % K]! += u[i]! / count;
  const x = newton(objective(at, u, middle, strength / count, smoothing), new Float64Array(2 * K + 1));
  const stretch = Array.from(middle, (_, k) => x[2 * K]! + x[k]!);
  return {
    kind: 'vector',
    scale: stretch.map(one => (1 + one) / temperature),
    shift: Array.from(middle, (m, k) => x[K + k]! - stretch[k]! * m),
  };
}

/** The loss as a function of x = [d, b, e]. */
function objective(
  at: Logits,
  u: Float64Array,
  middle: Float64Array,
  ridge: number,
  smoothing: number,
): (x: Float64Array) => ConvexPoint {
  const K = middle.length;
  const count = u.length / K;
  const ridges = Float64Array.from({ length: 2 * K + 1 }, (_, i) => (i < 2 * K ? ridge : ridge / 1000));
  const several = isMultiLabel(at);
  const [high, low] = [1 - smoothing, several ? smoothing / 2 : smoothing / K];
  const holds = several
    ? (row: number, k: number) => at.targets[row * K + k]!
    : (row: number, k: number) => Number(at.labels[row] === k);
  return x => {
    const p = new Float64Array(u.length);
    const gradient = x.map((one, i) => ridges[i]! * one);
    const diagonal = ridges.slice();
    let value = x.reduce((sum, one, i) => sum + (ridges[i]! / 2) * one * one, 0);
    for (let row = 0; row < count; row++) {
      let most = -Infinity;
      for (let k = 0; k < K; k++) {
        const i = row * K + k;
        p[i] = u[i]! + (x[2 * K]! + x[k]!) * (u[i]! - middle[k]!) + x[K + k]!;
        most = Math.max(most, p[i]);
      }
      let sum = 0;
      if (!several) for (let k = 0; k < K; k++) sum += Math.exp(p[row * K + k]! - most);
      for (let k = 0; k < K; k++) {
        const i = row * K + k;
        const score = p[i]!;
        const target = high * holds(row, k) + low;
        const log = several ? Math.max(score, 0) + Math.log1p(Math.exp(-Math.abs(score))) : most + Math.log(sum);
        p[i] = several ? 1 / (1 + Math.exp(-score)) : Math.exp(score - most) / sum;
        value += (several ? log - target * score : target * (log - score)) / count;
        const off = u[i]! - middle[k]!;
        const slope = (p[i] - target) / count;
        gradient[k]! += slope * off;
        gradient[K + k]! += slope;
        gradient[2 * K]! += slope * off;
        const bend = (p[i] * (1 - p[i])) / count;
        diagonal[k]! += bend * off * off;
        diagonal[K + k]! += bend;
        diagonal[2 * K]! += bend * off * off;
      }
    }
    return { value, gradient, times: v => curvature(p, v), diagonal };
  };

  /** The second derivative at probabilities `p`, times a vector. */
  function curvature(p: Float64Array, v: Float64Array): Float64Array {
    const product = v.map((one, i) => ridges[i]! * one);
    const change = new Float64Array(K);
    for (let row = 0; row < count; row++) {
      let mean = 0;
      for (let k = 0; k < K; k++) {
        const i = row * K + k;
        change[k] = (v[2 * K]! + v[k]!) * (u[i]! - middle[k]!) + v[K + k]!;
        mean += p[i]! * change[k]!;
      }
      for (let k = 0; k < K; k++) {
        const i = row * K + k;
        const moved = (p[i]! * (several ? (1 - p[i]!) * change[k]! : change[k]! - mean)) / count;
        product[k]! += moved * (u[i]! - middle[k]!);
        product[K + k]! += moved;
        product[2 * K]! += moved * (u[i]! - middle[k]!);
      }
    }
    return product;
  }
}
