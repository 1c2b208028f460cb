// One sampler per operator of src/operators/detection.ts that has a gradient.

import * as op from '../../../../src/operators/index.js';
import { x, type Samplers } from './sample.js';

export const detection: Samplers = {
  TopK: [
    { shapes: [x], region: 'apart', make: X => op.TopK.all(2, X, [2])[0]! },
    { shapes: [x], region: 'apart', make: X => op.TopK.all(2, X, [2], { axis: 1, largest: 0 })[0]! },
  ],
};
