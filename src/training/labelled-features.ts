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
  /**
   * The picture of each row, where pictures have several rows. The first rows are the pictures as they are, 0, 1, 2 …; those
   * that follow are augmented: they train, and nothing is judged by them. @default each row is a picture
   */
  readonly groups?: Uint32Array;
}

/** How many pictures there are: their own rows come first. */
export const pictureCount = ({ count, groups }: LabelledFeatures): number =>
  groups ? groups.reduce((most, group) => Math.max(most, group + 1), 0) : count;

/** Refuses features whose sizes do not agree. */
export function checkLabelled(what: string, data: LabelledFeatures): void {
  const { features, count, width, labels, groups } = data;
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
  if (!groups) return;
  const pictures = pictureCount(data);
  if (groups.length !== count || pictures > count || groups.subarray(0, pictures).some((group, row) => group !== row))
    throw errors.DATA({
      what: `groups of ${what}`,
      found: `${groups.length} rows of ${pictures} pictures`,
      wanted: `${count}, the pictures as they are first and in order`,
    });
}
