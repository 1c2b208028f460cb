// Losses that ONNX has as operators: scores [N, C, d1, …], labels [N, d1, …] of integers, weights [C].
//   loss = −Σ w · log p[label] / Σ w for 'mean', w the class's weight, 0 where the label is the one to ignore.

import { tensor } from '../base/index.js';
import type { Dim, Value } from '../graph/index.js';
import { operator, optionalInt, string } from './define.js';
import { Softmax } from './activation.js';
import { product } from './dims.js';
import { Add, Cast, Div, Equal, Exp, Mul, Neg, Sub, Where } from './elementwise.js';
import { errors } from './errors.js';
import { Gather } from './indexing.js';
import { Expand, Shape, Size, Unsqueeze } from './layout.js';
import { ReduceSum } from './reduction.js';
import { ConstantOfShape, ScatterElements, zerosLike } from './scattering.js';

const attributes = { ignore_index: optionalInt, reduction: string('mean') };
const reduced = (reduction: string, labels: Value): readonly Dim[] => (reduction === 'none' ? labels.shape : []);

interface At {
  readonly labels: Value;
  readonly weights: Value | undefined;
  readonly ignore_index: number | undefined;
  readonly reduction: string;
}

/** Labels that are classes also where they are to be ignored, and what each example weighs; undefined for 1. */
function weighed({ labels, weights, ignore_index }: At): { classes: Value; each: Value | undefined } {
  if (ignore_index === undefined) return { classes: labels, each: weights && Gather(weights, labels) };
  const isIgnored = Equal(labels, ignore_index);
  const classes = Where(isIgnored, 0, labels);
  return { classes, each: Where(isIgnored, 0, weights ? Gather(weights, classes) : 1) };
}

/** The gradient of each example's −log p: a scalar, or one per label with an axis for the classes. */
function shareOf(each: Value | undefined, dloss: Value, { labels, reduction }: At): Value {
  const perClass = (value: Value) => Unsqueeze(value, [1]);
  if (reduction === 'none') return perClass(each ? Mul(dloss, each) : dloss);
  if (reduction === 'sum') return each ? perClass(Mul(each, dloss)) : dloss;
  if (each) return perClass(Mul(each, Div(dloss, ReduceSum(each, undefined, { keepdims: 0 }))));
  const count = product(labels.shape);
  return Div(dloss, typeof count === 'number' ? count : Cast(Size(labels), { to: 1 }));
}

const weightsAreData = (operator: string) => (): never => {
  throw errors.NOT_DIFFERENTIABLE({ operator, why: 'by the weights of its classes' });
};

export const NegativeLogLikelihoodLoss = operator('NegativeLogLikelihoodLoss', {
  inputs: ['input', 'target', 'weight?'],
  outputs: ['loss'],
  attributes,
  shape: ({ target, reduction }) => ({ loss: reduced(reduction, target) }),
  gradient: {
    input: ({ input, target, weight, dloss, ...rest }): Value => {
      const at: At = { labels: target, weights: weight, ...rest };
      const { classes, each } = weighed(at);
      const places = Unsqueeze(classes, [1]);
      const updates = Expand(Neg(shareOf(each, dloss, at)), Shape(places));
      return ScatterElements(zerosLike(input), places, updates, { axis: 1 });
    },
    target: 'none',
    weight: weightsAreData('NegativeLogLikelihoodLoss'),
  },
});

export const SoftmaxCrossEntropyLoss = operator('SoftmaxCrossEntropyLoss', {
  inputs: ['scores', 'labels', 'weights?'],
  outputs: ['output', 'log_prob?'],
  attributes,
  shape: ({ scores, labels, reduction }) => ({ output: reduced(reduction, labels), log_prob: scores.shape }),
  gradient: {
    // (p − one of the label) · share; through log p: d − p · Σ d
    scores: ({ scores, log_prob, doutput, dlog_prob, ...at }): Value => {
      const p = log_prob ? Exp(log_prob) : Softmax(scores, { axis: 1 });
      const given = dlog_prob;
      const throughLog = given && Sub(given, Mul(p, ReduceSum(given, [1])));
      if (!(doutput as Value | undefined)) return throughLog!;
      const { classes, each } = weighed({ weights: undefined, ...at });
      const places = Unsqueeze(classes, [1]);
      const minusOnes = ConstantOfShape(Shape(places), { value: tensor('float32', [1], [-1]) });
      const beside = ScatterElements(p, places, minusOnes, { axis: 1, reduction: 'add' });
      const throughLoss = Mul(beside, shareOf(each, doutput, { weights: undefined, ...at }));
      return throughLog ? Add(throughLoss, throughLog) : throughLoss;
    },
    labels: 'none',
    weights: weightsAreData('SoftmaxCrossEntropyLoss'),
  },
});
