// Training-only operators of onnxruntime, fourth family: gradients of gathers and slices, joins that tell their lengths,
// sums over axes that the graph computes, and values that only pass through.
// Source: onnxruntime, orttraining/core/graph/training_op_defs.cc and the kernels of orttraining/training_ops/cpu/tensor.

import type { Dim, Value } from '../graph/index.js';
import { int, operator, type Operator } from './define.js';
import { axisOf } from './dims.js';
import { And, Cast, Equal, Not, Or, Sqrt, Sum } from './elementwise.js';
import { errors } from './errors.js';
import { Concat, Pad, Slice, Split } from './indexing.js';
import { Expand, Reshape, Shape, Squeeze, Transpose, Unsqueeze } from './layout.js';
import { ReduceSum, ReduceSumSquare } from './reduction.js';
import { ConstantOfShape, NonZero, Range, ScatterElements, ScatterND } from './scattering.js';

const domain = 'com.microsoft';
const end = 2 ** 31 - 1;

/** The shape that a vector of sizes tells. */
const shapeIn = (shape: Value): readonly Dim[] =>
  shape.known ?? Array.from({ length: Number(shape.shape[0]) || 0 }, () => '');

/** Parts of a tensor added along an axis of a larger one, at the positions [k]; `size` [1] is the larger one's. */
function spreadAlong(parts: Value, axis: number, positions: Value, size: Value): Value {
  const perm = [axis, ...parts.shape.flatMap((_, i) => (i === axis ? [] : [i]))];
  const isFirst = axis === 0;
  const first = isFirst ? parts : Transpose(parts, { perm });
  const whole = first.shape.length > 1 ? Concat(size, Shape(first, { start: 1 }), { axis: 0 }) : size;
  const spread = ScatterND(ConstantOfShape(whole), Unsqueeze(positions, [1]), first, { reduction: 'add' });
  return isFirst ? spread : Transpose(spread, { perm: perm.map((_, i) => perm.indexOf(i)) });
}

/** The size along an axis, as a vector of one. */
const sizeAt = (shape: Value, axis: number): Value => {
  const size = shape.known?.[axis];
  return typeof size === 'number' ? shape.builder.constant([size]) : Slice(shape, [axis], [axis + 1]);
};

export const GatherGrad = operator(
  'GatherGrad',
  {
    inputs: ['shape', 'indices', 'dY'],
    outputs: ['dX'],
    attributes: { axis: int(0) },
    shape: ({ shape }) => ({ dX: shapeIn(shape) }),
    types: ({ dY }) => ({ dX: dY.type }),
    lower: ({ shape, indices, dY, axis }) => {
      const rank = shapeIn(shape).length;
      const at = axisOf(axis, rank);
      const many = indices.shape.length;
      // the axes of the indices become one, [k]
      const flat = many === 1 ? indices : Reshape(indices, [-1]);
      let parts = dY;
      if (many === 0) parts = Unsqueeze(dY, [at]);
      else if (many > 1) {
        const before = at > 0 ? [Slice(shape, [0], [at])] : [];
        const after = at + 1 < rank ? [Slice(shape, [at + 1], [rank])] : [];
        parts = Reshape(dY, Concat(...before, dY.builder.constant([-1]), ...after, { axis: 0 }));
      }
      return spreadAlong(parts, at, flat.type === 'int64' ? flat : Cast(flat, { to: 7 }), sizeAt(shape, at));
    },
  },
  domain,
);

export const GatherElementsGrad = operator(
  'GatherElementsGrad',
  {
    inputs: ['dY', 'shape', 'indices'],
    outputs: ['dX'],
    attributes: { axis: int(0) },
    shape: ({ shape }) => ({ dX: shapeIn(shape) }),
    lower: ({ dY, shape, indices, axis }) =>
      ScatterElements(ConstantOfShape(shape), indices, dY, { axis, reduction: 'add' }),
  },
  domain,
);

