// One sampler per operator of src/operators/indexing.ts that has a gradient: every attribute's corners.

import { tensor } from '../../../../src/base/index.js';
import type { Value } from '../../../../src/graph/index.js';
import * as op from '../../../../src/operators/index.js';
import { x, type Sample, type Samplers } from './sample.js';

const at = (value: Value, shape: readonly number[], indices: readonly number[], type: 'int64' | 'int32' = 'int64') =>
  value.builder.constant(tensor(type, shape, indices));
const end = 2 ** 31;
const plane = [2, 5, 6];

/** Modes that pad with the data's own elements, wide, on one side, and cutting off. */
const mirrored = ['reflect', 'edge', 'wrap'].flatMap((mode): Sample[] => [
  { shapes: [plane], make: value => op.Pad(value, [0, 2, 3, 0, 1, 4], undefined, { mode }) },
  { shapes: [plane], make: value => op.Pad(value, [4, 5], undefined, [-1], { mode }) },
  { shapes: [plane], make: value => op.Pad(value, [0, -1, 2, 0, 2, -1], undefined, { mode }) },
]);

export const indexing: Samplers = {
  Concat: [
    { shapes: [x, [2, 1, 4]], make: (a, b) => op.Concat(a, b, { axis: 1 }) },
    { shapes: [x, [1, 3, 4], x], make: (a, b, c) => op.Concat(a, b, c, { axis: 0 }) },
    { shapes: [x, [2, 3, 2]], make: (a, b) => op.Concat(a, b, { axis: -1 }) },
    { shapes: [x], make: a => op.Concat(a, { axis: 1 }) },
  ],
  Split: [
    { shapes: [x], make: value => op.Split.all(2, value, [1, 3], { axis: -1 })[1]! },
    {
      shapes: [x],
      make: value => {
        const [a, b] = op.Split.all(2, value, { axis: 2, num_outputs: 2 });
        return op.Mul(a, b);
      },
    },
    // the last part of an uneven split is smaller
    { shapes: [x], make: value => op.Split.all(2, value, { axis: 1, num_outputs: 2 })[0]! },
    { shapes: [x], make: value => op.Split.all(3, value, { axis: -2, num_outputs: 3 })[2]! },
  ],
  Slice: [
    { shapes: [x], make: value => op.Slice(value, [1, -3], [3, -1], [1, 2]) },
    { shapes: [x], make: value => op.Slice(value, [1], [end], [0]) },
    { shapes: [plane], make: value => op.Slice(value, [-1], [-end], [1], [-1]) },
    { shapes: [plane], make: value => op.Slice(value, [10, -2], [0, -9], [2, 1], [-2, -1]) },
    { shapes: [plane], make: value => op.Slice(value, [0, 1], [end, end], [1, 2], [2, 2]) },
    { shapes: [plane], make: value => op.Slice(value, [1, -7, 0], [2, 4, 100], [0, 1, 2], [1, 3, 4]) },
    { shapes: [plane], make: value => op.Slice(value, [0, 1], [1, 3]) },
    { shapes: [plane], make: value => op.Slice(value, [4], [-end], [2], [-5]) },
    { shapes: [plane], make: value => op.Slice(value, [0], [end], [-1]) },
    // bounds that are computed
    {
      shapes: [plane],
      make: value => {
        const [from, to] = [1, 5].map(bound => op.Cast(unknown(value, bound), { to: 7 }));
        const [starts, ends] = [op.Concat(from, [-1], { axis: 0 }), op.Concat(to, [-end], { axis: 0 })];
        const cut = op.Slice(value, starts, ends, [2, 1], [2, -1]);
        return op.Reshape(cut, [2, 5, 2]);
      },
    },
  ],
  Pad: [
    { shapes: [x, []], make: (value, filler) => op.Pad(value, [0, 1, 0, 2, 0, 1], filler) },
    { shapes: [plane], make: value => op.Pad(value, [0, -1, 2, 0, 1, -3]) },
    { shapes: [plane, []], make: (value, filler) => op.Pad(value, [1, -1, 2, -2], filler, [-1, 1]) },
    { shapes: [plane], make: value => op.Pad(value, [1, 2, 0, 1], undefined, [2, 0]) },
    { shapes: [plane], make: value => op.Reshape(op.Pad(value, op.Cast(unknown(value, 1, 6), { to: 7 })), [4, 7, 8]) },
    ...mirrored,
  ],
  Gather: [
    { shapes: [x], make: value => op.Gather(value, at(value, [2, 2], [1, 2, 1, 0]), { axis: 1 }) },
    { shapes: [x], make: value => op.Gather(value, [1, 1, 0]) },
    { shapes: [x], make: value => op.Gather(value, at(value, [2, 2], [-1, 2, -3, 0]), { axis: -1 }) },
    { shapes: [x], make: value => op.Gather(value, [-1, 0, 1, -1], { axis: 2 }) },
    { shapes: [x], make: value => op.Gather(value, at(value, [3], [2, -3, 2], 'int32'), { axis: 1 }) },
    // one element, and even steps
    { shapes: [x], make: value => op.Gather(value, at(value, [], [0]), { axis: 1 }) },
    { shapes: [x], make: value => op.Gather(value, at(value, [], [-1]), { axis: 2 }) },
    { shapes: [plane], make: value => op.Gather(value, [5, 3, 1], { axis: 2 }) },
    { shapes: [plane], make: value => op.Gather(value, [0, 2], { axis: -2 }) },
  ],
  GatherElements: [
    { shapes: [[3, 2]], make: value => op.GatherElements(value, at(value, [2, 2], [1, 2, 1, 0])) },
    { shapes: [[3, 4]], make: value => op.GatherElements(value, at(value, [2, 3], [1, -1, 1, 0, 2, 2]), { axis: 1 }) },
    {
      shapes: [[3, 4]],
      make: value => op.GatherElements(value, at(value, [2, 2], [-1, 0, 3, 3], 'int32'), { axis: -1 }),
    },
  ],
  GatherND: [
    { shapes: [x], make: value => op.GatherND(value, at(value, [3, 2], [1, 2, 0, -1, 1, 2])) },
    { shapes: [x], make: value => op.GatherND(value, at(value, [2, 1, 3], [1, 2, 3, 0, -3, 0])) },
    { shapes: [x], make: value => op.GatherND(value, at(value, [2, 1], [2, -2]), { batch_dims: 1 }) },
    { shapes: [x], make: value => op.GatherND(value, at(value, [2, 3, 1], [3, -2, 0, 1, 1, 2]), { batch_dims: 2 }) },
    {
      shapes: [x],
      make: value => op.GatherND(value, at(value, [2, 2, 2], [2, 0, 1, 1, 0, 3, 0, 3]), { batch_dims: 1 }),
    },
  ],
};

/** Floats that shape arithmetic does not see through. */
const unknown = (value: Value, held: number, count = 1): Value =>
  op.Sqrt(value.builder.constant(tensor('float32', [count], new Array<number>(count).fill(held * held))));
