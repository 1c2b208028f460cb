// One sampler per operator of src/operators/reduction.ts that has a gradient.

import { tensor } from '../../../../src/base/index.js';
import type { Value } from '../../../../src/graph/index.js';
import * as op from '../../../../src/operators/index.js';
import { x, type Region, type Sample, type Samplers } from './sample.js';

const reduced = (call: (x: Value, ...rest: never[]) => Value, region: Region = 'signed'): Sample[] => {
  const reduce = call as (...args: unknown[]) => Value;
  return [
    { shapes: [x], region, make: data => reduce(data, [1]) },
    { shapes: [x], region, make: data => reduce(data, [0, -1], { keepdims: 0 }) },
    { shapes: [x], region, make: data => reduce(data) },
    { shapes: [x], region, make: data => reduce(data, { keepdims: 0 }) },
    // no axes mean none
    { shapes: [x], region, make: data => reduce(data, { keepdims: 0, noop_with_empty_axes: 1 }) },
  ];
};

export const reduction: Samplers = {
  ReduceL1: reduced(op.ReduceL1),
  ReduceL2: reduced(op.ReduceL2),
  ReduceLogSum: reduced(op.ReduceLogSum, 'positive'),
  ReduceLogSumExp: reduced(op.ReduceLogSumExp),
  ReduceMax: reduced(op.ReduceMax, 'apart'),
  ReduceMean: reduced(op.ReduceMean),
  ReduceMin: reduced(op.ReduceMin, 'apart'),
  ReduceProd: [
    ...reduced(op.ReduceProd, 'positive'),
    // one zero, two, and none among those that are multiplied
    ...[[1], [0, 1], [2]].map(axes => ({
      shapes: [[2, 3, 2]],
      make: (data: Value) => {
        const zeros = data.builder.constant(tensor('float32', [2, 3, 1], [0, 1, 1, 1, 0, 0]));
        return op.ReduceProd(op.Mul(data, zeros), axes);
      },
    })),
  ],
  ReduceSum: reduced(op.ReduceSum),
  ReduceSumSquare: reduced(op.ReduceSumSquare),
};
