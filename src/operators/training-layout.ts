// Training-only operators of onnxruntime, fifth family: joins that tell their lengths, sums over axes that the graph
// computes, quotients that were broadcast, and values that only pass through.
// Source: onnxruntime, orttraining/core/graph/training_op_defs.cc and the kernels of orttraining/training_ops/cpu.

import type { Dim, Value } from '../graph/index.js';
import { int, operator, type Operator } from './define.js';
import { axisOf } from './dims.js';
import { And, Div, Equal, Mul, Neg, Not, Or, Sqrt, Sum } from './elementwise.js';
import { errors } from './errors.js';
import { Concat, Split } from './indexing.js';
import { Reshape, Shape, Squeeze } from './layout.js';
import { ReduceSum, ReduceSumSquare } from './reduction.js';
import { ConstantOfShape, NonZero } from './scattering.js';

const domain = 'com.microsoft';

/** Concat that also tells how long each input is along the axis. */
export const ConcatTraining = operator(
  'ConcatTraining',
  {
    inputs: ['...inputs'],
    outputs: ['concat_result', 'per_input_length?'],
    attributes: { axis: int(0) },
    shape: at => ({
      concat_result: Concat.spec.shape({ ...at, outputCount: 1 } as never)['concat_result'],
      per_input_length: [at.inputs.length],
    }),
    types: () => ({ per_input_length: 'int64' }),
    lower: ({ inputs, axis, outputCount }) => {
      const whole = Concat(...inputs, { axis });
      if (outputCount === 1) return whole;
      const at = axisOf(axis, inputs[0]!.shape.length);
      const lengths = inputs.map(input => Shape(input, { start: at, end: at + 1 }));
      return [whole, lengths.length > 1 ? Concat(...lengths, { axis: 0 }) : lengths[0]!];
    },
  },
  domain,
);

export const SplitTraining = operator(
  'SplitTraining',
  {
    inputs: ['input', 'split'],
    outputs: ['...outputs'],
    attributes: { axis: int(0) },
    shape: ({ input, split, axis, outputCount }) => {
      const at = axisOf(axis, input.shape.length);
      const sizes = split.known ?? Array.from({ length: outputCount }, (): Dim => '');
      return { outputs: sizes.map(size => input.shape.map((dim, i) => (i === at ? size : dim))) };
    },
    lower: ({ input, split, axis, outputCount }) => Split.all(outputCount, input, split, { axis }),
  },
  domain,
);

export const ReduceSumTraining = operator(
  'ReduceSumTraining',
  {
    inputs: ['data', 'axes'],
    outputs: ['reduced'],
    attributes: { keepdims: int(1), noop_with_empty_axes: int(0) },
    shape: at => ReduceSum.spec.shape(at as never) as { reduced: readonly Dim[] },
    lower: ({ data, axes, keepdims, noop_with_empty_axes }) =>
      ReduceSum(data, axes, { keepdims, noop_with_empty_axes }),
  },
  domain,
);

/** The axes over which a gradient of shape max(a, b) is summed to become one of a, and of b. */
export const BroadcastGradientArgs = operator(
  'BroadcastGradientArgs',
  {
    inputs: ['a_shape', 'b_shape'],
    outputs: ['a_axes?', 'b_axes?'],
    attributes: {},
    shape: ({ a_shape, b_shape }) => {
      const axes = summedAxes(a_shape.known, b_shape.known);
      return { a_axes: [axes?.[0].length ?? ''], b_axes: [axes?.[1].length ?? ''] };
    },
    known: ({ a_shape, b_shape }) => summedAxes(a_shape.known, b_shape.known)?.[0],
    lower: ({ a_shape, b_shape }) => {
      const { builder } = a_shape;
      const axes = summedAxes(a_shape.known, b_shape.known);
      if (axes) return axes.map(list => builder.constant(list));
      const ranks = [a_shape, b_shape].map(({ shape }) => Number(shape[0]) || 0) as [number, number];
      const rank = Math.max(...ranks);
      // ones in front; an axis that is not there at all is summed over, whatever its size
      const [a, b] = [a_shape, b_shape].map((shape, i) =>
        ranks[i] === rank
          ? shape
          : Concat(builder.constant(Array.from({ length: rank - ranks[i]! }, () => 1)), shape, { axis: 0 }),
      ) as [Value, Value];
      const one = builder.constant([1]);
      const [aOne, bOne] = [Equal(a, one), Equal(b, one)];
      const axesWhere = (mask: Value, own: number) => {
        const missing = Array.from({ length: rank }, (_, i) => Number(i < rank - own));
        const isMissing = Equal(builder.constant(missing), one);
        return Squeeze(NonZero(own < rank ? Or(mask, isMissing) : mask), [0]);
      };
      return [axesWhere(And(aOne, Not(bOne)), ranks[0]), axesWhere(And(bOne, Not(aOne)), ranks[1])];
    },
  },
  domain,
);

