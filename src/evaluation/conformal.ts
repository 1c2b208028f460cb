// Prediction sets that hold the true class with a chosen coverage, whatever the network (split conformal prediction,
// Vovk 2005): a score s of each picture of known class, larger where the network is further off; the threshold is the
// ⌈(n + 1) · coverage⌉-th smallest of n, and a new picture drawn as these were is covered with at least that chance.
//   threshold  s = 1 − p_y: sets of all classes with p ≥ 1 − threshold (Sadinle 2019); the smallest sets on average
//   adaptive   s = mass of the classes more probable than y: a class is in where that mass is below the threshold, which lies
//              one float32 above the quantile (Romano 2020's sets without its draw; Gupta 2022's score of nested sets, exact
//              where Romano's, which counts y too, takes in a class more and covers too much); larger sets for harder pictures
// The most probable class is always in: a network that is right more often than asked covers more, by sets of one class.
// Masses add up in float32, most probable first, as a graph's CumSum adds them.

import { errors } from './errors.js';
import { finiteQuantile } from './finite-quantile.js';
import { argmax, checkPredictions, type SingleLabel } from './predictions.js';

/** Which classes are in a set; see the top of conformal.ts. A threshold of 2 (adaptive) or 1 takes all classes in. */
export interface PredictionSetRule {
  readonly kind: 'threshold' | 'adaptive';
  readonly coverage: number;
  readonly threshold: number;
}

export interface PredictionSetOptions {
  /** @default 'threshold' */
  readonly kind?: PredictionSetRule['kind'];
  /** Share of the pictures whose set is to hold the true class, above 0 and below 1. @default 0.9 */
  readonly coverage?: number;
}

/** A fitted rule and whether there were pictures enough for its promise. */
export interface FittedPredictionSets {
  readonly rule: PredictionSetRule;
  /** Pictures that it was fitted to. */
  readonly count: number;
  /** Fewest pictures that allow a smaller set than all classes. */
  readonly needed: number;
  /** `count` is below `needed`: the promise holds by every set being all classes. */
  readonly whole: boolean;
}

const defaults = { kind: 'threshold', coverage: 0.9 } as const;

/**
 * Fits prediction sets to calibrated probabilities and labels. The promise needs pictures that nothing else was fitted
 * to; cross-fitted probabilities (`crossFitted`) keep it all but exactly.
 * Throws EVALUATION_EMPTY, EVALUATION_OPTION, and what predictions are refused for.
 *
 * @example
 * const { rule } = fitPredictionSets({ probabilities, labels, classes }, { kind: 'adaptive', coverage: 0.95 });
 * const sets = predictionSets(probabilities, classes.length, rule);
 */
export function fitPredictionSets(at: SingleLabel, options: PredictionSetOptions = {}): FittedPredictionSets {
  const { kind, coverage } = { ...defaults, ...options };
  const count = checkPredictions(at);
  if (count === 0) throw errors.EMPTY({ split: 'the predictions' });
  if (!isKind(kind)) throw errors.OPTION({ option: 'kind', found: kind, wanted: 'threshold or adaptive' });
  const { probabilities: p, labels } = at;
  const K = at.classes.length;
  const scores = new Float64Array(count);
  if (kind === 'threshold') for (let row = 0; row < count; row++) scores[row] = distance(p[row * K + labels[row]!]!);
  else
    eachByMass(p, K, (row, k, before) => {
      if (k === labels[row]) scores[row] = nextAbove(before);
    });
  const { value, needed } = finiteQuantile(scores, coverage, 'coverage');
  const rule = { kind, coverage, threshold: value ?? everything[kind] };
  return { rule, count, needed, whole: value === undefined };
}

/**
 * Sets of classes: [pictures, K], 1 where the class is in.
 * Throws EVALUATION_SHAPE, EVALUATION_OPTION.
 *
 * @example predictionSets(Float32Array.of(0.7, 0.2, 0.1), 3, { kind: 'threshold', coverage: 0.9, threshold: 0.85 }) // [1, 1, 0]
 */
export function predictionSets(probabilities: Float32Array, K: number, rule: PredictionSetRule): Uint8Array {
  if (!Number.isInteger(K) || K < 1 || probabilities.length % K !== 0)
    throw errors.SHAPE({ what: `numbers for ${K} classes`, found: probabilities.length, wanted: K });
  if (!isKind(rule.kind)) throw errors.OPTION({ option: 'kind', found: rule.kind, wanted: 'threshold or adaptive' });
  if (Number.isNaN(rule.threshold))
    throw errors.OPTION({ option: 'threshold', found: rule.threshold, wanted: 'a number' });
  const sets = new Uint8Array(probabilities.length);
  for (let row = 0; row < sets.length / K; row++) sets[row * K + argmax(probabilities, row, K)] = 1;
  if (rule.kind === 'threshold') {
    for (let i = 0; i < sets.length; i++) if (probabilities[i]! >= 1 - rule.threshold) sets[i] = 1;
    return sets;
  }
  const most = Math.fround(rule.threshold);
  eachByMass(probabilities, K, (row, k, before) => {
    if (before < most) sets[row * K + k] = 1;
  });
  return sets;
}

/** What takes all classes in; masses of float32 may add up to a little more than 1. */
const everything = { threshold: 1, adaptive: 2 } as const;
const isKind = (kind: string): kind is PredictionSetRule['kind'] => Object.hasOwn(everything, kind);

/** 1 − p, rounded up where p is too small for it, so that p ≥ 1 − (1 − p) holds. */
function distance(p: number): number {
  const rounded = 1 - p;
  return 1 - rounded > p ? rounded + 2 ** -53 : rounded;
}

/** The next float32 above a mass; 0 stays, because what is most probable is in without it. */
function nextAbove(mass: number): number {
  if (mass === 0) return 0;
  const bits = new Uint32Array(Float32Array.of(mass).buffer);
  bits[0]!++;
  return new Float32Array(bits.buffer)[0]!;
}

/** Calls for each class of each row, most probable first, the first of equals first, with the mass before it. */
function eachByMass(p: Float32Array, K: number, look: (row: number, k: number, before: number) => void): void {
  const order = Array.from({ length: K }, (_, k) => k);
  for (let row = 0; row < p.length / K; row++) {
    order.sort((a, b) => p[row * K + b]! - p[row * K + a]! || a - b);
    let before = 0;
    for (const k of order) {
      look(row, k, before);
      before = Math.fround(before + p[row * K + k]!);
    }
  }
}
