// What classes were given and have, and the two figures that weigh every class alike however many pictures it has:
//   balanced accuracy = mean over classes of the recall; of several labels mean of (recall + specificity) / 2
//   macro F1          = mean over classes of 2 hits / (given + support)
// A class for which a figure is 0 / 0 is left out of its mean, as scikit-learn does (balanced_accuracy_score; f1_score
// with average='macro', zero_division=nan).

import { mean } from './auroc.js';
import { argmax, isMultiLabel, type Predictions } from './predictions.js';

/** Of each class: pictures that have it, that were given it, and both. */
export interface Tally {
  readonly count: number;
  readonly support: ArrayLike<number>;
  readonly given: ArrayLike<number>;
  readonly hits: ArrayLike<number>;
}

/** Makes ready the tally of pictures counted `counts` times each. */
export function tallies(at: Predictions, threshold = 0.5): (counts: ArrayLike<number>) => Tally {
  const { probabilities: p } = at;
  const K = at.classes.length;
  const fresh = () => [new Float64Array(K), new Float64Array(K), new Float64Array(K)] as const;
  if (isMultiLabel(at)) {
    const { targets } = at;
    return counts => {
      const [support, given, hits] = fresh();
      let count = 0;
      for (let row = 0; row < counts.length; row++) {
        const weight = counts[row]!;
        if (weight === 0) continue;
        count += weight;
        for (let k = 0; k < K; k++) {
          const [holds, says] = [targets[row * K + k] === 1, p[row * K + k]! >= threshold];
          if (holds) support[k]! += weight;
          if (says) given[k]! += weight;
          if (holds && says) hits[k]! += weight;
        }
      }
      return { count, support, given, hits };
    };
  }
  const { labels } = at;
  const chosen = Uint32Array.from({ length: labels.length }, (_, row) => argmax(p, row, K));
  return counts => {
    const [support, given, hits] = fresh();
    let count = 0;
    for (let row = 0; row < counts.length; row++) {
      const weight = counts[row]!;
      const [truth, says] = [labels[row]!, chosen[row]!];
      count += weight;
      support[truth]! += weight;
      given[says]! += weight;
      if (truth === says) hits[truth]! += weight;
    }
    return { count, support, given, hits };
  };
}

/** F1 of one class; null where nothing has it and nothing was given it. */
export const f1 = (support: number, given: number, hits: number): number | null =>
  support + given === 0 ? null : (2 * hits) / (support + given);

/** Mean F1; null where no class has one. */
export const macroF1Of = ({ support, given, hits }: Tally): number | null =>
  mean(Array.from(support, (_, k) => f1(support[k]!, given[k]!, hits[k]!)));

/** Mean recall; of several labels of each label that some pictures have and some have not. */
export const balancedAccuracyOf = ({ count, support, given, hits }: Tally, several: boolean): number | null =>
  mean(
    Array.from(support, (_, k) => {
      const has = support[k]!;
      if (!several) return has === 0 ? null : hits[k]! / has;
      const lacks = count - has;
      return has === 0 || lacks === 0 ? null : (hits[k]! / has + (lacks - given[k]! + hits[k]!) / lacks) / 2;
    }),
  );
