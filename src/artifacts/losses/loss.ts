// What a loss is: targets made from labels once, then a mean over the batch with its gradient by the logits.
// A loss that states its gradient is differentiated in its stable form (softmax − target); one that does not goes
// through the reverse walk like anything else.

import type { DataType } from '../../base/index.js';
import type { Dim, Value } from '../../graph/index.js';

export interface Loss {
  readonly name: string;
  /** Type and shape of `labels` for so many classes; the first dimension is the batch. */
  labels(classes: number): { readonly type: DataType; readonly shape: readonly Dim[] };
  /** Labels as they come to targets [N, classes]. Happens once for a whole epoch. */
  targets(labels: Value, classes: number): Value;
  /** The mean over the batch: a scalar. */
  value(logits: Value, targets: Value): Value;
  /** d value / d logits. */
  gradient?(logits: Value, targets: Value): Value;
}
