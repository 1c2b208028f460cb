// What onnxruntime's optimizer fuses in float networks, and what it means in standard operators. They are read, and
// written in those where they train; never emitted. Domain com.microsoft; signatures of onnxruntime's ContribOperators.md.

import type { Dim, Value } from '../graph/index.js';
import { Gelu as StandardGelu, HardSigmoid, LeakyRelu, Sigmoid, Softmax, Tanh } from './activation.js';
import { Conv } from './convolution.js';
import { float, floats, int, ints, operator, optionalFloat, string } from './define.js';
import { axesOf, axisOf, over, perItem, plus, sizeOf } from './dims.js';
import { Add, Clip, Mul, Reciprocal, Relu, Sqrt } from './elementwise.js';
import { errors } from './errors.js';
import { Split } from './indexing.js';
import { Reshape, Transpose } from './layout.js';
import { Gemm, MatMul, gemmShape, matmulShape } from './matmul.js';
import { LayerNormalization } from './normalization.js';
import { ReduceMean } from './reduction.js';
import { slide, windowAttributes } from './windows.js';

const domain = 'com.microsoft';

/** The activation that a fused operator ends with, as onnxruntime names it and orders its parameters. */
function activated(operator: string, name: string, parameters: readonly number[], X: Value): Value {
  const [first, second] = parameters;
  switch (name) {
    case '':
      return X;
    case 'Relu':
      return Relu(X);
    case 'Sigmoid':
      return Sigmoid(X);
    case 'Tanh':
      return Tanh(X);
    case 'LeakyRelu':
      return LeakyRelu(X, { alpha: first ?? 0.01 });
    case 'HardSigmoid':
      return HardSigmoid(X, { alpha: first ?? 0.2, beta: second ?? 0.5 });
    case 'Clip':
      return Clip(X, first, second);
    default:
      throw errors.NOT_DIFFERENTIABLE({ operator, why: `through the activation ${JSON.stringify(name)}` });
  }
}

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
    lower: ({ X, W, B, Z, activation, activation_params, auto_pad, dilations, group, kernel_shape, pads, strides }) => {
      const made = Conv(X, W, B, { auto_pad, dilations, group, kernel_shape, pads, strides });
      return activated('FusedConv', activation, activation_params ?? [], Z ? Add(made, Z) : made);
    },
  },
  domain,
);

/** Y = activation(alpha · op(A) · op(B) + beta · C) */
export const FusedGemm = operator(
  'FusedGemm',
  {
    inputs: ['A', 'B', 'C?'],
    outputs: ['Y'],
    attributes: {
      activation: string(''),
      activation_alpha: optionalFloat,
      activation_beta: optionalFloat,
      activation_gamma: optionalFloat,
      alpha: float(1),
      beta: float(1),
      transA: int(0),
      transB: int(0),
    },
    shape: ({ A, B, transA, transB }) => ({ Y: gemmShape('FusedGemm', A.shape, B.shape, transA, transB) }),
    macs: ({ A, Y, transA }) => sizeOf(Y.shape) * perItem(A.shape[1 - transA]!),
    lower: ({ A, B, C, activation, activation_alpha, activation_beta, alpha, beta, transA, transB }) => {
      const parameters = [activation_alpha, activation_beta].filter(one => one !== undefined);
      return activated('FusedGemm', activation, parameters, Gemm(A, B, C, { alpha, beta, transA, transB }));
    },
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
    lower: ({ A, B, alpha, transA, transB, transBatchA, transBatchB }) => {
      const turn = (value: Value, trans: number, transBatch: number) => {
        const perm = turned(axesOf(undefined, value.shape.length), trans, transBatch);
        return perm.every((axis, i) => axis === i) ? value : Transpose(value, { perm });
      };
      const product = MatMul(turn(A, transA, transBatchA), turn(B, transB, transBatchB));
      return alpha === 1 ? product : Mul(product, alpha);
    },
  },
  domain,
);
/** Of a shape, or of the axes themselves. */
function turned<T extends Dim>(shape: readonly T[], trans: number, transBatch: number): readonly T[] {
  if (shape.length < 2) return shape;
  const moved = transBatch ? [...shape.slice(1, -1), shape[0]!, shape.at(-1)!] : shape;
  return trans ? [...moved.slice(0, -2), moved.at(-1)!, moved.at(-2)!] : moved;
}

/** Y = f(X + bias) */
const gelu = (name: string, f: (x: Value) => Value) =>
  operator(
    name,
    {
      inputs: ['X', 'bias?'],
      outputs: ['Y'],
      attributes: {},
      shape: ({ X }) => ({ Y: X.shape }),
      lower: ({ X, bias }) => f(bias ? Add(X, bias) : X),
    },
    domain,
  );
