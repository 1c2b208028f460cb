// onnxruntime's own operators that published networks hold: quantised arithmetic and what its optimizer fuses.
// Domain com.microsoft; signatures of onnxruntime's ContribOperators.md. They are read, never emitted.

import type { Dim } from '../graph/index.js';
import { float, int, ints, operator, string, type AttributeSpec } from './define.js';
import { axesOf, axisOf, broadcast, perItem, plus, sizeOf, unify } from './dims.js';
import { errors } from './errors.js';
import { gemmShape } from './matmul.js';
import { slide } from './windows.js';

export * from './fused.js';

const domain = 'com.microsoft';
type Attributes = Readonly<Record<string, AttributeSpec<number>>>;

/** C = quantised f(A, B), broadcast */
const binary = (name: string) =>
  operator(
    name,
    {
      inputs: ['A', 'A_scale', 'A_zero_point?', 'B', 'B_scale', 'B_zero_point?', 'C_scale', 'C_zero_point?'],
      outputs: ['C'],
      attributes: {},
      shape: ({ A, B }) => ({ C: broadcast(name, A.shape, B.shape) }),
    },
    domain,
  );
export const QLinearAdd = binary('QLinearAdd');
export const QLinearMul = binary('QLinearMul');

/** Y = quantised f(X), element by element or over an axis */
const unary = <A extends Attributes>(name: string, attributes: A) =>
  operator(
    name,
    {
      inputs: ['X', 'X_scale', 'X_zero_point?', 'Y_scale', 'Y_zero_point?'],
      outputs: ['Y'],
      attributes,
      shape: ({ X }) => ({ Y: X.shape }),
    },
    domain,
  );
export const QLinearLeakyRelu = unary('QLinearLeakyRelu', { alpha: float(0.01) });
export const QLinearSigmoid = unary('QLinearSigmoid', {});
export const QLinearSoftmax = unary('QLinearSoftmax', { axis: int(-1), opset: int(13) });

export const QLinearGlobalAveragePool = operator(
  'QLinearGlobalAveragePool',
  {
    inputs: ['X', 'x_scale', 'x_zero_point', 'y_scale', 'y_zero_point'],
    outputs: ['Y'],
    attributes: { channels_last: int(0) },
    shape: ({ X, channels_last }) => {
      const channels = channels_last ? X.shape.length - 1 : 1;
      return { Y: X.shape.map((dim, i): Dim => (i === 0 || i === channels ? dim : 1)) };
    },
  },
  domain,
);
export const QLinearAveragePool = operator(
  'QLinearAveragePool',
  {
    inputs: ['X', 'x_scale', 'x_zero_point?', 'y_scale', 'y_zero_point?'],
    outputs: ['Y'],
    attributes: {
      auto_pad: string('NOTSET'),
      ceil_mode: int(0),
      channels_last: int(0),
      count_include_pad: int(0),
      kernel_shape: ints,
      pads: ints,
      strides: ints,
    },
    shape: ({ X, kernel_shape, channels_last, ...window }) => {
      const sizes = channels_last ? X.shape.slice(1, -1) : X.shape.slice(2);
      const made = slide(sizes, { kernel: kernel_shape ?? [], ...window });
      return { Y: channels_last ? [X.shape[0]!, ...made, X.shape.at(-1)!] : [...X.shape.slice(0, 2), ...made] };
    },
  },
  domain,
);
export const QLinearReduceMean = operator(
  'QLinearReduceMean',
  {
    inputs: ['data', 'data_scale', 'data_zero_point?', 'reduced_scale', 'reduced_zero_point?'],
    outputs: ['reduced'],
    attributes: { axes: ints, keepdims: int(1) },
    shape: ({ data, axes, keepdims }) => {
      const away = axesOf(axes, data.shape.length);
      return { reduced: data.shape.flatMap((dim, i): Dim[] => (away.includes(i) ? (keepdims ? [1] : []) : [dim])) };
    },
  },
  domain,
);
export const QLinearWhere = operator(
  'QLinearWhere',
  {
    inputs: ['condition', 'X', 'x_scale', 'x_zero_point', 'Y', 'y_scale', 'y_zero_point', 'z_scale', 'z_zero_point'],
    outputs: ['Z'],
    attributes: {},
    shape: ({ condition, X, Y }) => ({ Z: broadcast('QLinearWhere', condition.shape, X.shape, Y.shape) }),
    types: ({ X }) => ({ Z: X.type }),
  },
  domain,
);

/** Inputs come in threes: a tensor, its scale, its zero point. */
export const QLinearConcat = operator(
  'QLinearConcat',
  {
    inputs: ['Y_scale', 'Y_zero_point', '...inputs'],
    outputs: ['Y'],
    attributes: { axis: int(0) },
    shape: ({ inputs, axis }) => {
      const shapes = inputs.filter((_, i) => i % 3 === 0).map(({ shape }) => shape);
      const [first = [], ...rest] = shapes;
      if (rest.some(shape => shape.length !== first.length))
        throw errors.SHAPE({ operator: 'QLinearConcat', found: shapes, wanted: 'the same rank' });
      const at = axisOf(axis, first.length);
      return {
        Y: first.map((dim, i) =>
          rest.reduce<Dim>((sum, shape) => (i === at ? plus(sum, shape[i]!) : unify(sum, shape[i]!)), dim),
        ),
      };
    },
    types: ({ Y_zero_point }) => ({ Y: Y_zero_point.type }),
  },
  domain,
);

/** Y = alpha · op(A) · op(B) + C, from 8-bit numbers; float32 where no scale of Y is given. */
export const QGemm = operator(
  'QGemm',
  {
    inputs: ['A', 'a_scale', 'a_zero_point', 'B', 'b_scale', 'b_zero_point', 'C?', 'y_scale?', 'y_zero_point?'],
    outputs: ['Y'],
    attributes: { alpha: float(1), transA: int(0), transB: int(0) },
    shape: ({ A, B, transA, transB }) => ({ Y: gemmShape('QGemm', A.shape, B.shape, transA, transB) }),
    types: ({ y_zero_point }) => ({ Y: y_zero_point?.type ?? 'float32' }),
    macs: ({ A, Y, transA }) => sizeOf(Y.shape) * perItem(A.shape[1 - transA]!),
  },
  domain,
);

export const QuantizeLinear = operator(
  'QuantizeLinear',
  {
    inputs: ['x', 'y_scale', 'y_zero_point?'],
    outputs: ['y'],
    attributes: { axis: int(1) },
    shape: ({ x }) => ({ y: x.shape }),
    types: ({ y_zero_point }) => ({ y: y_zero_point?.type ?? 'uint8' }),
  },
  domain,
);
export const DequantizeLinear = operator(
  'DequantizeLinear',
  {
    inputs: ['x', 'x_scale', 'x_zero_point?'],
    outputs: ['y'],
    attributes: { axis: int(1) },
    shape: ({ x }) => ({ y: x.shape }),
    types: ({ x_scale }) => ({ y: x_scale.type }),
    // what is quantised is a constant, and so is how: see quantization.ts for ONNX's own
    gradient: { x: undefined, x_scale: 'none', x_zero_point: 'none' },
  },
  domain,
);
