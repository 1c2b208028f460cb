// Pictures of kinds that the network does not know: a score a picture, larger for stranger ones, and a threshold that
// known pictures pass at a chosen rate.
//   energy        −ln Σ exp z (Liu 2020)          max-logit   −max z (Hendrycks 2022)          z raw logits
//   mahalanobis   min over classes of (f − m)' P (f − m) (Lee 2018)                            f features
// The threshold is the ⌈(n + 1)(1 − rate)⌉-th smallest score of n known pictures that nothing was fitted to: a new known
// picture is called unknown with at most that chance. Pooled logits ln p have the energy 0, every one: pools use
// max-logit, or the energies of their members.

import { errors } from './errors.js';
import { finiteQuantile } from './finite-quantile.js';
import { logSumExp } from './likelihood.js';
import { mahalanobisDistances } from './mahalanobis.js';

/** How strange a picture is, by logits or by features. */
export type OutlierDetector =
  | { readonly kind: 'energy' | 'max-logit' }
  | {
      readonly kind: 'mahalanobis';
      /** [classes, width] */
      readonly means: Float32Array;
      /** [width, width] */
      readonly precision: Float32Array;
    };

/** A picture is of an unknown kind where its score is above the threshold. */
export type OutlierRule = OutlierDetector & { readonly threshold: number; readonly falseAlarmRate: number };

export interface OutlierOptions {
  /** Share of known pictures that may be called unknown, above 0 and below 1. @default 0.05 */
  readonly falseAlarmRate?: number;
}

/** A fitted threshold and whether there were pictures enough for its promise. */
export interface FittedOutliers {
  /** The largest float32 where there are too few pictures: nothing is called unknown. */
  readonly threshold: number;
  readonly falseAlarmRate: number;
  /** Chance that a new known picture is called unknown, where scores are never equal: at most `falseAlarmRate`. */
  readonly expectedFalseAlarmRate: number;
  /** Known pictures that it was fitted to. */
  readonly count: number;
  /** Fewest pictures for this rate. */
  readonly needed: number;
  /** `count` is below `needed`. */
  readonly never: boolean;
}

const defaults = { falseAlarmRate: 0.05 } as const;
const largestFloat = (2 - 2 ** -23) * 2 ** 127;

/**
 * The score of each row of logits [pictures, classes], or of features [pictures, width] where the kind is mahalanobis.
 *
 * @param columns classes, or the width of features
 * @throws `EVALUATION_SHAPE`, `EVALUATION_NOT_FINITE`
 * @example outlierScores({ kind: 'max-logit' }, Float32Array.of(3, 1, 0, 2), 2) // [-3, -2]
 */
export function outlierScores(
  detector: OutlierDetector,
  values: Float32Array,
  columns: number,
): Float32Array<ArrayBuffer> {
  if (!Number.isInteger(columns) || columns < 1 || values.length % columns !== 0)
    throw errors.SHAPE({ what: `numbers for rows of ${columns}`, found: values.length, wanted: columns });
  const count = values.length / columns;
  const scores = new Float32Array(count);
  if (detector.kind === 'mahalanobis') scores.set(mahalanobisDistances(detector, values, columns));
  else
    for (let row = 0; row < count; row++) {
      let most = -Infinity;
      if (detector.kind === 'energy') most = logSumExp(values, row, columns);
      else for (let k = 0; k < columns; k++) most = Math.max(most, values[row * columns + k]!);
      scores[row] = -most;
    }
  for (let row = 0; row < count; row++)
    if (!Number.isFinite(scores[row])) throw errors.NOT_FINITE({ row, label: detector.kind, found: scores[row]! });
  return scores;
}

/**
 * The threshold that known pictures pass at a chosen rate.
 *
 * @param scores of known pictures that neither the network nor means and precision were fitted to
 * @throws `EVALUATION_EMPTY`, `EVALUATION_OPTION`, `EVALUATION_NOT_FINITE`, `EVALUATION_OUTLIERS` where all scores are
 *   equal, as the energies of log-probabilities are
 * @example
 * const detector = { kind: 'energy' } as const;
 * const { threshold, falseAlarmRate } = fitOutliers(outlierScores(detector, logits, classes.length));
 * const rule: OutlierRule = { ...detector, threshold, falseAlarmRate };
 */
export function fitOutliers(scores: Float32Array, options: OutlierOptions = {}): FittedOutliers {
  const { falseAlarmRate } = { ...defaults, ...options };
  const count = scores.length;
  if (count === 0) throw errors.EMPTY({ split: 'the scores of known pictures' });
  if (!(falseAlarmRate > 0 && falseAlarmRate < 1))
    throw errors.OPTION({ option: 'falseAlarmRate', found: falseAlarmRate, wanted: 'above 0 and below 1' });
  let [least, most] = [Infinity, -Infinity];
  scores.forEach((found, row) => {
    if (!Number.isFinite(found)) throw errors.NOT_FINITE({ row, label: 'the outlier score', found });
    least = Math.min(least, found);
    most = Math.max(most, found);
  });
  if (count > 1 && most - least <= 1e-5 * Math.max(1, Math.abs(most)))
    throw errors.OUTLIERS({ reason: `all ${count} known pictures have the score ${most}` });
  const { value, rank, needed } = finiteQuantile(scores, 1 - falseAlarmRate, 'falseAlarmRate');
  const never = value === undefined;
  return {
    threshold: value ?? largestFloat,
    falseAlarmRate,
    expectedFalseAlarmRate: never ? 0 : (count + 1 - rank) / (count + 1),
    count,
    needed,
    never,
  };
}
