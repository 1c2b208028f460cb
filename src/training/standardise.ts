// Features of mean 0 and deviation 1, so that one penalty fits all, and the way back.

import { tensor, type Tensor } from '../base/index.js';
import type { LabelledFeatures } from './labelled-features.js';

/** By feature; the deviation of constant ones is Infinity. */
export interface Scale {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

/** Writes the features with mean 0 and deviation 1 into `scaled`; constant ones become 0. */
export function standardise({ features, count, width }: LabelledFeatures, scaled: Float32Array | Float64Array): Scale {
  const mean = new Float64Array(width);
  const deviation = new Float64Array(width);
  for (let i = 0; i < count; i++)
    for (let j = 0, at = i * width; j < width; j++, at++) mean[j]! += features[at]! / count;
  for (let i = 0; i < count; i++)
    for (let j = 0, at = i * width; j < width; j++, at++) deviation[j]! += (features[at]! - mean[j]!) ** 2 / count;
  for (let j = 0; j < width; j++) deviation[j] = Math.sqrt(deviation[j]!) > 1e-8 ? Math.sqrt(deviation[j]!) : Infinity;
  scaleInto({ mean, deviation }, features, scaled);
  return { mean, deviation };
}

/** Writes features, those of the scale or others, at a scale that was found before. */
export function scaleInto(
  { mean, deviation }: Scale,
  features: Float32Array,
  scaled: Float32Array | Float64Array,
): void {
  const width = mean.length;
  for (let row = 0; row < features.length; row += width)
    for (let j = 0, at = row; j < width; j++, at++) scaled[at] = (features[at]! - mean[j]!) / deviation[j]!;
}

/** Weights [classes, width], then biases, of scaled features as those of the features as they are. */
export function unscaled(x: Float64Array, classes: number, { mean, deviation }: Scale): Map<string, Tensor> {
  const width = mean.length;
  const weight = new Float32Array(classes * width);
  const bias = new Float32Array(classes);
  for (let k = 0; k < classes; k++) {
    let shift = x[classes * width + k]!;
    for (let j = 0; j < width; j++) {
      const w = x[k * width + j]! / deviation[j]!;
      weight[k * width + j] = w;
      shift -= w * mean[j]!;
    }
    bias[k] = shift;
  }
  return new Map([
    ['head.weight', tensor('float32', [classes, width], weight)],
    ['head.bias', tensor('float32', [classes], bias)],
  ]);
}
