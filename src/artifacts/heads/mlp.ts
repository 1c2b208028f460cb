// Hidden layers with Relu and dropout, then a linear classifier. Kaiming normal hidden weights, a zero last layer.

import { tensor, type Random } from '../../base/index.js';
import { Gemm, Relu } from '../../operators/index.js';
import type { Head } from './head.js';

export interface MlpOptions {
  /** Widths of the hidden layers. @default [256] */
  readonly hidden?: readonly number[];
  /** Probability with which a hidden element is dropped in training, 0 ≤ rate < 1. @default 0.5 */
  readonly dropout?: number;
}

/** A multi-layer perceptron on the features. */
export function mlp({ hidden = [256], dropout: rate = 0.5 }: MlpOptions = {}): Head {
  return (features, { classes, parameter, dropout }) => {
    let value = features;
    const layer = (name: string, outputs: number, scale: (inputs: number) => number) => {
      const inputs = value.shape[1] as number;
      const weight = parameter(`${name}.weight`, [outputs, inputs], random =>
        kaiming(random, [outputs, inputs], scale(inputs)),
      );
      const bias = parameter(`${name}.bias`, [outputs], () => tensor('float32', [outputs], new Float32Array(outputs)));
      return Gemm(value, weight, bias, { transB: 1 });
    };
    hidden.forEach((width, i) => {
      value = Relu(layer(`head.${i}`, width, inputs => Math.sqrt(2 / inputs)));
      if (rate > 0) value = dropout(`head.${i}.dropout`, value, rate);
    });
    return layer('head', classes, () => 0);
  };
}

/** Normal numbers of a deviation; zeros where it is 0. */
export function kaiming(random: Random, shape: readonly [number, number], deviation: number) {
  const data = new Float32Array(shape[0] * shape[1]);
  if (deviation > 0) for (let i = 0; i < data.length; i++) data[i] = random.normal() * deviation;
  return tensor('float32', shape, data);
}
