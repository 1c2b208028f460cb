// Training-only operators of onnxruntime, fourth family: gradients of gathers and slices. Each adds dY into zeros of the
// shape that its input `shape` tells: along an axis, or at places.
// Source: onnxruntime, orttraining/core/graph/training_op_defs.cc and the kernels of orttraining/training_ops/cpu/tensor.

import type { Dim, Value } from '../graph/index.js';
import { int, operator } from './define.js';
import { axisOf } from './dims.js';
import { Cast } from './elementwise.js';
import { errors } from './errors.js';
import { Concat, Pad, Slice } from './indexing.js';
import { Expand, Reshape, Shape, Squeeze, Transpose, Unsqueeze } from './layout.js';
import { ConstantOfShape, Range, ScatterElements, ScatterND } from './scattering.js';

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
