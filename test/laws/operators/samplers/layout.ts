// One sampler per operator of src/operators/layout.ts that has a gradient.

import * as op from '../../../../src/operators/index.js';
import { x, type Samplers } from './sample.js';

export const layout: Samplers = {
  Expand: [{ shapes: [[3, 1]], make: value => op.Expand(value, [2, 3, 4]) }],
  Flatten: [{ shapes: [x], make: value => op.Flatten(value, { axis: 2 }) }],
  Reshape: [{ shapes: [x], make: value => op.Reshape(value, [4, -1]) }],
  Squeeze: [{ shapes: [[2, 1, 3, 1]], make: value => op.Squeeze(value, [1]) }],
  Unsqueeze: [{ shapes: [x], make: value => op.Unsqueeze(value, [0, -1]) }],
  Tile: [{ shapes: [x], make: value => op.Tile(value, [2, 1, 3]) }],
  Transpose: [
    { shapes: [x], make: value => op.Transpose(value, { perm: [1, 2, 0] }) },
    { shapes: [x], make: op.Transpose },
  ],
};
