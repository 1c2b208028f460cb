// One sampler per operator of src/operators/fused.ts, each of which has a lowering.

import { microsoft as ms } from '../../../../src/operators/index.js';
import * as op from '../../../../src/operators/index.js';
import { maps, unary, x, type Sample, type Samplers } from './sample.js';

const tokens = [2, 3, 8];
const attention = (
  attributes: Readonly<Record<string, unknown>>,
  ...shapes: readonly (readonly number[])[]
): Sample => ({
  shapes,
  make: (input, weights, bias, added) => ms.Attention(input, weights, bias, undefined, undefined, added, attributes),
});
const biased = (call: typeof ms.FastGelu): Sample[] => [
  { shapes: [x], make: call },
  { shapes: [x, [4]], make: call },
];

export const fused: Samplers = {
  'com.microsoft.Attention': [
    attention({ num_heads: 2 }, tokens, [8, 24], [24]),
    attention({ num_heads: 2, scale: 0.3 }, tokens, [8, 24], [24], [2, 2, 3, 3]),
  ],
  'com.microsoft.BiasGelu': [{ shapes: [x, [4]], make: ms.BiasGelu }],
  'com.microsoft.FastGelu': biased(ms.FastGelu),
  'com.microsoft.FusedConv': [
    { shapes: [maps, [3, 4, 3, 2], [3]], make: (X, W, B) => ms.FusedConv(X, W, B, { activation: 'Tanh' }) },
    { shapes: [maps, [4, 2, 3, 3]], make: (X, W) => ms.FusedConv(X, W, { activation: 'Sigmoid', group: 2, pads: [1, 1, 1, 1] }) }, // prettier-ignore
    {
      shapes: [[1, 1, 3, 3], [1, 1, 2, 2], [1], [1, 1, 2, 2]],
      region: 'positive',
      make: (X, W, B, Z) => ms.FusedConv(X, W, B, Z, { activation: 'Relu' }),
    },
  ],
  'com.microsoft.FusedGemm': [
    { shapes: [[2, 3], [4, 3], [4]], make: (A, B, C) => ms.FusedGemm(A, B, C, { transB: 1, activation: 'Sigmoid' }) },
    {
      shapes: [[2, 3], [3, 4], [4]],
      region: 'positive',
      make: (A, B, C) => ms.FusedGemm(A, B, C, { alpha: 2, activation: 'LeakyRelu', activation_alpha: 0.1 }),
    },
  ],
  'com.microsoft.FusedMatMul': [
    {
      shapes: [
        [2, 4, 3],
        [2, 5, 4],
      ],
      make: (A, B) => ms.FusedMatMul(A, B, { alpha: 0.5, transA: 1, transB: 1 }),
    },
    {
      shapes: [
        [3, 2, 4],
        [2, 4, 5],
      ],
      make: (A, B) => ms.FusedMatMul(A, B, { transBatchA: 1 }),
    },
    {
      shapes: [
        [2, 3, 4],
        [4, 5],
      ],
      make: (A, B) => ms.FusedMatMul(A, B),
    },
  ],
  'com.microsoft.Gelu': unary(X => ms.Gelu(X)),
  'com.microsoft.QuickGelu': [...unary(X => ms.QuickGelu(X)), ...unary(X => ms.QuickGelu(X, { alpha: 1 }))],
  'com.microsoft.SkipLayerNormalization': [
    { shapes: [tokens, tokens, [8], [8]], make: ms.SkipLayerNormalization },
    {
      shapes: [tokens, tokens, [8], [8], [8]],
      make: (...inputs) => {
        const outputs = ms.SkipLayerNormalization.all(4, ...inputs, { epsilon: 0.01 });
        return [outputs[0]!, outputs[3]!];
      },
    },
  ],
  'com.microsoft.SkipSimplifiedLayerNormalization': [
    { shapes: [tokens, tokens, [8]], make: ms.SkipSimplifiedLayerNormalization },
    {
      shapes: [tokens, tokens, [8], [8]],
      make: (...inputs) => {
        const outputs = ms.SkipSimplifiedLayerNormalization.all(4, ...inputs, { epsilon: 0.01 });
        return [outputs[0]!, outputs[3]!];
      },
    },
  ],
  SimplifiedLayerNormalization: [
    { shapes: [tokens, [8]], make: ms.SimplifiedLayerNormalization },
    { shapes: [x, [3, 4]], make: (X, scale) => op.Tanh(ms.SimplifiedLayerNormalization(X, scale, { axis: 1 })) },
  ],
};