export const Gelu = gelu('Gelu', X => StandardGelu(X));
export const FastGelu = gelu('FastGelu', X => StandardGelu(X, { approximate: 'tanh' }));
export const BiasGelu = gelu('BiasGelu', X => StandardGelu(X));
/** Y = X · sigmoid(alpha · X) */
export const QuickGelu = operator(
  'QuickGelu',
  {
    inputs: ['X'],
    outputs: ['Y'],
    attributes: { alpha: float(1.702) },
    shape: ({ X }) => ({ Y: X.shape }),
    lower: ({ X, alpha }) => Mul(X, Sigmoid(alpha === 1 ? X : Mul(X, alpha))),
  },
  domain,
);

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
    lower: ({ input, skip, gamma, beta, bias, epsilon }) => {
      const sum = together(input, skip, bias);
      return [...LayerNormalization.all(3, sum, gamma, beta, { axis: -1, epsilon }), sum];
    },
  },
  domain,
);

const together = (input: Value, skip: Value, bias: Value | undefined): Value =>
  bias ? Add(Add(input, skip), bias) : Add(input, skip);

/** X / √(mean(X²) + epsilon) · scale from an axis on, and one over the root. */
function rootMeanSquare(X: Value, scale: Value, axis: number, epsilon: number): readonly [Value, Value] {
  const axes = axesOf(undefined, X.shape.length).slice(axisOf(axis, X.shape.length));
  const inverse = Reciprocal(Sqrt(Add(ReduceMean(Mul(X, X), axes), epsilon)));
  return [Mul(Mul(X, inverse), scale), inverse];
}

/** Y = X / √(mean(X²) + epsilon) · scale from `axis` on; onnxruntime's own although it stands in ONNX's domain */
export const SimplifiedLayerNormalization = operator('SimplifiedLayerNormalization', {
  inputs: ['X', 'scale'],
  outputs: ['Y', 'inv_std_var?'],
  attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  shape: ({ X, axis }) => ({
    Y: X.shape,
    inv_std_var: X.shape.map((dim, i) => (i < axisOf(axis, X.shape.length) ? dim : 1)),
  }),
  types: () => ({ inv_std_var: 'float32' }),
  lower: ({ X, scale, axis, epsilon }) => rootMeanSquare(X, scale, axis, epsilon),
});

/** SimplifiedLayerNormalization(input + skip + bias) over the last axis */
export const SkipSimplifiedLayerNormalization = operator(
  'SkipSimplifiedLayerNormalization',
  {
    inputs: ['input', 'skip', 'gamma', 'bias?'],
    outputs: ['output', 'mean?', 'inv_std_var?', 'input_skip_bias_sum?'],
    attributes: { epsilon: float(1e-12) },
    shape: ({ input }) => {
      const kept = [...input.shape.slice(0, -1), 1];
      return { output: input.shape, mean: kept, inv_std_var: kept, input_skip_bias_sum: input.shape };
    },
    types: () => ({ mean: 'float32', inv_std_var: 'float32' }),
    lower: ({ input, skip, gamma, bias, epsilon }) => {
      const sum = together(input, skip, bias);
      const [output, inverse] = rootMeanSquare(sum, gamma, -1, epsilon);
      return [output, ReduceMean(sum, [-1]), inverse, sum];
    },
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
    lower: attend,
  },
  domain,
);

interface AttentionAt {
  readonly input: Value;
  readonly weights: Value;
  readonly bias?: Value;
  readonly mask_index?: Value;
  readonly past?: Value;
  readonly attention_bias?: Value;
  readonly do_rotary: number;
  readonly num_heads: number;
  readonly qkv_hidden_sizes: readonly number[] | undefined;
  readonly scale: number | undefined;
  readonly unidirectional: number;
  readonly outputCount: number;
}

/** softmax(q · kᵀ · scale + attention_bias) · v per head, as encoders have it: without mask, past and rotation. */
function attend(at: AttentionAt): Value {
  const { input, weights, bias, attention_bias, num_heads, qkv_hidden_sizes } = at;
  const hidden = weights.shape[1];
  if (at.mask_index || at.past || at.do_rotary || at.unidirectional || at.outputCount > 1 || typeof hidden !== 'number')
    throw errors.NOT_DIFFERENTIABLE({
      operator: 'Attention',
      why: 'with a mask, a past, rotation, a causal order or a second output',
    });
  const third = hidden / 3;
  const sizes = qkv_hidden_sizes ?? [third, third, third];
  const projected = MatMul(input, weights);
  // q, k and v [batch, heads, sequence, size of a head]
  const [q, k, v] = Split.all(3, bias ? Add(projected, bias) : projected, sizes, { axis: -1 }).map((part, i) =>
    Transpose(Reshape(part, [0, 0, num_heads, sizes[i]! / num_heads]), { perm: [0, 2, 1, 3] }),
  ) as [Value, Value, Value];
  const factor = at.scale || 1 / Math.sqrt(sizes[0]! / num_heads);
  const scores = Mul(MatMul(q, Transpose(k, { perm: [0, 1, 3, 2] })), factor);
  const weighted = MatMul(Softmax(attention_bias ? Add(scores, attention_bias) : scores), v);
  return Reshape(Transpose(weighted, { perm: [0, 2, 1, 3] }), [0, 0, sizes[2]!]);
}
