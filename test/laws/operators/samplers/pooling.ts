// One sampler per operator of src/operators/pooling.ts that has a gradient: every attribute's corners.

import { tensor } from '../../../../src/base/index.js';
import type { Value } from '../../../../src/graph/index.js';
import * as op from '../../../../src/operators/index.js';
import { maps, type Region, type Sample, type Samplers } from './sample.js';

type Window = Partial<{
  kernel_shape: number[];
  strides: number[];
  dilations: number[];
  pads: number[];
  auto_pad: string;
  ceil_mode: number;
}>;
const row = [2, 3, 9];
const volumes = [2, 2, 5, 6, 4];

/** Windows of each rank: overlapping and apart, padded on one side and on both, with elements left over or beyond. */
const windows: readonly (readonly [readonly number[], Window])[] = [
  [maps, { kernel_shape: [3, 2], strides: [2, 2] }],
  [maps, { kernel_shape: [3, 3], strides: [2, 1], pads: [1, 1, 1, 0] }],
  [maps, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  [maps, { kernel_shape: [3, 2], strides: [3, 2], auto_pad: 'SAME_UPPER' }],
  [maps, { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' }],
  [maps, { kernel_shape: [2, 3], strides: [2, 3], auto_pad: 'VALID' }],
  [maps, { kernel_shape: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] }],
  [maps, { kernel_shape: [2, 3], pads: [1, 0, 0, 2] }],
  [maps, { kernel_shape: [2, 2], strides: [2, 2] }],
  [maps, { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }],
  [maps, { kernel_shape: [3, 4], strides: [3, 4], pads: [1, 2, 1, 0], ceil_mode: 1 }],
  [maps, { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }],
  [maps, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1 }],
  [maps, { kernel_shape: [2, 2], strides: [3, 2], pads: [0, 1, 1, 1], ceil_mode: 1 }],
  [maps, { kernel_shape: [2, 2], dilations: [2, 3] }],
  [maps, { kernel_shape: [2, 3], strides: [2, 1], dilations: [3, 2], pads: [1, 1, 0, 1] }],
  [maps, { kernel_shape: [1, 1], strides: [2, 3] }],
  [maps, { kernel_shape: [7, 6] }],
  [row, { kernel_shape: [3], strides: [2], pads: [1, 0] }],
  [row, { kernel_shape: [3], strides: [3] }],
  [row, { kernel_shape: [2], strides: [2], pads: [0, 1], ceil_mode: 1 }],
  [volumes, { kernel_shape: [2, 3, 2], strides: [2, 2, 1] }],
  [volumes, { kernel_shape: [2, 2, 2], strides: [2, 2, 2], ceil_mode: 1 }],
  [volumes, { kernel_shape: [3, 2, 3], pads: [1, 0, 1, 1, 1, 1] }],
];
const over = (make: (X: Value, window: Window) => Value, region: Region = 'signed'): Sample[] =>
  windows.map(([shape, window]) => ({ shapes: [shape], region, make: X => make(X, window) }));

export const pooling: Samplers = {
  MaxPool: [
    ...over((X, window) => op.MaxPool(X, window), 'apart'),
    // its own offsets are taken where they count as we do
    { shapes: [maps], region: 'apart', make: X => op.MaxPool.all(2, X, { kernel_shape: [3, 3], strides: [2, 2] })[0]! },
    {
      shapes: [maps],
      region: 'apart',
      make: X => op.MaxPool.all(2, X, { kernel_shape: [3, 3], strides: [2, 2], storage_order: 1 })[0]!,
    },
  ],
  AveragePool: [
    ...over((X, window) => op.AveragePool(X, window)),
    ...over((X, window) => op.AveragePool(X, { ...window, count_include_pad: 1 })),
  ],
  LpPool: [
    ...over((X, window) => op.LpPool(X, window)),
    { shapes: [maps], make: X => op.LpPool(X, { kernel_shape: [3, 2], strides: [2, 1], p: 1 }) },
    { shapes: [maps], make: X => op.LpPool(X, { kernel_shape: [2, 2], strides: [2, 2], p: 3 }) },
  ],
  GlobalAveragePool: [
    { shapes: [maps], make: op.GlobalAveragePool },
    { shapes: [row], make: op.GlobalAveragePool },
    { shapes: [volumes], make: op.GlobalAveragePool },
  ],
  GlobalMaxPool: [
    { shapes: [maps], region: 'apart', make: op.GlobalMaxPool },
    { shapes: [row], region: 'apart', make: op.GlobalMaxPool },
    { shapes: [volumes], region: 'apart', make: op.GlobalMaxPool },
  ],
  GlobalLpPool: [1, 2, 3].map(p => ({ shapes: [maps], make: (X: Value) => op.GlobalLpPool(X, { p }) })),
  MaxUnpool: [
    {
      shapes: [[1, 2, 2, 2]],
      make: X => op.MaxUnpool(X, places(X, [1, 6, 8, 15, 17, 18, 28, 31]), { kernel_shape: [2, 2], strides: [2, 2] }),
    },
    {
      shapes: [[1, 1, 2, 2]],
      make: X => op.MaxUnpool(X, places(X, [1, 7, 12, 24]), [1, 1, 5, 5], { kernel_shape: [2, 2], strides: [2, 2] }),
    },
  ],
};
const places = (X: Value, offsets: readonly number[]) =>
  X.builder.constant(tensor('int64', X.shape as number[], offsets));
