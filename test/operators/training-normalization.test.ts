// Normalizations that train, and their gradients, are what their kernels compute.

import test from 'ava';
import * as ops from '../../src/operators/training-normalization.js';
import { float, int, sameAsKernel, type Fed } from './training-runtime.js';

const x: Fed = { shape: [2, 3, 4, 5] };
const positive = (shape: readonly number[]): Fed => ({
  shape,
  data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 0.5 + ((i * 7) % 5) / 4),
});

for (const [axis, kept] of [
  [-1, [2, 3, 4, 1]],
  [2, [2, 3, 1, 1]],
  [1, [2, 1, 1, 1]],
] as const) {
  const inner = { shape: x.shape.slice(axis < 0 ? 4 + axis : axis) };
  const attributes = { axis: int(axis) };
  const mean = { shape: kept };
  test(`LayerNormalizationGrad from axis ${axis}`, async t => {
    const inputs = [x, x, inner, mean, positive(kept)];
    await sameAsKernel(t, ops.LayerNormalizationGrad, { inputs, attributes, outputs: 3 });
  });
  test(`InvertibleLayerNormalizationGrad from axis ${axis}`, async t => {
    const inputs = [x, x, positive(inner.shape), inner, positive(kept)];
    await sameAsKernel(t, ops.InvertibleLayerNormalizationGrad, { inputs, attributes, outputs: 3 });
  });
  test(`SimplifiedLayerNormalizationGrad from axis ${axis}`, async t => {
    const inputs = [x, x, inner, positive(kept)];
    await sameAsKernel(t, ops.SimplifiedLayerNormalizationGrad, { inputs, attributes, outputs: 2 });
  });
}
test('SimplifiedLayerNormalization', async t => {
  for (const axis of [-1, 2]) {
    const inputs = [x, { shape: x.shape.slice(axis === 2 ? 2 : 3) }];
    const attributes = { axis: int(axis), epsilon: float(1e-3) };
    await sameAsKernel(t, ops.SimplifiedLayerNormalization, { inputs, attributes, outputs: 2, plain: true });
  }
});

const channels = { shape: [3] };
for (const shape of [
  [2, 3, 4, 5],
  [4, 3, 6],
  [5, 3],
])
  test(`BatchNormInternal and BatchNormalizationGrad over [${shape}]`, async t => {
    const map = { shape };
    const inputs = [map, positive([3]), channels, channels, positive([3])];
    const attributes = { epsilon: float(1e-3), momentum: float(0.8) };
    const names = [['batch', ...shape.slice(1)]];
    for (const outputs of [{ outputs: 5 }, { outputs: 5, names }])
      await sameAsKernel(t, ops.BatchNormInternal, { inputs, attributes, ...outputs });
    await sameAsKernel(t, ops.BatchNormInternal, { inputs, attributes: { ...attributes, training_mode: int(0) } });
    await sameAsKernel(t, ops.BatchNormalizationGrad, {
      inputs: [map, map, positive([3]), channels, positive([3])],
      attributes: { epsilon: float(1e-3) },
      outputs: 3,
    });
  });
