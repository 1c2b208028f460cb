// Stacking (Wolpert 1992): a logistic regression on the members' logits, its strength of regularization chosen by
// cross-validation; the probabilities of each picture by the fit that has not seen it are the honest ones. The penalty
// pulls towards the plain mean of the members, so that few pictures give the mean, and many what they teach.

import { errors } from './errors.js';
import { foldsOf } from './folds.js';
import { sigmoid, surprise, surpriseOfNot } from './likelihood.js';
import { anchorOf, fitLogistic, logitsOf, softmax, type Problem, type StackingForm } from './logistic.js';
import { checkedTruth, checkSizes, type Truth } from './member-predictions.js';
import { isMultiLabel } from './predictions.js';

export interface StackingOptions {
  /** Classes K, the columns of each member. */
  readonly classes: number;
  /**
   * One weight a member and one bias a class, or all K · M · K weights.
   *
   * @default 'full' where there are ten pictures or more for each number that a class then has (M · K + 1), else 'per-member'
   */
  readonly form?: StackingForm;
  /**
   * Strengths λ of the penalty to choose from, above 0. They are tried from the strongest on, until two in a row are
   * worse than the best.
   *
   * @default 100, 10, … 0.0001
   */
  readonly strengths?: readonly number[];
  /** Where the penalty pulls the weights: to the mean of the members, or to 0. @default 'mean' */
  readonly toward?: 'mean' | 'zero';
  /** Parts of the cross-validation, from 2. @default 5 */
  readonly folds?: number;
  /** Of the parts. @default 0 */
  readonly seed?: number;
}

/** A fitted combination: z = W x + b, x the members' logits side by side. */
export interface Stacking {
  readonly form: StackingForm;
  /** [classes, members · classes], row by row. */
  readonly weights: Float32Array;
  /** [classes]. */
  readonly bias: Float32Array;
  /** The strength that was chosen. */
  readonly strength: number;
  /** Probabilities [pictures, classes] of each picture by a fit to the other parts, at the strength chosen. */
  readonly outOfFold: Float32Array;
  /** Of those, and of the pictures that were fitted to (too good). */
  readonly negativeLogLikelihood: { readonly outOfFold: number; readonly fitted: number };
}

const defaults = {
  strengths: [100, 10, 1, 0.1, 0.01, 0.001, 0.0001],
  toward: 'mean',
  folds: 5,
  seed: 0,
} as const;

/**
 * Fits a stacking of members. One number, the strength, is chosen by the parts that also give `outOfFold`; all weights
 * are fitted to the others.
 *
 * @param members logits [pictures, classes] of each, raw
 * @param truth of pictures that the members were not trained on
 * @throws `EVALUATION_MEMBERS`, `EVALUATION_OPTION`, `EVALUATION_LABEL`, `EVALUATION_SHAPE`, `EVALUATION_EMPTY`, and
 *   `EVALUATION_NOT_FINITE` for logits that are no numbers
 * @example
 * const { weights, bias } = fitStacking([logitsA, logitsB], { labels }, { classes: 10 });
 */
export function fitStacking(members: readonly Float32Array[], truth: Truth, options: StackingOptions): Stacking {
  const { classes: K } = options;
  const { strengths, toward, folds, seed } = { ...defaults, ...options };
  const n = checkSizes(members, K, m => `member ${m + 1}`);
  checkedTruth(truth, n, K);
  checkFinite(members, K);
  if (strengths.length === 0 || !strengths.every(strength => strength > 0 && strength < Infinity))
    throw errors.OPTION({ option: 'strengths', found: `[${strengths.join(', ')}]`, wanted: 'numbers above 0' });
  if (!(Number.isInteger(folds) && folds >= 2) || n < 2)
    throw errors.OPTION({ option: 'folds', found: folds, wanted: 'from 2 on, of 2 pictures or more' });
  const form = options.form ?? (n >= 10 * (members.length * K + 1) ? 'full' : 'per-member');
  const problem: Problem = { members, truth, classes: K, form, toward };
  const fold = foldsOf({ ...truth, classes: new Array<string>(K).fill('') }, folds, seed);

  // strong first: each fit begins where the stronger one ended, and what only gets worse is not followed further
  const everything = Array.from({ length: n }, (_, i) => i);
  const parts = Array.from({ length: Math.min(folds, n) }, (_, part) => ({
    rows: everything.filter(i => fold[i] !== part),
    held: everything.filter(i => fold[i] === part),
    at: anchorOf(problem),
  }));
  let best: { strength: number; outOfFold: Float32Array; loss: number } | undefined;
  let worse = 0;
  const path: number[] = [];
  for (const strength of [...new Set(strengths)].sort((a, b) => b - a)) {
    const outOfFold = new Float32Array(n * K);
    for (const part of parts) {
      part.at = fitLogistic(problem, part.rows, strength, part.at, 1e-5);
      predict(problem, part.at, part.held, outOfFold);
    }
    const loss = lossOf(outOfFold, truth, n, K);
    path.push(strength);
    if (!best || loss < best.loss) [best, worse] = [{ strength, outOfFold, loss }, 0];
    else if (++worse === 2) break;
  }
  const { strength, outOfFold, loss } = best!;
  let parameters = anchorOf(problem);
  for (const stronger of path.slice(0, path.indexOf(strength)))
    parameters = fitLogistic(problem, everything, stronger, parameters, 1e-4);
  parameters = fitLogistic(problem, everything, strength, parameters, 1e-7);
  const fitted = predict(problem, parameters, everything, new Float32Array(n * K));
  return {
    form,
    ...matricesOf(problem, parameters),
    strength,
    outOfFold,
    negativeLogLikelihood: { outOfFold: loss, fitted: lossOf(fitted, truth, n, K) },
  };
}

