// One sampler per operator of src/operators/convolution.ts that has a gradient.

import * as op from '../../../../src/operators/index.js';
import { maps, type Samplers } from './sample.js';

export const convolution: Samplers = {
  Conv: [
    { shapes: [maps, [3, 4, 3, 2], [3]], make: op.Conv },
    { shapes: [maps, [6, 2, 3, 2]], make: (X, W) => op.Conv(X, W, { group: 2, strides: [2, 3], pads: [1, 0, 2, 1] }) },
    { shapes: [maps, [4, 1, 3, 3]], make: (X, W) => op.Conv(X, W, { group: 4, pads: [1, 1, 1, 1] }) },
    { shapes: [maps, [3, 4, 2, 2]], make: (X, W) => op.Conv(X, W, { dilations: [3, 2], strides: [2, 2] }) },
    { shapes: [maps, [3, 4, 3, 3]], make: (X, W) => op.Conv(X, W, { auto_pad: 'SAME_UPPER', strides: [2, 2] }) },
    { shapes: [maps, [3, 4, 3, 3]], make: (X, W) => op.Conv(X, W, { auto_pad: 'SAME_LOWER', strides: [2, 3] }) },
    { shapes: [[2, 3, 8], [4, 3, 3], [4]], make: (X, W, B) => op.Conv(X, W, B, { strides: [2], pads: [0, 1] }) },
  ],
};
