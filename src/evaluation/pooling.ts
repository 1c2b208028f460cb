// Predictions of members made one, in float64, weights w of sum 1:
//   probability  p = Σ w p_m                        logit  p = softmax(Σ w ln p_m), of several labels σ(Σ w logit p_m)
//   vote         p = Σ w onehot(argmax p_m), of several labels Σ w (p_m ≥ ½)
//   rank         p ∝ Σ w (K − rank), rank 0 for the most probable class, equals in the order of classes (Borda's count)
// Pooled logits are ln p (of several labels logit p), with p ≥ 2^-126 and 1 − p ≥ 2^-25 as everywhere.

import { errors } from './errors.js';
import { smallestProbability } from './likelihood.js';
import { checkSizes } from './member-predictions.js';
import { argmax } from './predictions.js';

/** How predictions are made one. */
export type PoolingRule = 'probability' | 'logit' | 'vote' | 'rank';

export interface PoolingOptions {
  /** Classes K, the columns of each member. */
  readonly classes: number;
  /** @default 'probability' */
  readonly rule?: PoolingRule;
  /** One a member, not negative, not all 0; they are divided by their sum. @default all equal */
  readonly weights?: ArrayLike<number>;
  /** @default 'single' */
  readonly task?: 'single' | 'multi-label';
}

/** Pooled predictions, [pictures, classes] each. */
export interface Pooled {
  readonly probabilities: Float32Array;
  /** ln p; of several labels ln p/(1 − p). What a temperature divides. */
  readonly logits: Float32Array;
}

/**
 * Pools what members say of the same pictures.
 *
 * @param members probabilities [pictures, classes] of each
 * @throws `EVALUATION_MEMBERS` where sizes differ or nobody is there, `EVALUATION_OPTION` for weights or rules that do
 *   not go, `EVALUATION_NOT_FINITE`
 * @example
 * pool([Float32Array.of(0.8, 0.2), Float32Array.of(0.4, 0.6)], { classes: 2 }).probabilities // [0.6, 0.4]
 */
export function pool(members: readonly Float32Array[], options: PoolingOptions): Pooled {
  const { classes: K, rule = 'probability', task = 'single' } = options;
  const count = checkSizes(members, K, m => `member ${m + 1}`);
  const weights = normalizedWeights(members.length, options.weights);
  const multi = task === 'multi-label';
  if (!isRule(rule)) throw errors.OPTION({ option: 'rule', found: rule, wanted: 'probability, logit, vote or rank' });
  if (multi && rule === 'rank')
    throw errors.OPTION({ option: 'rule', found: rule, wanted: 'probability, logit or vote for several labels' });
  const add = adders[rule](K, multi);
  const probabilities = new Float32Array(count * K);
  const logits = new Float32Array(count * K);
  const sum = new Float64Array(K);
  for (let row = 0; row < count; row++) {
    sum.fill(0);
    for (const [m, values] of members.entries()) {
      for (let k = 0; k < K; k++) {
        const found = values[row * K + k]!;
        if (!Number.isFinite(found)) throw errors.NOT_FINITE({ row, label: `class ${k} of member ${m + 1}`, found });
      }
      if (weights[m]! > 0) add(sum, values, row * K, weights[m]!);
    }
    if (rule === 'logit') finish(sum, multi);
    if (rule === 'rank') normalize(sum);
    for (let k = 0; k < K; k++) {
      probabilities[row * K + k] = sum[k]!;
      logits[row * K + k] = multi ? logitOf(sum[k]!) : logOf(sum[k]!);
    }
  }
  return { probabilities, logits };
}

/** Weights of sum 1: those given, or all equal. */
export function normalizedWeights(count: number, weights?: ArrayLike<number>): Float64Array {
  if (!weights) return new Float64Array(count).fill(1 / count);
  if (weights.length !== count)
    throw errors.OPTION({ option: 'weights', found: `${weights.length} numbers`, wanted: `one for each of ${count}` });
  const values = Float64Array.from(weights);
  const sum = values.reduce((a, b) => a + b, 0);
  if (!values.every(w => w >= 0) || !(sum > 0 && sum < Infinity))
    throw errors.OPTION({ option: 'weights', found: `[${values.join(', ')}]`, wanted: 'none below 0, some above' });
  return values.map(w => w / sum);
}

/** Adds one member's row at `start` to the sum. */
type Adder = (sum: Float64Array, values: Float32Array, start: number, weight: number) => void;

const adders: Readonly<Record<PoolingRule, (K: number, multi: boolean) => Adder>> = {
  probability: K => (sum, values, start, weight) => {
    for (let k = 0; k < K; k++) sum[k]! += weight * values[start + k]!;
  },
  logit: (K, multi) => (sum, values, start, weight) => {
    for (let k = 0; k < K; k++) sum[k]! += weight * (multi ? logitOf : logOf)(values[start + k]!);
  },
  vote: (K, multi) => (sum, values, start, weight) => {
    if (multi) for (let k = 0; k < K; k++) sum[k]! += values[start + k]! >= 0.5 ? weight : 0;
    else sum[argmax(values, start / K, K)]! += weight;
  },
  rank: K => {
    const order = Array.from({ length: K }, (_, k) => k);
    return (sum, values, start, weight) => {
      order.sort((a, b) => values[start + b]! - values[start + a]! || a - b);
      for (const [rank, k] of order.entries()) sum[k]! += weight * (K - rank);
    };
  },
};
const isRule = (rule: string): rule is PoolingRule => Object.hasOwn(adders, rule);

/** ln p, clamped. */
const logOf = (p: number): number => Math.log(Math.max(p, smallestProbability));
/** ln p/(1 − p), clamped. */
const logitOf = (p: number): number => logOf(p) - Math.log(Math.max(1 - p, 2 ** -25));

/** Softmax or sigmoid, in place. */
function finish(z: Float64Array, multi: boolean): void {
  if (multi) {
    for (let k = 0; k < z.length; k++) z[k] = 1 / (1 + Math.exp(-z[k]!));
    return;
  }
  const most = z.reduce((a, b) => Math.max(a, b), -Infinity);
  for (let k = 0; k < z.length; k++) z[k] = Math.exp(z[k]! - most);
  normalize(z);
}

function normalize(p: Float64Array): void {
  const sum = p.reduce((a, b) => a + b, 0);
  for (let k = 0; k < p.length; k++) p[k]! /= sum;
}
