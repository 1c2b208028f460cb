// What a loss is: targets made from labels once, then a mean over the batch with its gradient by the logits.
// A loss that states its gradient is differentiated in its stable form (softmax − target); one that does not goes
// through the reverse walk like anything else. Values are made for all batches of an epoch at once, after its steps.

import type { DataType } from '../../base/index.js';
import type { Dim, Value } from '../../graph/index.js';
import { Cast, GlobalAveragePool, Mul, Reciprocal, Reshape, Shape, Squeeze, Unsqueeze } from '../../operators/index.js';

export interface Loss {
  readonly name: string;
  /** Type and shape of `labels` for so many classes; the first dimension is the batch. */
  labels(classes: number): { readonly type: DataType; readonly shape: readonly Dim[] };
  /** Labels as they come to targets [N, classes]. Happens once for a whole epoch. */
  targets(labels: Value, classes: number): Value;
  /** The means over S batches [S, N, classes], each by itself: [S]. {@link sumOfClasses} has equal bits for any S. */
  value(logits: Value, targets: Value): Value;
  /** d value / d logits for one batch [N, classes]; `share` is 1 / N. */
  gradient?(logits: Value, targets: Value, share: Value): Value;
}

/** A loss that states its gradient. */
export type StatedLoss = Loss & Required<Pick<Loss, 'gradient'>>;

/**
 * Terms [S, N, classes] of S batches, summed over the classes and averaged over the batch: [S].
 *
 * Pools rather than ReduceSum: that adds in another order where a batch begins at another address, so that the batches
 * of an epoch would have other last bits together than one by one.
 */
export function sumOfClasses(terms: Value): Value {
  const rows = GlobalAveragePool(terms); // [S, N, 1]
  const means = GlobalAveragePool(Reshape(rows, [0, 1, -1])); // [S, 1, 1]
  const classes = terms.shape.at(-1) as number;
  return Mul(Reshape(means, [-1]), classes);
}

/** The value of one batch [N, classes]: a scalar. */
export const valueOf = ({ value }: Loss, logits: Value, targets: Value): Value =>
  Squeeze(value(Unsqueeze(logits, [0]), Unsqueeze(targets, [0])), [0]);

/** 1 / (size of a dimension), float32 [1]. */
export const shareOf = (value: Value, dimension: number): Value =>
  Reciprocal(Cast(Shape(value, { start: dimension, end: dimension + 1 }), { to: 1 }));
