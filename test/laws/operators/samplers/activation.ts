// One sampler per operator of src/operators/activation.ts that has a gradient.

import * as op from '../../../../src/operators/index.js';
import { unary, x, type Samplers } from './sample.js';

export const activation: Samplers = {
  Celu: unary(value => op.Celu(value, { alpha: 0.7 })),
  Elu: unary(value => op.Elu(value, { alpha: 0.7 })),
  HardSigmoid: unary(value => op.HardSigmoid(value, { alpha: 0.4, beta: 0.5 }), 'inner'),
  LeakyRelu: unary(value => op.LeakyRelu(value, { alpha: 0.2 })),
  LogSoftmax: unary(value => op.LogSoftmax(value, { axis: 1 })),
  Selu: unary(op.Selu),
  Sigmoid: unary(op.Sigmoid),
  Softmax: unary(value => op.Softmax(value, { axis: 1 })),
  Softplus: unary(op.Softplus),
  Tanh: unary(op.Tanh),
  ThresholdedRelu: unary(value => op.ThresholdedRelu(value, { alpha: 0.1 })),
  PRelu: [{ shapes: [x, [3, 1]], make: op.PRelu }],
};
