// Softmax cross-entropy. With target rows t (one-hot, smoothed, weighted by class) and w = Σ t of each row:
//   loss = −Σ t · log softmax(z) / Σ w        d loss / dz = (w · softmax(z) − t) / Σ w
// as PyTorch's CrossEntropyLoss with label_smoothing; class weights weight whole rows.

import { tensor } from '../../base/index.js';
import type { Value } from '../../graph/index.js';
import {
  Cast,
  Div,
  Equal,
  Gather,
  LogSoftmax,
  Mul,
  Neg,
  Reciprocal,
  ReduceMean,
  ReduceSum,
  Shape,
  Softmax,
  Sub,
  Add,
  Unsqueeze,
} from '../../operators/index.js';
import type { Loss } from './loss.js';

export interface CrossEntropyOptions {
  /** Share of the target that is spread evenly over the classes, 0 ≤ s < 1. @default 0 */
  readonly labelSmoothing?: number;
  /** One weight a class. */
  readonly classWeights?: readonly number[];
}

/** Softmax cross-entropy for one label a picture; labels are int64 [N]. */
export function crossEntropy({ labelSmoothing = 0, classWeights }: CrossEntropyOptions = {}): Loss {
  // Without weights every row sums to 1 and Σ w is the batch size.
  const total = (targets: Value) => (classWeights ? ReduceSum(targets, [0, 1], { keepdims: 0 }) : undefined);
  return {
    name: 'cross-entropy',
    labels: () => ({ type: 'int64', shape: ['batch'] }),
    targets: (labels, classes) => {
      const indices = labels.builder.constant(Array.from({ length: classes }, (_, i) => i));
      let rows = Cast(Equal(Unsqueeze(labels, [-1]), indices), { to: 1 });
      if (labelSmoothing) rows = Add(Mul(rows, 1 - labelSmoothing), labelSmoothing / classes);
      if (!classWeights) return rows;
      const weights = labels.builder.constant(tensor('float32', [classes], [...classWeights]));
      return Mul(rows, Unsqueeze(Gather(weights, labels), [-1]));
    },
    value: (logits, targets) => {
      const terms = Mul(LogSoftmax(logits), targets);
      const sum = total(targets);
      if (sum) return Neg(Div(ReduceSum(terms, [0, 1], { keepdims: 0 }), sum));
      return Neg(ReduceMean(ReduceSum(terms, [1], { keepdims: 0 }), [0], { keepdims: 0 }));
    },
    gradient: (logits, targets) => {
      const sum = total(targets);
      const probabilities = Softmax(logits);
      if (!sum) return Mul(Sub(probabilities, targets), perRow(logits));
      return Div(Sub(Mul(probabilities, ReduceSum(targets, [1])), targets), sum);
    },
  };
}

/** 1 / N, a number where the batch is one. */
export function perRow(logits: Value): Value | number {
  const [rows] = logits.shape;
  return typeof rows === 'number' ? 1 / rows : Reciprocal(Cast(Shape(logits, { end: 1 }), { to: 1 }));
}
