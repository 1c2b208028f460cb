// One sampler per operator of src/operators/loss.ts: every reduction, weights, labels to ignore, maps of labels.

import { tensor } from '../../../../src/base/index.js';
import type { Value } from '../../../../src/graph/index.js';
import * as op from '../../../../src/operators/index.js';
import type { Sample, Samplers } from './sample.js';

type Loss = typeof op.NegativeLogLikelihoodLoss;
const reductions = ['mean', 'sum', 'none'] as const;
const whole = (value: Value, shape: readonly number[], held: readonly number[], type: 'int64' | 'int32' = 'int64') =>
  value.builder.constant(tensor(type, shape, held));
const weights = (value: Value) => value.builder.constant(tensor('float32', [3], [0.5, 2, 1.25]));

const samples = (loss: Loss): Sample[] =>
  reductions.flatMap((reduction): Sample[] => [
    { shapes: [[4, 3]], make: scores => loss(scores, whole(scores, [4], [1, 0, 2, 1]), { reduction }) },
    {
      shapes: [[4, 3]],
      make: scores => loss(scores, whole(scores, [4], [1, 0, 2, 1], 'int32'), weights(scores), { reduction }),
    },
    {
      shapes: [[4, 3]],
      make: scores => loss(scores, whole(scores, [4], [1, -1, 2, -1]), { reduction, ignore_index: -1 }),
    },
    {
      shapes: [[2, 3, 2, 2]],
      make: scores => {
        const labels = whole(scores, [2, 2, 2], [0, 1, 2, 0, 2, 2, 1, 0]);
        return loss(scores, labels, weights(scores), { reduction, ignore_index: 0 });
      },
    },
  ]);

export const loss: Samplers = {
  NegativeLogLikelihoodLoss: samples(op.NegativeLogLikelihoodLoss),
  SoftmaxCrossEntropyLoss: [
    ...samples(op.SoftmaxCrossEntropyLoss),
    {
      shapes: [[2, 3]],
      make: scores => {
        const [output, logs] = op.SoftmaxCrossEntropyLoss.all(2, scores, whole(scores, [2], [1, 2]));
        return op.Mul(output, logs);
      },
    },
    { shapes: [[2, 3, 2]], make: s => op.SoftmaxCrossEntropyLoss.all(2, s, whole(s, [2, 2], [1, 2, 0, 0]))[1]! },
  ],
};
