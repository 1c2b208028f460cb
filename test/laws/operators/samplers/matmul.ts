// One sampler per operator of src/operators/matmul.ts that has a gradient.

import * as op from '../../../../src/operators/index.js';
import { type Samplers } from './sample.js';

export const matmul: Samplers = {
  Gemm: [
    { shapes: [[2, 3], [3, 4], [4]], make: (a, b, c) => op.Gemm(a, b, c, { alpha: 0.5, beta: 2 }) },
    {
      shapes: [
        [3, 2],
        [3, 4],
      ],
      make: (a, b) => op.Gemm(a, b, { transA: 1 }),
    },
    {
      shapes: [
        [2, 3],
        [4, 3],
      ],
      make: (a, b) => op.Gemm(a, b, { transB: 1, alpha: 3 }),
    },
    {
      shapes: [
        [3, 2],
        [4, 3],
      ],
      make: (a, b) => op.Gemm(a, b, { transA: 1, transB: 1 }),
    },
  ],
  MatMul: [
    {
      shapes: [
        [2, 3, 4],
        [4, 5],
      ],
      make: op.MatMul,
    },
    {
      shapes: [
        [3, 4],
        [2, 4, 5],
      ],
      make: op.MatMul,
    },
    { shapes: [[4], [2, 4, 5]], make: op.MatMul },
    { shapes: [[2, 3, 4], [4]], make: op.MatMul },
    { shapes: [[4], [4]], make: op.MatMul },
  ],
};
