// One sampler per operator of src/operators/normalization.ts that has a gradient.

import type { Value } from '../../../../src/graph/index.js';
import * as op from '../../../../src/operators/index.js';
import { maps, unary, x, type Sample, type Samplers } from './sample.js';

const statistics = (X: Value): [Value, Value] => {
  const list = (numbers: number[]) => X.builder.constant(numbers, 'float32');
  return [list([0.1, -0.2, 0.3, 0]), list([1, 0.5, 2, 1.5])];
};
const batch = (shape: readonly number[], attributes: { epsilon?: number; training_mode?: number }): Sample => ({
  shapes: [shape, [4], [4]],
  make: (X, scale, B) => op.BatchNormalization.all(attributes.training_mode ? 3 : 1, X, scale, B, ...statistics(X), attributes)[0]!, // prettier-ignore
});

export const normalization: Samplers = {
  BatchNormalization: [
    batch(maps, { epsilon: 1e-3 }),
    batch([5, 4], {}),
    batch([2, 4, 3], {}),
    batch(maps, { epsilon: 1e-3, training_mode: 1 }),
    batch([3, 4, 5], { training_mode: 1 }),
  ],
  Dropout: [
    ...unary(op.Dropout),
    ...unary(data => op.Dropout(data, 0.3, data.builder.constant(0, 'bool'))),
    ...unary(data => op.Dropout.all(2, data, 0.3)[0]!),
  ],
  GroupNormalization: [
    { shapes: [maps, [2], [2]], make: (X, scale, bias) => op.GroupNormalization(X, scale, bias, { num_groups: 2 }) },
    {
      shapes: [[2, 4, 6], [4], [4]],
      make: (X, scale, bias) => op.GroupNormalization(X, scale, bias, { num_groups: 4, epsilon: 0.01 }),
    },
    { shapes: [maps, [1], [1]], make: (X, scale, bias) => op.GroupNormalization(X, scale, bias, { num_groups: 1 }) },
  ],
  InstanceNormalization: [
    { shapes: [maps, [4], [4]], make: op.InstanceNormalization },
    { shapes: [[2, 3, 7], [3], [3]], make: (X, s, B) => op.InstanceNormalization(X, s, B, { epsilon: 0.1 }) },
  ],
  LayerNormalization: [
    { shapes: [[2, 3, 6], [6], [6]], make: op.LayerNormalization },
    { shapes: [[2, 3, 6], [6]], make: op.LayerNormalization },
    { shapes: [x, [3, 4], [3, 4]], make: (X, scale, B) => op.LayerNormalization(X, scale, B, { axis: 1 }) },
    { shapes: [x, x, x], make: (X, scale, B) => op.LayerNormalization(X, scale, B, { axis: 0, epsilon: 0.1 }) },
    // the statistics are outputs like others
    { shapes: [x, [4], [4]], make: (X, scale, B) => op.LayerNormalization.all(3, X, scale, B, { axis: -1 }) },
    { shapes: [x, [4]], make: (X, scale) => op.LayerNormalization.all(3, X, scale)[2]! },
  ],
  LpNormalization: [
    ...unary(op.LpNormalization),
    ...unary(value => op.LpNormalization(value, { axis: 1 })),
    ...unary(value => op.LpNormalization(value, { axis: 0, p: 1 })),
  ],
  LRN: [
    { shapes: [[2, 6, 3, 2]], make: X => op.LRN(X, { size: 3, alpha: 0.5, beta: 0.6, bias: 1.5 }) },
    { shapes: [[2, 6, 2, 3]], make: X => op.LRN(X, { size: 7, alpha: 1 }) },
    { shapes: [maps], make: X => op.LRN(X, { size: 5 }) },
    { shapes: [maps], make: X => op.LRN(X, { size: 1, alpha: 0.5 }) },
  ],
  MeanVarianceNormalization: [
    { shapes: [maps], make: op.MeanVarianceNormalization },
    { shapes: [maps], make: X => op.MeanVarianceNormalization(X, { axes: [1, 2, 3] }) },
  ],
};
