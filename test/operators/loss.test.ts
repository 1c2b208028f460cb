import test from 'ava';
import { differentiate } from '../../src/autodiff/index.js';
import type { GraftError } from '../../src/base/index.js';
import { Builder } from '../../src/graph/index.js';
import { NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss } from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

test('losses of rows and of maps, reduced or not', async t => {
  await agrees(t, feed => {
    const labels = feed([4], 'int64', [2, 0, 1, 1]);
    const maps = feed([2, 2, 2], 'int64', [0, 1, 2, 0, 1, 2, 0, 1]);
    const weights = feed([3]);
    return [
      ...SoftmaxCrossEntropyLoss.all(2, feed([4, 3]), labels),
      ...SoftmaxCrossEntropyLoss.all(2, feed([2, 3, 2, 2]), maps, weights, { reduction: 'none', ignore_index: 1 }),
      SoftmaxCrossEntropyLoss(feed([4, 3]), labels, { reduction: 'sum' }),
      NegativeLogLikelihoodLoss(feed([4, 3]), labels, weights),
      NegativeLogLikelihoodLoss(feed([2, 3, 2, 2]), maps, { reduction: 'none' }),
    ];
  });
});

test('weights of classes are no parameters', t => {
  const b = new Builder();
  const weights = b.input('weights', 'float32', [3]);
  const y = SoftmaxCrossEntropyLoss(b.input('x', 'float32', [2, 3]), b.input('labels', 'int64', [2]), weights);
  const error = t.throws<GraftError>(() => differentiate(b, new Map([[y, b.constant(1)]]), [weights]));
  t.is(error.code, 'OPERATOR_NOT_DIFFERENTIABLE');
});
