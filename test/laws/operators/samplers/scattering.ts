// One sampler per operator of src/operators/scattering.ts that has a gradient.

import { tensor } from '../../../../src/base/index.js';
import * as op from '../../../../src/operators/index.js';
import { unary, type Samplers } from './sample.js';

export const scattering: Samplers = {
  Trilu: [{ shapes: [[3, 4]], make: value => op.Trilu(value, { upper: 0 }) }],
  CumSum: unary(value => op.CumSum(value, value.builder.constant(1, 'int64'), { exclusive: 1 })),
  ScatterElements: [
    {
      shapes: [
        [3, 3],
        [2, 3],
      ],
      make: (data, updates) => {
        const indices = data.builder.constant(tensor('int64', [2, 3], [1, 0, 2, 1, 2, 1]));
        return op.ScatterElements(data, indices, updates, { reduction: 'add' });
      },
    },
  ],
  ScatterND: [
    {
      shapes: [
        [4, 2],
        [3, 2],
      ],
      make: (data, updates) => {
        const indices = data.builder.constant(tensor('int64', [3, 1], [1, 3, 1]));
        return op.ScatterND(data, indices, updates, { reduction: 'add' });
      },
    },
  ],
};
