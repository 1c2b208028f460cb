// Features and what is true of them: what heads are trained on and judged by.

import { elementCount, type Tensor } from '../base/index.js';
import { errors } from './errors.js';

/** Features and what is true of them. */
export interface LabelledFeatures {
  /** [count, width] */
  readonly features: Float32Array;
  readonly count: number;
  readonly width: number;
  /** int64 [count], or float32 [count, classes] of several labels. */
  readonly labels: Tensor;
}

/** Refuses features whose sizes do not agree. */
export function checkLabelled(what: string, { features, count, width, labels }: LabelledFeatures): void {
  if (count < 1) throw errors.DATA({ what, found: 'no picture', wanted: 'one at least' });
  if (features.length !== count * width)
    throw errors.DATA({ what, found: `${features.length} features`, wanted: `${count} × ${width}` });
  const isSingle = labels.type === 'int64' && labels.shape.length === 1;
  const isSeveral = labels.type === 'float32' && labels.shape.length === 2;
  if ((!isSingle && !isSeveral) || labels.shape[0] !== count || elementCount(labels.shape) === 0)
    throw errors.DATA({
      what: `labels of ${what}`,
      found: `${labels.type} [${labels.shape.join(',')}]`,
      wanted: `int64 [${count}] or float32 [${count},classes]`,
    });
}
