// One sampler per operator of src/operators/layout.ts that has a gradient: every attribute's corners.

import * as op from '../../../../src/operators/index.js';
import { x, type Samplers } from './sample.js';

export const layout: Samplers = {
  Expand: [
    { shapes: [[3, 1]], make: value => op.Expand(value, [2, 3, 4]) },
    { shapes: [[2, 1, 4]], make: value => op.Expand(value, [1, 3, 1]) },
    { shapes: [[1]], make: value => op.Expand(value, [2, 2]) },
  ],
  Flatten: [
    { shapes: [x], make: value => op.Flatten(value, { axis: 2 }) },
    { shapes: [x], make: value => op.Flatten(value, { axis: 0 }) },
    { shapes: [x], make: value => op.Flatten(value, { axis: -1 }) },
  ],
  Reshape: [
    { shapes: [x], make: value => op.Reshape(value, [4, -1]) },
    { shapes: [x], make: value => op.Reshape(value, [0, 0, 2, 2]) },
    { shapes: [x], make: value => op.Reshape(value, [6, 4], { allowzero: 1 }) },
    { shapes: [[1, 1]], make: value => op.Reshape(value, value.builder.constant([], 'int64')) },
  ],
  Squeeze: [
    { shapes: [[2, 1, 3, 1]], make: value => op.Squeeze(value, [1]) },
    { shapes: [[2, 1, 3, 1]], make: value => op.Squeeze(value, [-1, 1]) },
    { shapes: [[2, 1, 3, 1]], make: value => op.Squeeze(value) },
  ],
  Unsqueeze: [
    { shapes: [x], make: value => op.Unsqueeze(value, [0, -1]) },
    { shapes: [x], make: value => op.Unsqueeze(value, [1]) },
  ],
  Tile: [
    { shapes: [x], make: value => op.Tile(value, [2, 1, 3]) },
    { shapes: [[3]], make: value => op.Tile(value, [4]) },
  ],
  Transpose: [
    { shapes: [x], make: value => op.Transpose(value, { perm: [1, 2, 0] }) },
    { shapes: [x], make: op.Transpose },
  ],
  DepthToSpace: [
    { shapes: [[2, 8, 2, 3]], make: value => op.DepthToSpace(value, { blocksize: 2 }) },
    { shapes: [[2, 8, 2, 3]], make: value => op.DepthToSpace(value, { blocksize: 2, mode: 'CRD' }) },
    { shapes: [[1, 18, 1, 2]], make: value => op.DepthToSpace(value, { blocksize: 3, mode: 'CRD' }) },
  ],
  SpaceToDepth: [
    { shapes: [[2, 2, 4, 6]], make: value => op.SpaceToDepth(value, { blocksize: 2 }) },
    { shapes: [[1, 2, 3, 6]], make: value => op.SpaceToDepth(value, { blocksize: 3 }) },
  ],
};
