// One sampler per operator of src/operators/reduction.ts that has a gradient.

import type { Value } from '../../../../src/graph/index.js';
import * as op from '../../../../src/operators/index.js';
import { x, type Region, type Sample, type Samplers } from './sample.js';

const reduced = (call: (x: Value, ...rest: never[]) => Value, region: Region = 'signed'): Sample[] => {
  const reduce = call as (...args: unknown[]) => Value;
  return [
    { shapes: [x], region, make: data => reduce(data, [1]) },
    { shapes: [x], region, make: data => reduce(data, [0, -1], { keepdims: 0 }) },
    { shapes: [x], region, make: data => reduce(data) },
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
  ReduceProd: reduced(op.ReduceProd, 'positive'),
  ReduceSum: reduced(op.ReduceSum),
  ReduceSumSquare: reduced(op.ReduceSumSquare),
};
