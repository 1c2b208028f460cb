// Sigmoid cross-entropy, for binary and multi-label tasks. With targets t in [0, 1], [N, K]:
//   loss = mean over N of Σ over K of softplus(z) − t · z      d loss / dz = (sigmoid(z) − t) / N
// softplus(z) = max(z, 0) + log(1 + e^−|z|), which does not overflow.

import type { Value } from '../../graph/index.js';
import { Abs, Add, Exp, Log, Mul, Neg, Relu, Sigmoid, Sub } from '../../operators/index.js';
import { sumOfClasses, type StatedLoss } from './loss.js';

export interface SigmoidCrossEntropyOptions {
  /** Share of each target moved to one half, 0 ≤ s < 1. @default 0 */
  readonly labelSmoothing?: number;
  /** How the K terms of a picture come together: `mean` is PyTorch's BCEWithLogitsLoss. @default 'sum' */
  readonly over?: 'sum' | 'mean';
}

/** Sigmoid cross-entropy; labels are float32 [N, classes], each 0 or 1. Averaged over the batch. */
export function sigmoidCrossEntropy({ labelSmoothing = 0, over = 'sum' }: SigmoidCrossEntropyOptions = {}): StatedLoss {
  // The mean over the classes is the sum of shares.
  const shared = (value: Value, classes: number) => (over === 'mean' ? Mul(value, 1 / classes) : value);
  return {
    name: 'sigmoid-cross-entropy',
    labels: classes => ({ type: 'float32', shape: ['batch', classes] }),
    targets: labels => (labelSmoothing ? Add(Mul(labels, 1 - labelSmoothing), labelSmoothing / 2) : labels),
    value: (logits, targets) =>
      shared(sumOfClasses(Sub(softplus(logits), Mul(targets, logits))), logits.shape.at(-1) as number),
    gradient: (logits, targets, share) =>
      Mul(Sub(Sigmoid(logits), targets), shared(share, logits.shape.at(-1) as number)),
  };
}

const softplus = (z: Value): Value => Add(Relu(z), Log(Add(Exp(Neg(Abs(z))), 1)));
