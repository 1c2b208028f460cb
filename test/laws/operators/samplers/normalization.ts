// One sampler per operator of src/operators/normalization.ts that has a gradient.

import * as op from '../../../../src/operators/index.js';
import { maps, unary, type Samplers } from './sample.js';

export const normalization: Samplers = {
  Dropout: unary(op.Dropout),
  BatchNormalization: [
    {
      shapes: [maps, [4], [4]],
      make: (X, scale, B) => {
        const statistics = (list: number[]) => X.builder.constant(list, 'float32');
        const [mean, variance] = [statistics([0.1, -0.2, 0.3, 0]), statistics([1, 0.5, 2, 1.5])];
        return op.BatchNormalization(X, scale, B, mean, variance, { epsilon: 1e-3 });
      },
    },
  ],
};
