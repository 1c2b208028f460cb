// One sampler per operator of src/operators/convolution.ts that has a gradient: every attribute's corners.

import * as op from '../../../../src/operators/index.js';
import { maps, type Samplers } from './sample.js';

/** Small volumes [batch, channels, depth, height, width]. */
const volumes = [2, 2, 4, 5, 4];

export const convolution: Samplers = {
  Conv: [
    { shapes: [maps, [3, 4, 3, 2], [3]], make: op.Conv },
    { shapes: [maps, [6, 2, 3, 2]], make: (X, W) => op.Conv(X, W, { group: 2, strides: [2, 3], pads: [1, 0, 2, 1] }) },
    { shapes: [maps, [4, 1, 3, 3]], make: (X, W) => op.Conv(X, W, { group: 4, pads: [1, 1, 1, 1] }) },
    { shapes: [maps, [8, 1, 3, 3]], make: (X, W) => op.Conv(X, W, { group: 4, strides: [2, 2], pads: [0, 1, 1, 0] }) },
    { shapes: [maps, [3, 4, 2, 2]], make: (X, W) => op.Conv(X, W, { dilations: [3, 2], strides: [2, 2] }) },
    {
      shapes: [maps, [2, 2, 3, 2]],
      make: (X, W) => op.Conv(X, W, { group: 2, dilations: [2, 3], strides: [3, 2], pads: [2, 1, 0, 3] }),
    },
    { shapes: [maps, [3, 4, 3, 3]], make: (X, W) => op.Conv(X, W, { auto_pad: 'SAME_UPPER', strides: [2, 2] }) },
    { shapes: [maps, [3, 4, 3, 3]], make: (X, W) => op.Conv(X, W, { auto_pad: 'SAME_LOWER', strides: [2, 3] }) },
    { shapes: [maps, [3, 4, 2, 3]], make: (X, W) => op.Conv(X, W, { auto_pad: 'VALID', strides: [3, 2] }) },
    // a kernel smaller than its stride: elements that no window holds
    { shapes: [maps, [3, 4, 1, 1]], make: (X, W) => op.Conv(X, W, { strides: [2, 2] }) },
    { shapes: [maps, [2, 4, 1, 2]], make: (X, W) => op.Conv(X, W, { strides: [4, 3] }) },
    { shapes: [maps, [3, 4, 1, 1]], make: (X, W) => op.Conv(X, W, { strides: [4, 4], auto_pad: 'SAME_UPPER' }) },
    { shapes: [maps, [3, 4, 1, 1], [3]], make: (X, W, B) => op.Conv(X, W, B, { kernel_shape: [1, 1] }) },
    // padding wider than the kernel
    { shapes: [[1, 2, 3, 3], [2, 2, 1, 1]], make: (X, W) => op.Conv(X, W, { pads: [1, 2, 0, 1] }) }, // prettier-ignore
    { shapes: [[2, 3, 8], [4, 3, 3], [4]], make: (X, W, B) => op.Conv(X, W, B, { strides: [2], pads: [0, 1] }) },
    { shapes: [[2, 4, 9], [4, 2, 2]], make: (X, W) => op.Conv(X, W, { group: 2, strides: [3], dilations: [2] }) }, // prettier-ignore
    { shapes: [volumes, [3, 2, 2, 3, 2], [3]], make: (X, W, B) => op.Conv(X, W, B, { strides: [2, 1, 2] }) },
    {
      shapes: [volumes, [2, 1, 2, 2, 3]],
      make: (X, W) => op.Conv(X, W, { group: 2, dilations: [2, 1, 1], pads: [1, 0, 1, 0, 1, 1] }),
    },
  ],
  ConvTranspose: [
    { shapes: [[2, 4, 3, 4], [4, 3, 3, 2], [3]], make: op.ConvTranspose },
    {
      shapes: [
        [2, 4, 3, 4],
        [4, 2, 3, 3],
      ],
      make: (X, W) => op.ConvTranspose(X, W, { group: 2, strides: [2, 3], pads: [1, 0, 0, 2], output_padding: [1, 2] }),
    },
    {
      shapes: [
        [2, 4, 3, 3],
        [4, 1, 2, 3],
      ],
      make: (X, W) => op.ConvTranspose(X, W, { group: 4, strides: [2, 2], dilations: [3, 2], pads: [1, 1, 1, 1] }),
    },
    ...['SAME_UPPER', 'SAME_LOWER', 'VALID'].map(auto_pad => ({
      shapes: [
        [1, 2, 3, 4],
        [2, 3, 3, 4],
      ],
      make: (X: op.Input, W: op.Input) => op.ConvTranspose(X, W, { auto_pad, strides: [2, 3] }),
    })),
    // a kernel smaller than its stride leaves zeros between
    {
      shapes: [
        [1, 2, 3, 2],
        [2, 3, 1, 2],
      ],
      make: (X, W) => op.ConvTranspose(X, W, { auto_pad: 'SAME_UPPER', strides: [3, 4] }),
    },
    ...['NOTSET', 'SAME_UPPER'].map(auto_pad => ({
      shapes: [
        [1, 2, 3, 4],
        [2, 3, 3, 4],
      ],
      make: (X: op.Input, W: op.Input) => op.ConvTranspose(X, W, { auto_pad, strides: [2, 2], output_shape: [6, 8] }),
    })),
    {
      shapes: [[2, 4, 5], [4, 3, 3], [6]],
      make: (X, W, B) => op.ConvTranspose(X, W, B, { group: 2, strides: [2], pads: [1, 0], output_padding: [1] }),
    },
    {
      shapes: [
        [1, 2, 2, 3, 2],
        [2, 2, 2, 1, 2],
      ],
      make: (X, W) => op.ConvTranspose(X, W, { strides: [2, 1, 2], output_padding: [1, 0, 1] }),
    },
  ],
  Col2Im: [
    {
      shapes: [[2, 12, 12]],
      make: input => op.Col2Im(input, [5, 4], [2, 3], { pads: [0, 1, 0, 0], strides: [1, 1] }),
    },
    {
      shapes: [[1, 8, 9]],
      make: input => op.Col2Im(input, [6, 7], [2, 2], { dilations: [2, 3], strides: [2, 2], pads: [1, 0, 0, 1] }),
    },
  ],
};
