// onnxruntime's own operators that published networks hold: quantised arithmetic and what its optimizer fuses.
// Domain com.microsoft; signatures of onnxruntime's ContribOperators.md. They are read, never emitted.

import type { Dim } from '../graph/index.js';
import { float, floats, int, ints, operator, optionalFloat, string, type AttributeSpec } from './define.js';
import { axesOf, axisOf, broadcast, over, perItem, plus, sizeOf, unify } from './dims.js';
import { errors } from './errors.js';
import { matmulShape } from './matmul.js';
import { slide, windowAttributes } from './windows.js';

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
    shape: ({ A, B, transA, transB }) => {
      const [inner, other] = [A.shape[1 - transA]!, B.shape[transB]!];
      if (typeof inner === 'number' && typeof other === 'number' && inner !== other)
        throw errors.SHAPE({ operator: 'QGemm', found: [A.shape, B.shape], wanted: 'the same inner dimension' });
      return { Y: [A.shape[transA]!, B.shape[1 - transB]!] };
    },
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
  },
  domain,
);

/** Y = activation(Conv(X, W) + B + Z) */
export const FusedConv = operator(
  'FusedConv',
  {
    inputs: ['X', 'W', 'B?', 'Z?'],
    outputs: ['Y'],
    attributes: {
      ...windowAttributes,
      activation: string(''),
      activation_params: floats,
      group: int(1),
    },
    shape: ({ X, W, kernel_shape, ...window }) => ({
      Y: [
        X.shape[0]!,
        W.shape[0]!,
        ...slide(X.shape.slice(2), { kernel: kernel_shape ?? W.shape.slice(2), ...window }),
      ],
    }),
    macs: ({ W, Y }) => sizeOf(Y.shape.slice(1)) * sizeOf(W.shape.slice(1)),
  },
  domain,
);

/** Y = alpha · op(A) · op(B): trans swaps the last two axes, transBatch moves the first axis before the last. */
export const FusedMatMul = operator(
  'FusedMatMul',
  {
    inputs: ['A', 'B'],
    outputs: ['Y'],
    attributes: { alpha: float(1), transA: int(0), transB: int(0), transBatchA: int(0), transBatchB: int(0) },
    shape: ({ A, B, transA, transB, transBatchA, transBatchB }) => ({
      Y: matmulShape('FusedMatMul', turned(A.shape, transA, transBatchA), turned(B.shape, transB, transBatchB)),
    }),
    macs: ({ A, Y, transA, transBatchA }) =>
      sizeOf(Y.shape) * perItem(turned(A.shape, transA, transBatchA).at(-1) ?? 1),
  },
  domain,
);
function turned(shape: readonly Dim[], trans: number, transBatch: number): readonly Dim[] {
  if (shape.length < 2) return shape;
  const moved = transBatch ? [...shape.slice(1, -1), shape[0]!, shape.at(-1)!] : shape;
  return trans ? [...moved.slice(0, -2), moved.at(-1)!, moved.at(-2)!] : moved;
}

const gelu = <A extends Attributes>(name: string, attributes: A) =>
  operator(
    name,
    {
      inputs: ['X', 'bias?'],
      outputs: ['Y'],
      attributes,
      shape: ({ X }) => ({ Y: X.shape }),
    },
    domain,
  );
export const Gelu = gelu('Gelu', {});
export const FastGelu = gelu('FastGelu', {});
export const BiasGelu = gelu('BiasGelu', {});
export const QuickGelu = gelu('QuickGelu', { alpha: float(1.702) });

/** LayerNormalization(input + skip + bias) over the last axis */
export const SkipLayerNormalization = operator(
  'SkipLayerNormalization',
  {
    inputs: ['input', 'skip', 'gamma', 'beta?', 'bias?'],
    outputs: ['output', 'mean?', 'inv_std_var?', 'input_skip_bias_sum?'],
    attributes: { epsilon: float(1e-12) },
    shape: ({ input }) => {
      const kept = [...input.shape.slice(0, -1), 1];
      return { output: input.shape, mean: kept, inv_std_var: kept, input_skip_bias_sum: input.shape };
    },
    types: () => ({ mean: 'float32', inv_std_var: 'float32' }),
  },
  domain,
);

/** input [batch, sequence, hidden], weights [hidden, q + k + v], output [batch, sequence, v] */
export const Attention = operator(
  'Attention',
  {
    inputs: ['input', 'weights', 'bias?', 'mask_index?', 'past?', 'attention_bias?', 'past_sequence_length?'],
    outputs: ['output', 'present?'],
    attributes: {
      do_rotary: int(0),
      mask_filter_value: float(-10000),
      num_heads: int(1),
      past_present_share_buffer: int(0),
      qkv_hidden_sizes: ints,
      rotary_embedding_dim: int(0),
      scale: optionalFloat,
      unidirectional: int(0),
    },
    shape: ({ input, weights, past, num_heads, qkv_hidden_sizes, past_present_share_buffer }) => {
      const [batch, sequence] = [input.shape[0]!, input.shape[1]!];
      const hidden = qkv_hidden_sizes?.[2] ?? over(weights.shape[1]!, 3);
      const before = past?.shape[3];
      const length = before === undefined ? sequence : past_present_share_buffer ? before : plus(before, sequence);
      return {
        output: [batch, sequence, hidden],
        present: [2, batch, num_heads, length, over(hidden, num_heads)],
      };
    },
    // the projections, then scores and sums over the keys
    macs: ({ input, weights, output }) => {
      const [sequence, hidden] = [perItem(input.shape[1]!), perItem(weights.shape[1]!)];
      const v = perItem(output.shape[2]!);
      return sequence * perItem(input.shape[2]!) * hidden + sequence * sequence * ((hidden - v) / 2 + v);
    },
  },
  domain,
);
