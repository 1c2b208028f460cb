import test from 'ava';
import type { GraftError } from '../../src/base/index.js';
import { Builder } from '../../src/graph/index.js';
import { microsoft } from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

test('quantised arithmetic broadcasts', async t => {
  for (const op of [microsoft.QLinearAdd, microsoft.QLinearMul])
    await agrees(t, (feed, b) => {
      const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
      return [op(feed([2, 3, 4], 'uint8'), scale, zero, feed([3, 1], 'uint8'), scale, zero, scale, zero)];
    });
});

test('quantised functions keep the shape', async t => {
  for (const op of [microsoft.QLinearLeakyRelu, microsoft.QLinearSigmoid])
    await agrees(t, (feed, b) => {
      const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
      return [op(feed([2, 3], 'uint8'), scale, zero, scale, zero)];
    });
  await agrees(t, (feed, b) => {
    const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
    return [microsoft.QLinearSoftmax(feed([2, 3], 'uint8'), scale, zero, scale, zero, { axis: -1, opset: 13 })];
  });
});

test('quantised pools, channels first and last', async t => {
  for (const channels_last of [0, 1])
    await agrees(t, (feed, b) => {
      const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
      const x = feed([2, 5, 6, 7], 'uint8');
      return [
        microsoft.QLinearGlobalAveragePool(x, scale, zero, scale, zero, { channels_last }),
        microsoft.QLinearAveragePool(x, scale, zero, scale, zero, {
          channels_last,
          kernel_shape: [3, 2],
          strides: [2, 1],
          pads: [1, 0, 1, 1],
          count_include_pad: 1,
        }),
      ];
    });
});

test('QLinearConcat joins every third input', async t => {
  await agrees(t, (feed, b) => {
    const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
    const [x, y] = [feed([2, 3, 4], 'uint8'), feed([2, 5, 4], 'uint8')];
    return [microsoft.QLinearConcat(scale, zero, x, scale, zero, y, scale, zero, { axis: 1 })];
  });
  const b = new Builder();
  const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
  const error = t.throws<GraftError>(() =>
    microsoft.QLinearConcat(
      scale,
      zero,
      b.input('x', 'uint8', [2, 3]),
      scale,
      zero,
      b.input('y', 'uint8', [2]),
      scale,
      zero,
    ),
  );
  t.is(error.code, 'OPERATOR_SHAPE');
});

test('QLinearWhere takes the type of its values', async t => {
  await agrees(t, (feed, b) => {
    const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
    const [x, y] = [feed([2, 3], 'uint8'), feed([2, 3], 'uint8')];
    return [microsoft.QLinearWhere(feed([3], 'bool', [1, 0, 1]), x, scale, zero, y, scale, zero, scale, zero)];
  });
});

test('QGemm gives uint8 with a scale of Y and float32 without', async t => {
  await agrees(t, (feed, b) => {
    const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
    const [a, w] = [feed([2, 5], 'uint8'), feed([3, 5], 'uint8')];
    return [
      microsoft.QGemm(a, scale, zero, w, scale, zero, undefined, scale, zero, { transB: 1 }),
      microsoft.QGemm(a, scale, zero, w, scale, zero, { transB: 1 }),
    ];
  });
  const b = new Builder();
  const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
  const error = t.throws<GraftError>(() =>
    microsoft.QGemm(b.input('a', 'uint8', [2, 5]), scale, zero, b.input('b', 'uint8', [4, 3]), scale, zero),
  );
  t.is(error.code, 'OPERATOR_SHAPE');
});

test('QuantizeLinear and DequantizeLinear of 16 bits', async t => {
  await agrees(t, (feed, b) => {
    const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint16')];
    const q = microsoft.QuantizeLinear(feed([2, 3]), scale, zero);
    return [q, microsoft.DequantizeLinear(q, scale, zero)];
  });
});

test('FusedConv adds and activates', async t => {
  await agrees(t, feed => [
    microsoft.FusedConv(feed([1, 4, 7, 6]), feed([6, 2, 3, 2]), feed([6]), {
      group: 2,
      strides: [2, 1],
      pads: [1, 1, 1, 0],
      activation: 'Relu',
    }),
  ]);
});

test('FusedMatMul transposes matrices and batches', async t => {
  await agrees(t, feed => [
    microsoft.FusedMatMul(feed([2, 5, 3]), feed([2, 5, 4]), { transA: 1 }),
    microsoft.FusedMatMul(feed([2, 3, 5]), feed([2, 4, 5]), { transB: 1, alpha: 0.5 }),
    microsoft.FusedMatMul(feed([3, 2, 5]), feed([2, 5, 4]), { transBatchA: 1 }),
    microsoft.FusedMatMul(feed([5, 2, 3]), feed([4, 2, 5]), { transA: 1, transBatchA: 1, transB: 1, transBatchB: 1 }),
  ]);
});

test('Gelu and its kin keep the shape', async t => {
  await agrees(t, feed => [
    microsoft.Gelu(feed([2, 3])),
    microsoft.FastGelu(feed([2, 3]), feed([3])),
    microsoft.BiasGelu(feed([2, 3]), feed([3])),
    microsoft.QuickGelu(feed([2, 3])),
  ]);
});

test('SkipLayerNormalization gives the sum that it normalised', async t => {
  await agrees(t, feed => {
    const outputs = microsoft.SkipLayerNormalization.all(4, feed([2, 3, 4]), feed([2, 3, 4]), feed([4]), feed([4]));
    return [outputs[0]!, outputs[3]!];
  });
});

test('Attention gives values and the cache', async t => {
  await agrees(t, feed =>
    microsoft.Attention.all(2, feed([2, 3, 8]), feed([8, 24]), feed([24]), undefined, feed([2, 2, 4, 5, 2]), {
      num_heads: 4,
      unidirectional: 1,
    }),
  );
});
