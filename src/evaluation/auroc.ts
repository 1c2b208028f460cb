// The area under the ROC curve as Mann and Whitney's statistic: the chance that a picture of the class has the higher
// probability than one that is not, half for equal ones (mid-ranks). Of two classes it is that of the second; of more
// the mean over classes, each against the rest; of several labels the mean over labels. A class that no picture has,
// or every picture, has none and is left out of the mean. As scikit-learn's roc_auc_score, average='macro'.

import { ascending } from './ascending.js';
import { isMultiLabel, type Predictions } from './predictions.js';

/** Areas of pictures counted `counts` times each; null where a class is without a picture or has them all. */
export type Areas = (counts?: ArrayLike<number>) => (number | null)[];

/**
 * Makes ready the areas of `classes` (positions; all of them unless told): each column is sorted once, however often
 * areas are asked for.
 */
export function areasOf(at: Predictions, classes: readonly number[] = at.classes.map((_, k) => k)): Areas {
  const K = at.classes.length;
  const count = at.probabilities.length / K;
  const holds = (row: number, k: number) => (isMultiLabel(at) ? at.targets[row * K + k] === 1 : at.labels[row] === k);
  const columns = classes.map(k => {
    const order = ascending(at.probabilities, count, k, K);
    const scores = new Float32Array(count);
    const positive = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      scores[i] = at.probabilities[order[i]! * K + k]!;
      positive[i] = Number(holds(order[i]!, k));
    }
    return { order, scores, positive };
  });
  return counts => columns.map(({ order, scores, positive }) => area(order, scores, positive, counts));
}

/** The mean of the areas that there are: of two classes of one label that of the second alone. */
export function meanArea(at: Predictions): (counts?: ArrayLike<number>) => number | null {
  const binary = !isMultiLabel(at) && at.classes.length === 2;
  const areas = areasOf(at, binary ? [1] : undefined);
  return counts => mean(areas(counts));
}

/** The mean of what is not null; null where nothing is. */
export function mean(values: readonly (number | null)[]): number | null {
  const found = values.filter(value => value !== null);
  return found.length === 0 ? null : found.reduce((a, b) => a + b, 0) / found.length;
}

function area(
  order: Uint32Array,
  scores: Float32Array,
  positive: Uint8Array,
  counts: ArrayLike<number> | undefined,
): number | null {
  let [above, positives, negatives] = [0, 0, 0];
  for (let i = 0; i < order.length;) {
    const score = scores[i]!;
    let [tiedPositives, tiedNegatives] = [0, 0];
    for (; i < order.length && scores[i] === score; i++) {
      const weight = counts ? counts[order[i]!]! : 1;
      if (positive[i]) tiedPositives += weight;
      else tiedNegatives += weight;
    }
    above += tiedPositives * (negatives + tiedNegatives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
  }
  return positives === 0 || negatives === 0 ? null : above / (positives * negatives);
}