/** Both lists of axes, from last to first as the kernel gives them; undefined where two sizes may or may not be equal. */
function summedAxes(
  a: readonly Dim[] | undefined,
  b: readonly Dim[] | undefined,
): [readonly number[], readonly number[]] | undefined {
  if (!a || !b) return undefined;
  const rank = Math.max(a.length, b.length);
  const lists: [number[], number[]] = [[], []];
  for (let axis = rank - 1; axis >= 0; axis--) {
    const [x, y] = [a[axis - rank + a.length], b[axis - rank + b.length]];
    if (x === undefined) lists[0].push(axis);
    else if (y === undefined) lists[1].push(axis);
    else if (x === y && x !== '') continue;
    else if (x === 1) lists[0].push(axis);
    else if (y === 1) lists[1].push(axis);
    else if (typeof x !== 'number' || typeof y !== 'number') return undefined;
  }
  return lists;
}

/** A gradient of a broadcast result as one of an operand: `which` is 0 or 1 of two operands. */
function summedTo(gradient: Value, operands: readonly [Value, Value], which: 0 | 1): Value {
  const axes = summedAxes(operands[0].shape, operands[1].shape)?.[which];
  if (!axes)
    throw errors.SHAPE({
      operator: 'DivGrad',
      found: operands.map(({ shape }) => shape),
      wanted: 'sizes that tell what is broadcast',
    });
  const { shape } = operands[which];
  if (axes.length === 0) return gradient;
  const sums = ReduceSum(gradient, axes);
  return sums.shape.length === shape.length ? sums : Reshape(sums, Shape(operands[which]));
}

/** The gradients of A / B by both. */
export const DivGrad = operator(
  'DivGrad',
  {
    inputs: ['dY', 'A', 'B'],
    outputs: ['dA?', 'dB?'],
    attributes: {},
    shape: ({ A, B }) => ({ dA: A.shape, dB: B.shape }),
    lower: ({ dY, A, B }) => {
      const quotient = Div(dY, B);
      return [summedTo(quotient, [A, B], 0), summedTo(Neg(Mul(quotient, Div(A, B))), [A, B], 1)];
    },
  },
  domain,
);

/** Values that wait for each other. */
export const PassThrough = operator(
  'PassThrough',
  {
    inputs: ['...inputs'],
    outputs: ['...outputs'],
    attributes: {},
    shape: ({ inputs }) => ({ outputs: inputs.map(({ shape }) => shape) }),
    lower: ({ inputs }) => inputs,
  },
  domain,
);

export const ZeroGradient = operator(
  'ZeroGradient',
  {
    inputs: ['old_gradient', 'reset_signal'],
    outputs: ['zero_gradient'],
    attributes: {},
    shape: ({ old_gradient }) => ({ zero_gradient: old_gradient.shape }),
    lower: ({ old_gradient }) => ConstantOfShape(Shape(old_gradient)),
  },
  domain,
);

/** The length of all tensors laid end to end. */
export const ReduceAllL2: Operator<Record<never, never>> = operator(
  'ReduceAllL2',
  {
    inputs: ['...X'],
    outputs: ['Y'],
    attributes: {},
    shape: () => ({ Y: [] }),
    lower: ({ X }) => {
      const squares = X.map(x => ReduceSumSquare(x, undefined, { keepdims: 0 }));
      return Sqrt(squares.length > 1 ? Sum(...squares) : squares[0]!);
    },
  },
  domain,
);
