// One sampler per operator of src/operators/resize.ts that has a gradient: every attribute's corners.

import { tensor } from '../../../../src/base/index.js';
import type { Value } from '../../../../src/graph/index.js';
import * as op from '../../../../src/operators/index.js';
import { maps, type Sample, type Samplers } from './sample.js';

const coordinates = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
] as const;
const floats = (value: Value, held: readonly number[]) =>
  value.builder.constant(tensor('float32', [held.length], held));

const modes: Sample[] = coordinates.flatMap(coordinate_transformation_mode => [
  ...['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].flatMap((nearest_mode): Sample[] => [
    {
      shapes: [maps],
      make: X => op.Resize(X, undefined, floats(X, [1, 1, 2, 3]), { coordinate_transformation_mode, nearest_mode }),
    },
    {
      shapes: [maps],
      make: X => op.Resize(X, undefined, undefined, [2, 4, 4, 9], { coordinate_transformation_mode, nearest_mode }),
    },
  ]),
  {
    shapes: [maps],
    make: X => op.Resize(X, undefined, floats(X, [1, 1, 2, 1.6]), { coordinate_transformation_mode, mode: 'linear' }),
  },
  {
    shapes: [maps],
    make: X => op.Resize(X, undefined, undefined, [2, 4, 3, 13], { coordinate_transformation_mode, mode: 'linear' }),
  },
  {
    shapes: [maps],
    make: X =>
      op.Resize(X, undefined, undefined, [9, 4], { coordinate_transformation_mode, mode: 'cubic', axes: [2, 3] }),
  },
]);

export const resize: Samplers = {
  Resize: [
    ...modes,
    {
      shapes: [maps],
      make: X => op.Resize(X, undefined, undefined, [3, 4], { axes: [2, 3], mode: 'linear', antialias: 1 }),
    },
    {
      shapes: [maps],
      make: X =>
        op.Resize(X, undefined, floats(X, [0.6, 0.5]), {
          axes: [3, 2],
          mode: 'cubic',
          antialias: 1,
          exclude_outside: 1,
        }),
    },
    // channels last, rows and volumes
    { shapes: [[2, 3, 4, 2]], make: X => op.Resize(X, undefined, floats(X, [1, 2, 3, 1]), { mode: 'linear' }) },
    { shapes: [[2, 3, 4, 2]], make: X => op.Resize(X, undefined, floats(X, [1, 2, 3, 1])) },
    { shapes: [[2, 3, 4, 2]], make: X => op.Resize(X, undefined, undefined, [2, 5, 3, 2]) },
    { shapes: [[2, 3, 5]], make: X => op.Resize(X, undefined, floats(X, [1, 1, 2]), { mode: 'linear' }) },
    { shapes: [[2, 3, 5]], make: X => op.Resize(X, undefined, floats(X, [1, 1, 2])) },
    {
      shapes: [[1, 2, 3, 4, 2]],
      make: X => op.Resize(X, undefined, floats(X, [1, 1, 2, 0.5, 1.5]), { mode: 'linear' }),
    },
    { shapes: [[1, 2, 3, 4, 2]], make: X => op.Resize(X, undefined, floats(X, [1, 1, 2, 1, 2])) },
    // a region, part of it outside
    {
      shapes: [maps],
      make: X =>
        op.Resize(X, floats(X, [0.1, -0.2, 0.8, 1.1]), undefined, [5, 4], {
          axes: [2, 3],
          mode: 'linear',
          coordinate_transformation_mode: 'tf_crop_and_resize',
          extrapolation_value: 0.5,
        }),
    },
    {
      shapes: [maps],
      make: X => op.Resize(X, undefined, undefined, [14, 20], { axes: [2, 3], keep_aspect_ratio_policy: 'not_larger' }),
    },
  ],
  CenterCropPad: [
    { shapes: [maps], make: X => op.CenterCropPad(X, [4, 9], { axes: [2, 3] }) },
    { shapes: [[2, 5]], make: X => op.CenterCropPad(X, [5, 2]) },
  ],
};
