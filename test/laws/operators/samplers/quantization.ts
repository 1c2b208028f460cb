// The sampler of DequantizeLinear, whose scale is what a gradient can reach.

import { tensor } from '../../../../src/base/index.js';
import * as op from '../../../../src/operators/index.js';
import type { Sample, Samplers } from './sample.js';

const x = tensor('int8', [3, 4], [1, -2, 3, 40, -50, 6, 7, 0, 9, -100, 11, 12]);
const along = (axis: number, zero: readonly number[]): Sample => ({
  shapes: [[zero.length]],
  make: scale => {
    const { builder } = scale;
    return op.DequantizeLinear(builder.constant(x), scale, builder.constant(tensor('int8', [zero.length], zero)), {
      axis,
    });
  },
});

export const quantization: Samplers = {
  DequantizeLinear: [
    { shapes: [[]], make: scale => op.DequantizeLinear(scale.builder.constant(x), scale) },
    along(0, [1, -2, 0]),
    along(-1, [3, 0, -4, 5]),
  ],
};
