// What logits are worth whatever their scale: the mean loss at the best temperature. Strong penalties make logits small
// and their bare loss large though their order is right; the temperature that is fitted later takes the scale out.

import { elements, floats, type Tensor } from '../base/index.js';

/**
 * The least mean negative log-likelihood of logits · β over β > 0.
 *
 * @param logits [count, classes]
 * @param labels int64 [count], or float32 [count, classes] of several labels
 */
export function calibratedLoss(logits: Float32Array, labels: Tensor): number {
  const single = labels.type === 'int64' ? Array.from(elements(labels) as BigInt64Array, Number) : undefined;
  const classes = single ? logits.length / single.length : labels.shape[1]!;
  const targets = single ? undefined : floats(labels);
  const loss = (beta: number) =>
    single ? softmaxLoss(logits, single, classes, beta) : sigmoidLoss(logits, targets!, classes, beta);
  // Convex in β, so unimodal in ln β: golden section.
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(1e-3), Math.log(1e4)];
  let [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [fa, fb] = [loss(Math.exp(a)), loss(Math.exp(b))];
  while (high - low > 1e-4) {
    if (fa <= fb) {
      [high, b, fb] = [b, a, fa];
      a = high - ratio * (high - low);
      fa = loss(Math.exp(a));
    } else {
      [low, a, fa] = [a, b, fb];
      b = low + ratio * (high - low);
      fb = loss(Math.exp(b));
    }
  }
  return Math.min(fa, fb);
}

function softmaxLoss(logits: Float32Array, labels: readonly number[], classes: number, beta: number): number {
  let sum = 0;
  labels.forEach((label, row) => {
    const start = row * classes;
    let most = -Infinity;
    for (let k = 0; k < classes; k++) most = Math.max(most, logits[start + k]!);
    let total = 0;
    for (let k = 0; k < classes; k++) total += Math.exp(beta * (logits[start + k]! - most));
    sum += Math.log(total) - beta * (logits[start + label]! - most);
  });
  return sum / labels.length;
}

function sigmoidLoss(logits: Float32Array, targets: Float32Array, classes: number, beta: number): number {
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const z = beta * logits[i]!;
    sum += Math.max(z, 0) - targets[i]! * z + Math.log1p(Math.exp(-Math.abs(z)));
  }
  return (sum * classes) / logits.length;
}
