import test from 'ava';
import {
  DequantizeLinear,
  DynamicQuantizeLinear,
  MatMulInteger,
  QLinearConv,
  QLinearMatMul,
  QuantizeLinear,
} from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

test('to integers and back', async t => {
  await agrees(t, (feed, b) => {
    const quantised = QuantizeLinear(feed([2, 3]), b.constant(0.5), b.constant(3, 'int8'));
    return [
      quantised,
      QuantizeLinear(feed([2, 3]), b.constant(0.5)),
      DequantizeLinear(quantised, b.constant(0.5), b.constant(3, 'int8')),
      DequantizeLinear(feed([2, 3], 'int32'), b.constant([0.5, 1], 'float32'), { axis: 0 }),
      ...DynamicQuantizeLinear.all(3, feed([2, 3])),
    ];
  });
});

test('products of integers', async t => {
  await agrees(t, (feed, b) => {
    const [scale, zero] = [b.constant(0.1), b.constant(3, 'uint8')];
    const [x, w] = [feed([2, 4, 7, 6], 'uint8'), feed([6, 2, 3, 2], 'uint8')];
    return [
      QLinearConv(x, scale, zero, w, scale, zero, scale, zero, { group: 2, strides: [2, 1], pads: [1, 0, 1, 1] }),
      QLinearMatMul(feed([2, 3, 5], 'uint8'), scale, zero, feed([5, 4], 'uint8'), scale, zero, scale, zero),
      MatMulInteger(feed([3, 5], 'uint8'), feed([5, 4], 'uint8')),
    ];
  });
});
