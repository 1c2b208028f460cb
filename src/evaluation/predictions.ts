// Predictions as arrays, and the only place that checks them: sizes, labels, NaN, probabilities. Rows are pictures,
// columns classes. Single-label rows sum to one; of several labels each column is a question of its own.

import { errors } from './errors.js';

/** One label a picture. `probabilities` is [pictures, classes], rows sum to one. */
export interface SingleLabel {
  readonly probabilities: Float32Array;
  /** The true class of each picture, as its position in `classes`. */
  readonly labels: ArrayLike<number>;
  readonly classes: readonly string[];
}

/** Any number of labels a picture. `probabilities` is [pictures, classes], each on its own in 0 … 1. */
export interface MultiLabel {
  readonly probabilities: Float32Array;
  /** [pictures, classes], 1 where the label holds, else 0. */
  readonly targets: ArrayLike<number>;
  readonly classes: readonly string[];
}

/** Predictions of either task; `targets` tells them apart. */
export type Predictions = SingleLabel | MultiLabel;

/** Whether these are predictions of several labels a picture. */
export const isMultiLabel = <T extends object>(at: T): at is Extract<T, { targets: unknown }> => 'targets' in at;

/** How far a row's sum may be from one: float16 networks of a thousand classes are off by less. */
const sumTolerance = 0.01;
const rangeTolerance = 1e-3;

/** Checks predictions and returns the number of pictures. Throws EVALUATION_SHAPE, _LABEL, _NOT_FINITE, _PROBABILITY. */
export function checkPredictions(at: Predictions): number {
  const { probabilities: p, classes } = at;
  const count = checkTruth(p.length, at);
  const K = classes.length;
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let k = 0; k < K; k++) {
      const found = p[row * K + k]!;
      if (!Number.isFinite(found)) throw errors.NOT_FINITE({ row, label: classes[k]!, found });
      if (found < -rangeTolerance || found > 1 + rangeTolerance)
        throw errors.PROBABILITY({ row, found: `the probability ${found}`, wanted: '0 to 1' });
      sum += found;
    }
    if (!isMultiLabel(at) && Math.abs(sum - 1) > sumTolerance)
      throw errors.PROBABILITY({ row, found: `probabilities that sum to ${sum}`, wanted: 'a sum of 1' });
  }
  return count;
}

/** Checks the labels or targets that go with `length` numbers; returns the number of rows. */
export function checkTruth(length: number, at: { classes: readonly string[] } & (Labels | Targets)): number {
  const K = at.classes.length;
  if (K === 0) throw errors.SHAPE({ what: 'classes', found: 0, wanted: 1 });
  const truth = isMultiLabel(at) ? at.targets : at.labels;
  const below = isMultiLabel(at) ? 2 : K;
  const wanted = isMultiLabel(at) ? truth.length : truth.length * K;
  if (length !== wanted || length % K !== 0)
    throw errors.SHAPE({ what: `numbers for ${K} classes`, found: length, wanted: wanted - (wanted % K) });
  for (let i = 0; i < truth.length; i++) {
    const found = truth[i]!;
    if (!Number.isInteger(found) || found < 0 || found >= below)
      throw errors.LABEL({ row: isMultiLabel(at) ? Math.floor(i / K) : i, found, classes: below });
  }
  return length / K;
}

/** The truth of single-label rows. */
export interface Labels {
  readonly labels: ArrayLike<number>;
}

/** The truth of multi-label rows. */
export interface Targets {
  readonly targets: ArrayLike<number>;
}

/** The column of the largest number of a row; the first of equals, as NumPy's argmax. */
export function argmax(values: ArrayLike<number>, row: number, columns: number): number {
  let best = 0;
  for (let k = 1; k < columns; k++) if (values[row * columns + k]! > values[row * columns + best]!) best = k;
  return best;
}