/**
 * What a stacking makes of members' logits: pooled logits z and probabilities, [pictures, classes] each. For stored
 * logits; a bundle has its stacking in the graph.
 */
export function applyStacking(
  members: readonly Float32Array[],
  { weights, bias }: Pick<Stacking, 'weights' | 'bias'>,
  task: 'single' | 'multi-label' = 'single',
): { readonly probabilities: Float32Array; readonly logits: Float32Array } {
  const K = bias.length;
  const n = checkSizes(members, K, m => `member ${m + 1}`);
  if (weights.length !== K * members.length * K)
    throw errors.SHAPE({ what: 'weights of the stacking', found: weights.length, wanted: K * members.length * K });
  const problem: Problem = { members, truth: { labels: [] }, classes: K, form: 'full', toward: 'zero' };
  const parameters = Float64Array.from([...weights, ...bias]);
  const logits = new Float32Array(n * K);
  const probabilities = new Float32Array(n * K);
  const z = new Float64Array(K);
  for (let row = 0; row < n; row++) {
    logitsOf(problem, parameters, row, z);
    logits.set(z, row * K);
    toProbabilities(z, task === 'multi-label');
    probabilities.set(z, row * K);
  }
  return { probabilities, logits };
}

/** Writes the probabilities of some pictures. */
function predict(
  problem: Problem,
  parameters: Float64Array,
  rows: readonly number[],
  into: Float32Array,
): Float32Array {
  const z = new Float64Array(problem.classes);
  for (const row of rows) {
    logitsOf(problem, parameters, row, z);
    toProbabilities(z, isMultiLabel(problem.truth));
    into.set(z, row * problem.classes);
  }
  return into;
}

function toProbabilities(z: Float64Array, multi: boolean): void {
  if (multi) for (let k = 0; k < z.length; k++) z[k] = sigmoid(z[k]!);
  else softmax(z);
}

function lossOf(p: Float32Array, truth: Truth, n: number, K: number): number {
  let sum = 0;
  if (isMultiLabel(truth)) p.forEach((q, i) => (sum += truth.targets[i] ? surprise(q) : surpriseOfNot(q)));
  else for (let row = 0; row < n; row++) sum += surprise(p[row * K + truth.labels[row]!]!);
  return sum / n;
}

/** The full matrix, whatever the form. */
function matricesOf({ members, classes: K, form }: Problem, parameters: Float64Array) {
  const M = members.length;
  const bias = Float32Array.from(parameters.subarray(parameters.length - K));
  if (form === 'full') return { weights: Float32Array.from(parameters.subarray(0, parameters.length - K)), bias };
  const weights = new Float32Array(K * M * K);
  for (let k = 0; k < K; k++) for (let m = 0; m < M; m++) weights[(k * M + m) * K + k] = parameters[m]!;
  return { weights, bias };
}

function checkFinite(members: readonly Float32Array[], K: number): void {
  for (const [m, x] of members.entries())
    for (const [i, found] of x.entries())
      if (!Number.isFinite(found))
        throw errors.NOT_FINITE({ row: Math.floor(i / K), label: `class ${i % K} of member ${m + 1}`, found });
}
