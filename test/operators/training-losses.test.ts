// Cross-entropies and their gradients are what their kernels compute: reductions, weights, labels that do not count.

import test from 'ava';
import * as ops from '../../src/operators/training-losses.js';
import { int, sameAsKernel, string, type Case, type Fed } from './training-runtime.js';

const weights: Fed = { shape: [4], data: [0.5, 2, 1, 0.25] };
const labelsOf = (shape: readonly number[], type: 'int64' | 'int32', ignored: number): Fed => ({
  type,
  shape,
  data: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 4 === 2 ? ignored : (i * 3) % 4)),
});
const logsOf = (shape: readonly number[]): Fed => {
  const [n, c, ...rest] = shape as [number, number, ...number[]];
  const inner = rest.reduce((a, b) => a * b, 1);
  const score = (i: number, k: number, j: number) => Math.sin(i * 5 + k * 3 + j);
  const data: number[] = [];
  for (let i = 0; i < n; i++)
    for (let k = 0; k < c; k++)
      for (let j = 0; j < inner; j++)
        data.push(score(i, k, j) - Math.log(Array.from({ length: c }, (_, q) => Math.exp(score(i, q, j))).reduce((a, b) => a + b)));
  return { shape, data };
}; // prettier-ignore

for (const reduction of ['mean', 'sum', 'none'])
  for (const isWeighted of [false, true])
    for (const ignored of [undefined, -1, 3, -100])
      test(`cross-entropy: ${reduction}${isWeighted ? ', weighted' : ''}, ignores ${ignored}`, async t => {
        for (const [scores, type] of [[[6, 4], 'int64'], [[2, 4, 3], 'int64'], [[2, 4, 2, 2], 'int32']] as const) {
          const shape = [scores[0], ...scores.slice(2)];
          const labels = labelsOf(shape, type, ignored ?? 1);
          const w = isWeighted ? weights : undefined;
          const attributes = {
            reduction: string(reduction),
            ...(ignored === undefined ? {} : { ignore_index: int(ignored) }),
          };
          const dY: Fed = { shape: reduction === 'none' ? shape : [] };
          const forward: Case = { inputs: [{ shape: scores }, labels, w], attributes, outputs: 2 };
          const backward: Case = { inputs: [dY, logsOf(scores), labels, w], attributes };
          await sameAsKernel(t, ops.SoftmaxCrossEntropyLoss, forward);
          await sameAsKernel(t, ops.SoftmaxCrossEntropyLossGrad, backward);
          if (ignored === undefined) continue;
          const at: Fed = { type: 'int64', shape: [], data: [ignored] };
          const own = { reduction: string(reduction) };
          await sameAsKernel(t, ops.SoftmaxCrossEntropyLossInternal, { inputs: [...forward.inputs, at], attributes: own, outputs: 2 });
          await sameAsKernel(t, ops.SoftmaxCrossEntropyLossInternalGrad, { inputs: [...backward.inputs, at], attributes: own });
          await sameAsKernel(t, ops.SoftmaxCrossEntropyLossInternalGrad, { inputs: [...backward.inputs, at, { shape: scores }], attributes: own });
        }
      }); // prettier-ignore
test('no label counts', async t => {
  const labels = labelsOf([3], 'int64', 2);
  const none: Fed = { ...labels, data: [2, 2, 2] };
  const attributes = { ignore_index: int(2) };
  for (const w of [undefined, weights])
    await sameAsKernel(t, ops.SoftmaxCrossEntropyLossGrad, { inputs: [{ shape: [] }, logsOf([3, 4]), none, w], attributes });
}); // prettier-ignore
test('NegativeLogLikelihoodLoss', async t => {
  for (const reduction of ['mean', 'sum', 'none'])
    for (const w of [undefined, weights])
      await sameAsKernel(t, ops.NegativeLogLikelihoodLoss, {
        inputs: [logsOf([2, 4, 3]), labelsOf([2, 3], 'int64', 0), w],
        attributes: { reduction: string(reduction), ignore_index: int(0) },
      });
});
