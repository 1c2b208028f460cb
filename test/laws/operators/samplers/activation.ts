// One sampler per operator of src/operators/activation.ts that has a gradient.

import * as op from '../../../../src/operators/index.js';
import { unary, x, type Samplers } from './sample.js';

const along = (call: typeof op.Softmax) => [
  ...unary(call),
  ...unary(value => call(value, { axis: 1 })),
  ...unary(value => call(value, { axis: 0 })),
  { shapes: [[5]], make: call },
];

export const activation: Samplers = {
  Celu: [...unary(value => op.Celu(value, { alpha: 0.7 })), ...unary(op.Celu)],
  Elu: [...unary(value => op.Elu(value, { alpha: 0.7 })), ...unary(op.Elu)],
  Gelu: [...unary(op.Gelu), ...unary(value => op.Gelu(value, { approximate: 'tanh' }))],
  HardSigmoid: [
    ...unary(value => op.HardSigmoid(value, { alpha: 0.4, beta: 0.5 }), 'inner'),
    ...unary(op.HardSigmoid),
    // beyond both ends: kinks at −0.05 and 0.05
    ...unary(value => op.HardSigmoid(value, { alpha: 10, beta: 0.5 })),
  ],
  HardSwish: [
    ...unary(op.HardSwish), // beyond both ends: kinks at ±0.2
    ...unary(value => op.HardSwish(op.Mul(value, 15))),
  ],
  LeakyRelu: [
    ...unary(op.LeakyRelu),
    ...unary(value => op.LeakyRelu(value, { alpha: 0.2 })),
    ...unary(value => op.LeakyRelu(value, { alpha: -0.3 })),
    ...unary(value => op.LeakyRelu(value, { alpha: 1.5 })),
  ],
  LogSoftmax: along(op.LogSoftmax),
  Mish: [...unary(op.Mish), ...unary(value => op.Mish(op.Mul(value, 30)))],
  PRelu: [
    { shapes: [x, [3, 1]], make: op.PRelu },
    { shapes: [x, x], make: op.PRelu },
    { shapes: [x, [1]], make: op.PRelu },
  ],
  Selu: [...unary(op.Selu), ...unary(value => op.Selu(value, { alpha: 1.5, gamma: 0.8 }))],
  Shrink: [...unary(op.Shrink, 'above'), ...unary(value => op.Shrink(value, { lambd: 0.1, bias: 0.3 }))],
  Sigmoid: unary(op.Sigmoid),
  Softmax: along(op.Softmax),
  Softplus: unary(op.Softplus),
  Softsign: unary(op.Softsign),
  Tanh: unary(op.Tanh),
  ThresholdedRelu: [
    ...unary(value => op.ThresholdedRelu(value, { alpha: 0.1 })),
    ...unary(value => op.ThresholdedRelu(value, { alpha: 1 }), 'above'),
  ],
};
