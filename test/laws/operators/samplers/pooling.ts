// One sampler per operator of src/operators/pooling.ts that has a gradient.

import * as op from '../../../../src/operators/index.js';
import { maps, type Samplers } from './sample.js';

export const pooling: Samplers = {
  AveragePool: [
    { shapes: [maps], make: X => op.AveragePool(X, { kernel_shape: [3, 2], strides: [2, 2] }) },
    {
      shapes: [maps],
      make: X => op.AveragePool(X, { kernel_shape: [3, 3], strides: [2, 1], pads: [1, 1, 1, 0], count_include_pad: 1 }),
    },
    { shapes: [maps], make: X => op.AveragePool(X, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }) },
    { shapes: [maps], make: X => op.AveragePool(X, { kernel_shape: [3, 2], strides: [3, 2], auto_pad: 'SAME_UPPER' }) },
  ],
  GlobalAveragePool: [{ shapes: [maps], make: op.GlobalAveragePool }],
};
