// One sampler per operator of src/operators/indexing.ts that has a gradient.

import { tensor } from '../../../../src/base/index.js';
import * as op from '../../../../src/operators/index.js';
import { x, type Samplers } from './sample.js';

export const indexing: Samplers = {
  Concat: [{ shapes: [x, [2, 1, 4]], make: (a, b) => op.Concat(a, b, { axis: 1 }) }],
  Split: [{ shapes: [x], make: value => op.Split.all(2, value, [1, 3], { axis: -1 })[1]! }],
  Slice: [
    { shapes: [x], make: value => op.Slice(value, [1, -3], [3, -1], [1, 2]) },
    { shapes: [x], make: value => op.Slice(value, [1], [2 ** 31], [0]) },
  ],
  Pad: [{ shapes: [x, []], make: (value, filler) => op.Pad(value, [0, 1, 0, 2, 0, 1], filler) }],
  Gather: [
    {
      shapes: [x],
      make: value => op.Gather(value, value.builder.constant(tensor('int64', [2, 2], [1, 2, 1, 0])), { axis: 1 }),
    },
    { shapes: [x], make: value => op.Gather(value, [1, 1, 0]) },
  ],
  GatherElements: [
    {
      shapes: [[3, 2]],
      make: value => op.GatherElements(value, value.builder.constant(tensor('int64', [2, 2], [1, 2, 1, 0]))),
    },
  ],
};
