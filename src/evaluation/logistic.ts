// Multinomial (of several labels: binary) logistic regression on the logits of members x_m [pictures, classes]:
//   full        z_k = Σ_m Σ_j W[k, m·K + j] x_m,j + b_k
//   per-member  z_k = Σ_m a_m x_m,k + b_k, which is full with W[k, m·K + j] = a_m where j = k, else 0
//   minimize    mean loss + λ/2 (‖W − W₀‖² + ‖b‖²),  W₀ the mean of the members (a = 1/M), or 0
// Strictly convex for λ > 0, so that the result does not depend on where the search begins.

import { minimize } from './lbfgs.js';
import { sigmoid, softplus } from './likelihood.js';
import { isMultiLabel } from './predictions.js';
import type { Truth } from './member-predictions.js';

export type StackingForm = 'per-member' | 'full';

/** What is fitted. */
export interface Problem {
  /** [pictures, classes] of each member. */
  readonly members: readonly Float32Array[];
  readonly truth: Truth;
  readonly classes: number;
  readonly form: StackingForm;
  /** Where the penalty pulls the weights. */
  readonly toward: 'mean' | 'zero';
}

/** How many numbers are fitted: weights, then one bias a class. */
export const parameterCount = ({ members, classes: K, form }: Pick<Problem, 'members' | 'classes' | 'form'>): number =>
  (form === 'full' ? K * members.length * K : members.length) + K;

/** Where the penalty pulls: the parameters of the mean of the members, or zeros. */
export function anchorOf({ members, classes: K, form, toward }: Problem): Float64Array {
  const M = members.length;
  const anchor = new Float64Array(parameterCount({ members, classes: K, form }));
  if (toward === 'zero') return anchor;
  if (form === 'per-member') anchor.fill(1 / M, 0, M);
  else for (let k = 0; k < K; k++) for (let m = 0; m < M; m++) anchor[k * M * K + m * K + k] = 1 / M;
  return anchor;
}

/**
 * The parameters that minimize the loss of some pictures.
 *
 * @param rows the pictures
 * @param strength λ
 * @param start where the search begins
 * @param tolerance of the gradient at the end
 */
export function fitLogistic(
  problem: Problem,
  rows: readonly number[],
  strength: number,
  start: Float64Array,
  tolerance: number,
): Float64Array {
  const anchor = anchorOf(problem);
  const { classes: K } = problem;
  const z = new Float64Array(K);
  const units = unitsOf(problem, rows, strength);
  const parameters = new Float64Array(start.length);
  const objective = (inUnits: Float64Array, gradient: Float64Array): number => {
    for (let i = 0; i < inUnits.length; i++) parameters[i] = inUnits[i]! * units[i]!;
    gradient.fill(0);
    let loss = 0;
    for (const row of rows) {
      logitsOf(problem, parameters, row, z);
      loss += residuals(problem.truth, row, z);
      accumulate(problem, z, row, gradient);
    }
    let penalty = 0;
    for (let i = 0; i < parameters.length; i++) {
      const away = parameters[i]! - anchor[i]!;
      penalty += away * away;
      gradient[i] = (gradient[i]! / rows.length + strength * away) * units[i]!;
    }
    return loss / rows.length + (strength / 2) * penalty;
  };
  const { at } = minimize(
    objective,
    start.map((v, i) => v / units[i]!),
    { tolerance },
  );
  return at.map((v, i) => v * units[i]!);
}

/**
 * Units in which the loss bends about alike along each parameter, so that the search is short: 1 / √(bend + λ), where a
 * weight bends as its inputs spread and a bias as its class is doubted, as if all classes were as likely.
 */
function unitsOf(
  { members, truth, classes: K, form }: Problem,
  rows: readonly number[],
  strength: number,
): Float64Array {
  const doubt = isMultiLabel(truth) ? 1 / 4 : (1 / K) * (1 - 1 / K) || 1;
  const bends = members.map(x => {
    let squares = 0;
    for (const row of rows) {
      let mean = 0;
      if (!isMultiLabel(truth)) for (let k = 0; k < K; k++) mean += x[row * K + k]! / K;
      for (let k = 0; k < K; k++) squares += (x[row * K + k]! - mean) ** 2;
    }
    return (squares / rows.length) * doubt; // of a whole row
  });
  const M = members.length;
  const units = new Float64Array(parameterCount({ members, classes: K, form })).fill(1 / Math.sqrt(doubt + strength));
  for (let i = 0; i < units.length - K; i++) {
    const bend = form === 'full' ? bends[Math.floor(i / K) % M]! / K : bends[i]!;
    units[i] = 1 / Math.sqrt(bend + strength);
  }
  return units;
}

/** The logits of one picture. */
export function logitsOf(
  { members, classes: K, form }: Problem,
  parameters: Float64Array,
  row: number,
  z: Float64Array,
): void {
  const M = members.length;
  const biases = parameters.length - K;
  for (let k = 0; k < K; k++) z[k] = parameters[biases + k]!;
  for (const [m, x] of members.entries()) {
    const from = row * K;
    if (form === 'per-member') for (let k = 0; k < K; k++) z[k]! += parameters[m]! * x[from + k]!;
    else
      for (let k = 0; k < K; k++) {
        const at = (k * M + m) * K;
        let sum = 0;
        for (let j = 0; j < K; j++) sum += parameters[at + j]! * x[from + j]!;
        z[k]! += sum;
      }
  }
}

/** The loss of one picture; its logits become the loss's gradient, p − t. */
function residuals(truth: Truth, row: number, z: Float64Array): number {
  const K = z.length;
  if (isMultiLabel(truth)) {
    let loss = 0;
    for (let k = 0; k < K; k++) {
      const holds = truth.targets[row * K + k]! ? 1 : 0;
      const x = z[k]!;
      loss += softplus(x) - holds * x;
      z[k] = sigmoid(x) - holds;
    }
    return loss;
  }
  const y = truth.labels[row]!;
  const own = z[y]!;
  const logSum = softmax(z);
  z[y]! -= 1;
  return logSum - own;
}

function accumulate(
  { members, classes: K, form }: Problem,
  residual: Float64Array,
  row: number,
  gradient: Float64Array,
): void {
  const M = members.length;
  const from = row * K;
  for (const [m, x] of members.entries()) {
    if (form === 'per-member') {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += residual[k]! * x[from + k]!;
      gradient[m]! += sum;
    } else
      for (let k = 0; k < K; k++) {
        const at = (k * M + m) * K;
        const r = residual[k]!;
        for (let j = 0; j < K; j++) gradient[at + j]! += r * x[from + j]!;
      }
  }
  const biases = gradient.length - K;
  for (let k = 0; k < K; k++) gradient[biases + k]! += residual[k]!;
}

/** Softmax in place; returns ln Σ exp of what was there. */
export function softmax(z: Float64Array): number {
  let most = -Infinity;
  for (const v of z) most = Math.max(most, v);
  let sum = 0;
  for (let k = 0; k < z.length; k++) sum += z[k] = Math.exp(z[k]! - most);
  for (let k = 0; k < z.length; k++) z[k]! /= sum;
  return most + Math.log(sum);
}