export const GatherNDGrad = operator(
  'GatherNDGrad',
  {
    inputs: ['shape', 'indices', 'dY'],
    outputs: ['dX'],
    attributes: { batch_dims: int(0) },
    shape: ({ shape }) => ({ dX: shapeIn(shape) }),
    types: ({ dY }) => ({ dX: dY.type }),
    lower: ({ shape, indices, dY, batch_dims }) => {
      // with batch_dims, each index begins with where it stands in the batch
      const { builder } = dY;
      const rank = indices.shape.length;
      const scalar = (number: number) => builder.constant(number, 'int64');
      const size = Concat(Shape(indices, { start: 0, end: rank - 1 }), builder.constant([1]), { axis: 0 });
      const own = Array.from({ length: batch_dims }, (_, axis) => {
        const count = Squeeze(sizeAt(shape, axis), [0]);
        const target = indices.shape.map((_, i) => (i === axis ? -1 : 1));
        return Expand(Reshape(Range(scalar(0), count, scalar(1)), target), size);
      });
      const places = own.length > 0 ? Concat(...own, indices, { axis: rank - 1 }) : indices;
      return ScatterND(ConstantOfShape(shape), places, dY, { reduction: 'add' });
    },
  },
  domain,
);

export const SliceGrad = operator(
  'SliceGrad',
  {
    inputs: ['dY', 'shape', 'starts', 'ends', 'axes?', 'steps?'],
    outputs: ['dX'],
    attributes: {},
    shape: ({ shape }) => ({ dX: shapeIn(shape) }),
    lower: ({ dY, shape, starts, ends, axes, steps }) => {
      const rank = dY.shape.length;
      const count = Number(starts.shape[0]);
      if (axes && !axes.known)
        throw errors.SHAPE({ operator: 'SliceGrad', found: [dY.shape], wanted: 'constant axes' });
      const along = axes?.known?.map(axis => axisOf(Number(axis), rank)) ?? Array.from({ length: count }, (_, i) => i);
      const pads = padsOf(shapeIn(shape), along, starts.known, ends.known, steps ? steps.known : undefined);
      if (pads && (!steps || steps.known)) return Pad(dY, pads);
      // along each axis: the positions that the slice takes, by a slice of all positions
      const scalar = (number: number) => dY.builder.constant(number, 'int64');
      const one = (list: Value, i: number) => (list.shape[0] === 1 ? list : Slice(list, [i], [i + 1]));
      return along.reduce((parts, axis, i) => {
        const size = sizeAt(shape, axis);
        const all = Range(scalar(0), Squeeze(size, [0]), scalar(1));
        const bounds = [one(starts, i), one(ends, i), dY.builder.constant([0])];
        const taken = steps ? Slice(all, ...bounds, one(steps, i)) : Slice(all, ...bounds);
        return spreadAlong(parts, axis, taken, size);
      }, dY);
    },
  },
  domain,
);

/** The zeros around a slice of steps of 1, begins and then ends; undefined where a bound or a size is open. */
function padsOf(
  shape: readonly Dim[],
  axes: readonly number[],
  starts: readonly Dim[] | undefined,
  ends: readonly Dim[] | undefined,
  steps: readonly Dim[] | undefined,
): number[] | undefined {
  if (!starts || !ends || steps?.some(step => step !== 1)) return undefined;
  const pads = new Array<number>(2 * shape.length).fill(0);
  for (const [i, axis] of axes.entries()) {
    const [size, start, stop] = [shape[axis], starts[i], ends[i]];
    if (typeof start !== 'number' || typeof stop !== 'number') return undefined;
    if (typeof size !== 'number') {
      if (start === 0 && stop >= end) continue;
      return undefined;
    }
    const clamp = (at: number) => Math.min(size, Math.max(0, at < 0 ? at + size : at));
    pads[axis] = clamp(start);
    pads[shape.length + axis] = size - Math.max(clamp(start), clamp(stop));
  }
  return pads;
}

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
