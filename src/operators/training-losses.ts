// Training-only operators of onnxruntime, sixth family: cross-entropies and their gradients. Scores are [N, C, …], labels
// [N, …]; with w = the weight of a label's class, 0 where the label is to be ignored:
//   loss = −w · log p(label), summed / averaged by Σ w / as it is;   dscores = w · (p − one-hot(label)) · dY / Σ w
// SoftmaxCrossEntropyLoss is of ONNX, but no kernel of a plain onnxruntime: it says itself in others too.
// Source: https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html; orttraining/training_ops/cpu/loss.

import { tensor } from '../base/index.js';
import type { Value } from '../graph/index.js';
import { operator, optionalInt, string } from './define.js';
import { LogSoftmax } from './activation.js';
import { Add, Cast, CastLike, Div, Equal, Exp, Mul, Neg, Sub, Where } from './elementwise.js';
import { Gather, GatherElements } from './indexing.js';
import { Reshape, Shape, Size, Squeeze, Unsqueeze } from './layout.js';
import { ReduceMean, ReduceSum } from './reduction.js';
import { OneHot } from './scattering.js';

const domain = 'com.microsoft';

/** What decides how much each label counts. */
interface Counting {
  readonly labels: Value;
  readonly weights: Value | undefined;
  /** The label that does not count: a value of the graph, a number, or none. */
  readonly ignored: Value | number | undefined;
  readonly like: Value;
}

/** Labels that can be looked up, and what each counts; undefined where all count 1. */
function counting({ labels, weights, ignored, like }: Counting): { safe: Value; counts: Value | undefined } {
  if (ignored === undefined) return { safe: labels, counts: weights && Gather(weights, labels) };
  const none = typeof ignored === 'number' ? ignored : CastLike(ignored, labels);
  const isIgnored = Equal(labels, none);
  const safe = Where(isIgnored, 0, labels);
  const counts = weights
    ? Where(isIgnored, like.builder.constant(0, 'float32'), Gather(weights, safe))
    : Sub(1, CastLike(isIgnored, like));
  return { safe, counts };
}

type Ignored = Counting['ignored'];

/** The loss and the logarithms of the probabilities. */
function loss(scores: Value, labels: Value, weights: Value | undefined, ignored: Ignored, how: string): Value[] {
  const logs = LogSoftmax(scores, { axis: 1 });
  return [likelihood(logs, labels, weights, ignored, how), logs];
}

function likelihood(logs: Value, labels: Value, weights: Value | undefined, ignored: Ignored, how: string): Value {
  const { safe, counts } = counting({ labels, weights, ignored, like: logs });
  const picked = Neg(Squeeze(GatherElements(logs, Unsqueeze(safe, [1]), { axis: 1 }), [1]));
  const each = counts ? Mul(picked, counts) : picked;
  if (how === 'none') return each;
  if (how === 'mean' && !counts) return ReduceMean(each, undefined, { keepdims: 0 });
  const sum = ReduceSum(each, undefined, { keepdims: 0 });
  return how === 'mean' && counts ? Div(sum, ReduceSum(counts, undefined, { keepdims: 0 })) : sum;
}

/** The gradient by the scores. */
function lossGrad(dY: Value, logs: Value, at: Omit<Counting, 'like'>, how: string, bias?: Value): Value {
  const { safe, counts } = counting({ ...at, like: logs });
  const { builder } = logs;
  const classes = logs.shape[1];
  const depth = typeof classes === 'number' ? builder.constant([classes]) : Shape(logs, { start: 1, end: 2 });
  // OneHot has no kernel for int32 indices everywhere
  const index = safe.type === 'int64' ? safe : Cast(safe, { to: 7 });
  const hot = OneHot(index, depth, builder.constant(tensor('float32', [2], [0, 1])), { axis: 1 });
  const scaled = how === 'mean' ? Div(dY, total(counts, logs, at.labels)) : dY;
  const share = counts ? Mul(scaled, counts) : scaled;
  const grad = Mul(Sub(Exp(logs), hot), counts || how === 'none' ? Unsqueeze(share, [1]) : share);
  return bias ? Add(grad, bias.shape.length === grad.shape.length ? bias : Reshape(bias, Shape(grad))) : grad;
}

/** Σ of what the labels count; 1 where nothing does, as the kernel has it. */
function total(counts: Value | undefined, logs: Value, labels: Value): Value {
  if (!counts) return CastLike(Size(labels), logs);
  const sum = ReduceSum(counts, undefined, { keepdims: 0 });
  return Where(Equal(sum, 0), 1, sum);
}

const lossShape = (scores: Value, labels: Value, reduction: string) => ({
  loss: reduction === 'none' ? labels.shape : [],
  log_prob: scores.shape,
});
const reduction = string('mean');

export const SoftmaxCrossEntropyLoss = operator('SoftmaxCrossEntropyLoss', {
  inputs: ['scores', 'labels', 'weights?'],
  outputs: ['loss', 'log_prob?'],
  attributes: { ignore_index: optionalInt, reduction },
  shape: ({ scores, labels, reduction: how }) => lossShape(scores, labels, how),
  lower: ({ scores, labels, weights, ignore_index, reduction: how }) =>
    loss(scores, labels, weights, ignore_index, how),
});

/** The same of logarithms of probabilities that are there already. */
export const NegativeLogLikelihoodLoss = operator('NegativeLogLikelihoodLoss', {
  inputs: ['input', 'target', 'weight?'],
  outputs: ['loss'],
  attributes: { ignore_index: optionalInt, reduction },
  shape: ({ input, target, reduction: how }) => ({ loss: lossShape(input, target, how).loss }),
  lower: ({ input, target, weight, ignore_index, reduction: how }) =>
    likelihood(input, target, weight, ignore_index, how),
});

export const SoftmaxCrossEntropyLossGrad = operator(
  'SoftmaxCrossEntropyLossGrad',
  {
    inputs: ['dY', 'log_prob', 'label', 'weight?'],
    outputs: ['d_logits'],
    attributes: { ignore_index: optionalInt, reduction },
    shape: ({ log_prob }) => ({ d_logits: log_prob.shape }),
    lower: ({ dY, log_prob, label, weight, ignore_index, reduction: how }) =>
      lossGrad(dY, log_prob, { labels: label, weights: weight, ignored: ignore_index }, how),
  },
  domain,
);

/** The ignored label is an input. */
export const SoftmaxCrossEntropyLossInternal = operator(
  'SoftmaxCrossEntropyLossInternal',
  {
    inputs: ['scores', 'labels', 'weights?', 'ignore_index?'],
    outputs: ['loss', 'log_prob?'],
    attributes: { output_type: optionalInt, reduction },
    shape: ({ scores, labels, reduction: how }) => lossShape(scores, labels, how),
    lower: ({ scores, labels, weights, ignore_index, reduction: how }) =>
      loss(scores, labels, weights, ignore_index, how),
  },
  domain,
);
export const SoftmaxCrossEntropyLossInternalGrad = operator(
  'SoftmaxCrossEntropyLossInternalGrad',
  {
    inputs: ['dY', 'log_prob', 'label', 'weight?', 'ignore_index?', 'bias?'],
    outputs: ['d_logits'],
    attributes: { output_type: optionalInt, reduction },
    shape: ({ log_prob }) => ({ d_logits: log_prob.shape }),
    lower: ({ dY, log_prob, label, weight, ignore_index, bias, reduction: how }) =>
      lossGrad(dY, log_prob, { labels: label, weights: weight, ignored: ignore_index }, how, bias),
  },
  domain,
);
