// Softmax cross-entropy. With target rows t (one-hot, smoothed, weighted by class) and w = Σ t of each row:
//   loss = −Σ t · log softmax(z) / Σ w        d loss / dz = (w · softmax(z) − t) / Σ w
// as PyTorch's CrossEntropyLoss with label_smoothing; class weights weight whole rows.

import { tensor } from '../../base/index.js';
import {
  Add,
  Cast,
  Div,
  Equal,
  Gather,
  LogSoftmax,
  Mul,
  Neg,
  ReduceSum,
  Softmax,
  Sub,
  Unsqueeze,
} from '../../operators/index.js';
import { sumOfClasses, type StatedLoss } from './loss.js';

export interface CrossEntropyOptions {
  /** Share of the target that is spread evenly over the classes, 0 ≤ s < 1. @default 0 */
  readonly labelSmoothing?: number;
  /** One weight a class. */
  readonly classWeights?: readonly number[];
}

/** Softmax cross-entropy for one label a picture; labels are int64 [N]. */
export function crossEntropy({ labelSmoothing = 0, classWeights }: CrossEntropyOptions = {}): StatedLoss {
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
      const loss = Neg(sumOfClasses(Mul(LogSoftmax(logits), targets)));
      return classWeights ? Div(loss, sumOfClasses(targets)) : loss;
    },
    gradient: (logits, targets, share) => {
      const probabilities = Softmax(logits);
      // Without weights every row sums to 1 and Σ w is the batch size.
      if (!classWeights) return Mul(Sub(probabilities, targets), share);
      const total = ReduceSum(targets, [0, 1], { keepdims: 0 });
      return Div(Sub(Mul(probabilities, ReduceSum(targets, [1])), targets), total);
    },
  };
}
