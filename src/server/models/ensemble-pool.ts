// Answers of members made one, in float64 (src/ensembles/pool-values.ts and told-values.ts say the same inside a graph):
//   probability  p = Σ w p_m                  logit  p = softmax(Σ w ln p_m), of several labels σ(Σ w logit p_m)
//   vote         p = Σ w onehot(argmax p_m), of several labels Σ w (p_m ≥ ½)
//   uncertainty  entropy H(p) in nats; H(Σ w p_m) − Σ w H(p_m)
// Logits are ln p with p ≥ 2^-126; of several labels ln p/(1 − p) with 1 − p ≥ 2^-25. Members without an answer are left
// out, and what the others weigh is brought to 1 again.

import type { WireTensor } from '../tensors.js';
import type { EnsembleNode, PoolingRule } from './ensemble-recipe.js';

export type Task = 'single' | 'multi-label';
/** What a member gave, row by row; nothing where it did not answer. */
type Values = Float64Array | undefined;

const smallest = 2 ** -126;
const log = (p: number): number => Math.log(Math.max(p, smallest));
const logOf = (p: number, task: Task): number => task === 'single' ? log(p) : log(p) - Math.log(Math.max(1 - p, 2 ** -25)); // prettier-ignore

/** Numbers of an FP32 or FP64 tensor, wherever it starts. */
export function floatsOf({ datatype, data }: WireTensor): Float64Array {
  const bytes = data.slice().buffer;
  return datatype === 'FP64' ? new Float64Array(bytes) : Float64Array.from(new Float32Array(bytes));
}

/** A tensor of these numbers. */
export function floatTensor(
  values: Float64Array,
  shape: readonly number[],
  datatype: 'FP32' | 'FP64' = 'FP32',
): WireTensor {
  const held = datatype === 'FP64' ? values : Float32Array.from(values);
  return { datatype, shape, data: new Uint8Array(held.buffer, held.byteOffset, held.byteLength) };
}

/** Weights of what is there, of sum 1; alike where none of it weighs anything. */
export function sharesOfPresent(weights: readonly number[]): number[] {
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map(weight => (total > 0 ? weight / total : 1 / weights.length));
}

/** Σ w x_m. */
export function weightedMean(values: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const sum = new Float64Array(values[0]!.length);
  values.forEach((value, m) => {
    const weight = weights[m]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * value[i]!;
  });
  return sum;
}

/**
 * The pool of a tree.
 *
 * @param leaves probabilities [rows · classes] of each leaf, in order; one at least is there
 */
export function pool(root: EnsembleNode, leaves: readonly Values[], classes: number, task: Task): Float64Array {
  return poolNode(root, [...leaves], (rule, members, weights) => poolValues(rule, members, weights, classes, task))!;
}

/** The weighted mean of floats of any meaning: rules of probabilities do not hold for them. */
export function poolFloats(root: EnsembleNode, leaves: readonly Values[]): Float64Array {
  return poolNode(root, [...leaves], (_rule, members, weights) => weightedMean(members, weights))!;
}

type Pooling = (rule: PoolingRule, members: readonly Float64Array[], weights: readonly number[]) => Float64Array;

/** Takes its leaves from the front of `rest`. */
function poolNode(node: EnsembleNode, rest: Values[], pooling: Pooling): Values {
  if ('model' in node) return rest.shift();
  const parts = node.members.map(member => poolNode(member, rest, pooling));
  const there = parts.flatMap((values, i) => (values ? [{ values, weight: node.weights[i]! }] : []));
  if (there.length === 0) return undefined;
  const members = there.map(({ values }) => values);
  return pooling(node.rule, members, sharesOfPresent(there.map(({ weight }) => weight)));
}

function poolValues(
  rule: PoolingRule,
  members: readonly Float64Array[],
  weights: readonly number[],
  classes: number,
  task: Task,
): Float64Array {
  if (rule === 'probability') return weightedMean(members, weights);
  if (rule === 'vote') return weightedMean(members.map(p => votesOf(p, classes, task)), weights); // prettier-ignore
  const mean = weightedMean(members.map(p => p.map(value => logOf(value, task))), weights); // prettier-ignore
  return task === 'single' ? softmax(mean, classes) : mean.map(z => 1 / (1 + Math.exp(-z)));
}

/** One for the most probable class, the first of equals; of several labels one for each from ½ on. */
function votesOf(p: Float64Array, classes: number, task: Task): Float64Array {
  if (task === 'multi-label') return p.map(value => Number(value >= 0.5));
  const votes = new Float64Array(p.length);
  for (let row = 0; row < p.length; row += classes) {
    let best = row;
    for (let i = row; i < row + classes; i++) if (p[i]! > p[best]!) best = i;
    votes[best] = 1;
  }
  return votes;
}

function softmax(z: Float64Array, classes: number): Float64Array {
  const p = new Float64Array(z.length);
  for (let row = 0; row < z.length; row += classes) {
    let top = -Infinity;
    for (let i = row; i < row + classes; i++) top = Math.max(top, z[i]!);
    let total = 0;
    for (let i = row; i < row + classes; i++) total += p[i] = Math.exp(z[i]! - top);
    for (let i = row; i < row + classes; i++) p[i]! /= total;
  }
  return p;
}

/** ln p, or logit p. */
export const logitsOf = (p: Float64Array, task: Task): Float64Array => p.map(value => logOf(value, task));

/** [rows, 2]: the entropy of the pool, and how much members disagree. */
export function uncertaintyOf(
  p: Float64Array,
  members: readonly Float64Array[],
  shares: readonly number[],
  classes: number,
  task: Task,
): Float64Array {
  const rows = p.length / classes;
  const mean = weightedMean(members, shares);
  const told = new Float64Array(rows * 2);
  for (let row = 0; row < rows; row++) {
    const own = members.reduce((sum, member, m) => sum + shares[m]! * entropy(member, row, classes, task), 0);
    told[2 * row] = entropy(p, row, classes, task);
    told[2 * row + 1] = Math.max(entropy(mean, row, classes, task) - own, 0);
  }
  return told;
}

function entropy(p: Float64Array, row: number, classes: number, task: Task): number {
  let sum = 0;
  for (let i = row * classes; i < (row + 1) * classes; i++)
    sum -= p[i]! * log(p[i]!) + (task === 'single' ? 0 : (1 - p[i]!) * log(1 - p[i]!));
  return sum;
}
