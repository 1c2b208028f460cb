// One sampler per operator of src/operators/matmul.ts that has a gradient.

import * as op from '../../../../src/operators/index.js';
import { type Sample, type Samplers } from './sample.js';

export const matmul: Samplers = {
  Gemm: [
    ...[0, 1].flatMap(transA =>
      [0, 1].map((transB): Sample => ({
        shapes: [transA ? [3, 2] : [2, 3], transB ? [4, 3] : [3, 4], [2, 1]],
        make: (a, b, c) => op.Gemm(a, b, c, { alpha: 1.5, beta: -0.5, transA, transB }),
      })),
    ),
    { shapes: [[2, 3], [3, 4], []], make: op.Gemm },
    {
      shapes: [
        [2, 3],
        [3, 4],
        [2, 4],
      ],
      make: op.Gemm,
    },
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
    { shapes: [[4], [4, 3]], make: op.MatMul },
    { shapes: [[3, 4], [4]], make: op.MatMul },
    // batches that broadcast both ways
    {
      shapes: [
        [2, 1, 3, 4],
        [3, 4, 2],
      ],
      make: op.MatMul,
    },
    {
      shapes: [
        [2, 3, 2, 4],
        [2, 3, 4, 2],
      ],
      make: op.MatMul,
    },
    {
      shapes: [
        [1, 3, 4],
        [2, 4, 2],
      ],
      make: op.MatMul,
    },
  ],
};
