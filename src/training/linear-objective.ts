// Logistic regression over rows z of a matrix, computed here, four rows at a time, in float64:
//   value = Σ w·loss(z·Vᵀ + b, label) / Σ w + penalty/2 · ‖V‖²       x = V [K, width], then b [K]
// loss is softmax cross-entropy for one label a row, and sigmoid cross-entropy summed over K for several.

import type { Evaluated } from './lbfgs.js';

/** Rows and what is true of them. */
export interface Rows {
  /** [count, width] */
  readonly matrix: Float64Array;
  readonly width: number;
  readonly classes: number;
  /** [count]; of several labels [count, classes], 0 to 1. */
  readonly labels: Float64Array;
  readonly isSeveral: boolean;
  /** [count]; what a row weighs. */
  readonly weights: Float64Array;
}

/**
 * The objective over some of the rows.
 *
 * @param chosen which rows
 */
export function linearObjective(rows: Rows, chosen: Uint32Array, penalty: number): (x: Float64Array) => Evaluated {
  const { width, classes } = rows;
  const { deltas, total } = prepare(rows, chosen);
  return x => {
    const gradient = new Float64Array(x.length);
    let value = 0;
    each(rows, chosen, x, deltas, (from, count) => {
      for (let r = 0; r < count; r++) value += lossOf(rows, chosen[from + r]!, r, deltas);
      addGradient(rows, chosen, from, deltas, gradient);
    });
    value /= total;
    for (let i = 0; i < gradient.length; i++) gradient[i]! /= total;
    for (let i = 0; i < classes * width; i++) {
      value += 0.5 * penalty * x[i]! * x[i]!;
      gradient[i]! += penalty * x[i]!;
    }
    return { value, gradient };
  };
}

/** The mean loss over some of the rows, without penalty. */
export function linearLoss(rows: Rows, chosen: Uint32Array, x: Float64Array): number {
  const { deltas, total } = prepare(rows, chosen);
  let loss = 0;
  each(rows, chosen, x, deltas, (from, count) => {
    for (let r = 0; r < count; r++) loss += lossOf(rows, chosen[from + r]!, r, deltas);
  });
  return loss / total;
}

/** Logits of some of the rows, [chosen, classes]. */
export function linearLogits(rows: Rows, chosen: Uint32Array, x: Float64Array): Float32Array {
  const { classes } = rows;
  const logits = new Float32Array(chosen.length * classes);
  const { deltas } = prepare(rows, chosen);
  each(rows, chosen, x, deltas, (from, count) => logits.set(deltas.subarray(0, count * classes), from * classes));
  return logits;
}

/** Room for logits of four rows, which become the gradient by them: [4, classes]. */
function prepare({ classes, weights }: Rows, chosen: Uint32Array) {
  let total = 0;
  for (const row of chosen) total += weights[row]!;
  return { deltas: new Float64Array(4 * classes), total };
}

/** Computes the logits of four rows at a time. A last block that is not full repeats its last row, for nothing. */
function each(
  { matrix, width, classes }: Rows,
  chosen: Uint32Array,
  x: Float64Array,
  deltas: Float64Array,
  block: (from: number, count: number) => void,
): void {
  for (let from = 0; from < chosen.length; from += 4) {
    const [a, b, c, d] = offsets(chosen, from, width);
    for (let k = 0; k < classes; k++) {
      const bias = x[classes * width + k]!;
      let [za, zb, zc, zd] = [bias, bias, bias, bias];
      for (let j = 0, at = k * width; j < width; j++, at++) {
        const w = x[at]!;
        za += w * matrix[a + j]!;
        zb += w * matrix[b + j]!;
        zc += w * matrix[c + j]!;
        zd += w * matrix[d + j]!;
      }
      deltas[k] = za;
      deltas[classes + k] = zb;
      deltas[2 * classes + k] = zc;
      deltas[3 * classes + k] = zd;
    }
    const count = Math.min(4, chosen.length - from);
    block(from, count);
  }
}

function offsets(chosen: Uint32Array, from: number, width: number): readonly [number, number, number, number] {
  const last = chosen.length - 1;
  const at = (r: number) => chosen[Math.min(from + r, last)]! * width;
  return [at(0), at(1), at(2), at(3)];
}

/** The loss of the r-th row of a block; its logits become the gradient by them. */
function lossOf({ classes, labels, isSeveral, weights }: Rows, row: number, r: number, deltas: Float64Array): number {
  const weight = weights[row]!;
  const begin = r * classes;
  let loss = 0;
  if (isSeveral) {
    for (let k = 0; k < classes; k++) {
      const z = deltas[begin + k]!;
      const label = labels[row * classes + k]!;
      const e = Math.exp(-Math.abs(z));
      loss += Math.max(z, 0) + Math.log1p(e) - label * z;
      const p = z >= 0 ? 1 / (1 + e) : e / (1 + e);
      deltas[begin + k] = weight * (p - label);
    }
    return weight * loss;
  }
  const label = labels[row]!;
  let best = 0;
  for (let k = 1; k < classes; k++) if (deltas[begin + k]! > deltas[begin + best]!) best = k;
  const most = deltas[begin + best]!;
  loss = most - deltas[begin + label]!;
  let sum = 0;
  for (let k = 0; k < classes; k++) {
    const e = Math.exp(deltas[begin + k]! - most);
    deltas[begin + k] = e;
    sum += e;
  }
  for (let k = 0; k < classes; k++) deltas[begin + k] = weight * (deltas[begin + k]! / sum - Number(k === label));
  return weight * (loss + Math.log(sum));
}

function addGradient(
  { matrix, width, classes }: Rows,
  chosen: Uint32Array,
  from: number,
  deltas: Float64Array,
  gradient: Float64Array,
): void {
  deltas.fill(0, Math.min(4, chosen.length - from) * classes);
  const [a, b, c, d] = offsets(chosen, from, width);
  for (let k = 0; k < classes; k++) {
    const da = deltas[k]!;
    const db = deltas[classes + k]!;
    const dc = deltas[2 * classes + k]!;
    const dd = deltas[3 * classes + k]!;
    for (let j = 0, at = k * width; j < width; j++, at++)
      gradient[at]! += da * matrix[a + j]! + db * matrix[b + j]! + dc * matrix[c + j]! + dd * matrix[d + j]!;
    gradient[classes * width + k]! += da + db + dc + dd;
  }
}
