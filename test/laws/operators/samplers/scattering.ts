// One sampler per operator of src/operators/scattering.ts that has a gradient: every attribute's corners.

import { tensor } from '../../../../src/base/index.js';
import type { Value } from '../../../../src/graph/index.js';
import * as op from '../../../../src/operators/index.js';
import { x, type Sample, type Samplers } from './sample.js';

const at = (value: Value, shape: readonly number[], indices: readonly number[]) =>
  value.builder.constant(tensor('int64', shape, indices));
const axis = (value: Value, axis: number) => value.builder.constant(axis, 'int64');

export const scattering: Samplers = {
  Trilu: [
    { shapes: [[3, 4]], make: value => op.Trilu(value, { upper: 0 }) },
    { shapes: [x], make: value => op.Trilu(value, axis(value, 1)) },
    { shapes: [x], make: value => op.Trilu(value, axis(value, -1), { upper: 0 }) },
  ],
  CumSum: [0, 1].flatMap(exclusive =>
    [0, 1].map((reverse): Sample => ({
      shapes: [x],
      make: value => op.CumSum(value, axis(value, reverse - 1), { exclusive, reverse }),
    })),
  ),
  ScatterElements: [
    {
      shapes: [
        [3, 3],
        [2, 3],
      ],
      make: (data, updates) =>
        op.ScatterElements(data, at(data, [2, 3], [1, 0, 2, 1, 2, 1]), updates, { reduction: 'add' }),
    },
    {
      shapes: [
        [3, 4],
        [2, 2],
      ],
      make: (data, updates) => op.ScatterElements(data, at(data, [2, 2], [1, -1, 0, 2]), updates, { axis: 1 }),
    },
  ],
  ScatterND: [
    {
      shapes: [
        [4, 2],
        [3, 2],
      ],
      make: (data, updates) => op.ScatterND(data, at(data, [3, 1], [1, 3, 1]), updates, { reduction: 'add' }),
    },
    {
      shapes: [
        [4, 2, 3],
        [2, 3],
      ],
      make: (data, updates) => op.ScatterND(data, at(data, [2, 2], [1, 0, -1, 1]), updates),
    },
  ],
  OneHot: [
    { shapes: [[2]], make: values => op.OneHot(at(values, [3], [1, 0, -1]), 4, values) },
    { shapes: [[2]], make: values => op.OneHot(at(values, [2, 2], [1, 3, 7, 0]), 4, values, { axis: 1 }) },
  ],
  ReverseSequence: [
    { shapes: [x], make: input => op.ReverseSequence(input, [2, 1, 1]) },
    { shapes: [x], make: input => op.ReverseSequence(input, [3, 2], { batch_axis: 0, time_axis: 1 }) },
  ],
};
