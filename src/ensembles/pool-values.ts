// Predictions made one, inside the graph: members [n, M, K] → [n, K], weights of sum 1 (src/evaluation says the same of arrays):
//   probability  p = Σ w p_m                        logit  p = softmax(Σ w ln p_m), of several labels σ(Σ w logit p_m)
//   vote         p = Σ w onehot(argmax p_m), of several labels Σ w (p_m ≥ ½)
//   rank         p ∝ Σ w (K − rank), rank 0 for the most probable class, equals in the order of classes
// Logits of what is pooled are ln p with p ≥ 2^-126; of several labels ln p/(1 − p) with 1 − p ≥ 2^-25.

import { tensor } from '../base/index.js';
import type { Value } from '../graph/index.js';
import {
  ArgMax,
  Cast,
  Clip,
  Concat,
  ConstantOfShape,
  Equal,
  Expand,
  GreaterOrEqual,
  Log,
  LogSoftmax,
  Max,
  Mul,
  ReduceMean,
  ReduceSum,
  Reshape,
  ScatterElements,
  Shape,
  Slice,
  Sub,
  TopK,
  zerosLike,
} from '../operators/index.js';
import { activated, type Task } from './calibrator.js';
import type { FusedAverage } from './fusion.js';

/** The smallest normal float32, below which no probability is taken. */
const smallest = 2 ** -126;
const largestLogit = -Math.log(2 ** -25);

/** Probabilities and, where they are known better than from them, logits. */
export interface Pooled {
  readonly p: Value;
  readonly logits?: Value;
}

/** ln p, or logit p, of probabilities. */
export const logitsOf = (p: Value, task: Task): Value =>
  task === 'single' ? Log(Max(p, smallest)) : Sub(Log(Max(p, smallest)), Log(Max(Sub(1, p), 2 ** -25)));

/** ln p, or logit p, of logits. */
export const heldLogits = (logits: Value, task: Task): Value =>
  task === 'single' ? Max(LogSoftmax(logits), Math.log(smallest)) : Clip(logits, Math.log(smallest), largestLogit);

/** Σ w x_m: [n, M, K] → [n, K]. */
export function weighted(members: Value, weights: readonly number[]): Value {
  const [count, classes] = [weights.length, members.shape[2] as number];
  if (count === 1) return Reshape(members, [-1, classes]);
  if (weights.every(weight => weight === weights[0])) return ReduceMean(members, [1], { keepdims: 0 });
  const held = members.builder.constant(tensor('float32', [count, 1], [...weights]), undefined, 'weights');
  return ReduceSum(Mul(members, held), [1], { keepdims: 0 });
}

/**
 * Classes by descending probability along the last axis, equals in the order of classes: probabilities and places. A row
 * is put behind the others and taken away again: onnxruntime's TopK divides by the number of rows, and of none it ends
 * the process.
 */
export function descending(p: Value): [sorted: Value, order: Value] {
  const rest = p.shape.slice(1) as number[];
  const one = ConstantOfShape(p.builder.constant([1, ...rest]));
  const [sorted, order] = TopK.all(2, Concat(p, one, { axis: 0 }), [rest.at(-1)!]);
  const own = (value: Value) => Slice(value, [0], [-1], [0]);
  return [own(sorted!), own(order!)];
}

/** Pools members. `logs` gives their ln p or logit p. */
export function pooled(
  rule: FusedAverage['rule'],
  members: () => Value,
  logs: () => Value,
  weights: readonly number[],
  task: Task,
): Pooled {
  if (rule === 'probability') return { p: weighted(members(), weights) };
  if (rule === 'logit') {
    const mean = weighted(logs(), weights);
    return { p: activated(mean, task), logits: heldLogits(mean, task) };
  }
  const all = members();
  const classes = all.shape[2] as number;
  if (rule === 'vote') {
    const chosen =
      task === 'single'
        ? Equal(ArgMax(all, { axis: 2 }), all.builder.constant(Array.from({ length: classes }, (_, k) => k)))
        : GreaterOrEqual(all, 0.5);
    return { p: weighted(Cast(chosen, { to: 1 }), weights) };
  }
  const order = descending(all)[1];
  // K, K − 1, … 1, normalised
  const total = (classes * (classes + 1)) / 2;
  const points = all.builder.constant(tensor('float32', [classes], Array.from({ length: classes }, (_, r) => (classes - r) / total))); // prettier-ignore
  const scores = ScatterElements(zerosLike(all), order, Expand(points, Shape(all)), { axis: 2 });
  return { p: weighted(scores, weights) };
}
