// logits = features · Wᵀ + b, W [classes, F]. Starts at zero, so that every class is equally likely.

import { tensor } from '../../base/index.js';
import { Gemm } from '../../operators/index.js';
import type { Head } from './head.js';

/** A linear classifier: multinomial logistic regression on the features. */
export const linear: Head = (features, { classes, parameter }) => {
  const width = features.shape[1] as number;
  const weight = parameter('head.weight', [classes, width], () => zeros([classes, width]));
  const bias = parameter('head.bias', [classes], () => zeros([classes]));
  return Gemm(features, weight, bias, { transB: 1 });
};

const zeros = (shape: readonly number[]) =>
  tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
