// Quantised networks: y = saturate(round(x / scale) + zero point), per tensor or per channel.

import type { Value } from '../graph/index.js';
import { int, operator } from './define.js';
import { axisOf, perItem, sizeOf } from './dims.js';
import { Cast, Mul, numberOf, Sub } from './elementwise.js';
import { Reshape } from './layout.js';
import { ReduceSum } from './reduction.js';
import { matmulShape } from './matmul.js';
import { slide, windowAttributes } from './windows.js';

export const QuantizeLinear = operator('QuantizeLinear', {
  inputs: ['x', 'y_scale', 'y_zero_point?'],
  outputs: ['y'],
  attributes: { axis: int(1), saturate: int(1) },
  shape: ({ x }) => ({ y: x.shape }),
  types: ({ y_zero_point }) => ({ y: y_zero_point?.type ?? 'uint8' }),
});
export const DequantizeLinear = operator('DequantizeLinear', {
  inputs: ['x', 'x_scale', 'x_zero_point?'],
  outputs: ['y'],
  attributes: { axis: int(1) },
  shape: ({ x }) => ({ y: x.shape }),
  types: ({ x_scale }) => ({ y: x_scale.type }),
  gradient: {
    // quantised weights are constants; what is quantised on the way comes through a rounding
    x: undefined,
    x_scale: ({ x, x_scale, x_zero_point, axis, dy }) => {
      const steps = (value: Value) => Cast(value, { to: numberOf(x_scale.type) });
      const held = steps(x);
      const at = axisOf(axis, x.shape.length);
      const perAxis = x_scale.shape.length === 1 && x_scale.shape[0] !== 1;
      const along = (value: Value) => (perAxis ? Reshape(value, x.shape.map((_, i) => (i === at ? -1 : 1))) : value); // prettier-ignore
      const moved = x_zero_point ? Sub(held, along(steps(x_zero_point))) : held;
      const product = Mul(dy, moved);
      const others = x.shape.flatMap((_, i) => (i === at ? [] : [i]));
      return perAxis && others.length > 0 ? ReduceSum(product, others, { keepdims: 0 }) : product;
    },
    x_zero_point: 'none',
  },
});
export const DynamicQuantizeLinear = operator('DynamicQuantizeLinear', {
  inputs: ['x'],
  outputs: ['y', 'y_scale', 'y_zero_point'],
  attributes: {},
  shape: ({ x }) => ({ y: x.shape, y_scale: [], y_zero_point: [] }),
  types: () => ({ y: 'uint8', y_scale: 'float32', y_zero_point: 'uint8' }),
});
export const QLinearConv = operator('QLinearConv', {
  inputs: ['x', 'x_scale', 'x_zero_point', 'w', 'w_scale', 'w_zero_point', 'y_scale', 'y_zero_point', 'B?'],
  outputs: ['y'],
  attributes: {
    ...windowAttributes,
    group: int(1),
  },
  shape: ({ x, w, kernel_shape, ...window }) => ({
    y: [x.shape[0]!, w.shape[0]!, ...slide(x.shape.slice(2), { kernel: kernel_shape ?? w.shape.slice(2), ...window })],
  }),
  types: ({ y_zero_point }) => ({ y: y_zero_point.type }),
  macs: ({ w, y }) => sizeOf(y.shape.slice(1)) * sizeOf(w.shape.slice(1)),
});
export const QLinearMatMul = operator('QLinearMatMul', {
  inputs: ['a', 'a_scale', 'a_zero_point', 'b', 'b_scale', 'b_zero_point', 'y_scale', 'y_zero_point'],
  outputs: ['y'],
  attributes: {},
  shape: ({ a, b }) => ({ y: matmulShape('QLinearMatMul', a.shape, b.shape) }),
  types: ({ y_zero_point }) => ({ y: y_zero_point.type }),
  macs: ({ a, y }) => sizeOf(y.shape) * perItem(a.shape.at(-1)!),
});
export const MatMulInteger = operator('MatMulInteger', {
  inputs: ['A', 'B', 'a_zero_point?', 'b_zero_point?'],
  outputs: ['Y'],
  attributes: {},
  shape: ({ A, B }) => ({ Y: matmulShape('MatMulInteger', A.shape, B.shape) }),
  types: () => ({ Y: 'int32' }),
  macs: ({ A, Y }) => sizeOf(Y.shape) * perItem(A.shape.at(-1)!),
});
