// Which calibrator a set of pictures carries. Each kind is fitted to all folds but one and judged on that one, in turn,
// so that every picture's probabilities come of a calibrator that has not seen it. The simplest kind is kept unless a
// freer one is likelier than it by more than one standard error of the difference, picture by picture (Breiman 1984).
// What is kept is then fitted to all pictures.

import { applyCalibrator, calibratorKinds, fitCalibrator, kindsFor, type Calibrator, type CalibratorKind } from './calibrators.js'; // prettier-ignore
import { errors } from './errors.js';
import { foldsOf } from './folds.js';
import { checkedLogits, type Logits } from './likelihood.js';
import { termsOf } from './metrics.js';
import { isMultiLabel, type Predictions } from './predictions.js';
import { reliability } from './reliability.js';

export interface ChooseCalibratorOptions {
  /** Kinds to try. @default all: isotonic with two classes of one label, vector from two pictures a class on */
  readonly candidates?: readonly CalibratorKind[];
  /** How many parts the pictures are dealt out to, 2 or more. @default 5 */
  readonly folds?: number;
  /** Of the dealing. @default 0 */
  readonly seed?: number;
}

/** What a kind is worth on pictures that it was not fitted to. */
export interface CalibratorFigures {
  readonly kind: CalibratorKind;
  readonly negativeLogLikelihood: number;
  /** 15 bins of equal width. */
  readonly expectedCalibrationError: number;
  /** How much likelier than the simplest kind's, mean over pictures, and the standard error of that; 0 of the simplest. */
  readonly gain: number;
  readonly gainError: number;
}

/** A calibrator fitted to all pictures and why it is this one. */
export interface ChosenCalibrator {
  readonly calibrator: Calibrator;
  readonly chosen: CalibratorKind;
  /** Of each candidate, the simplest first. */
  readonly figures: readonly CalibratorFigures[];
  /** Cross-fitted probabilities of the chosen kind: [pictures, classes]. */
  readonly probabilities: Float32Array;
}

const defaults = { folds: 5, seed: 0 } as const;

/**
 * Chooses among calibrators by cross-fitting. The figures judge calibrators that the pictures were not fitted to; that
 * the best of a few was taken makes the chosen one's look better than it is by a small part of `gainError`.
 * Throws EVALUATION_EMPTY, EVALUATION_OPTION, and what logits are refused for.
 *
 * @example
 * const { calibrator, chosen, figures } = chooseCalibrator({ logits, labels, classes });
 */
export function chooseCalibrator(at: Logits, options: ChooseCalibratorOptions = {}): ChosenCalibrator {
  const { folds, seed } = { ...defaults, ...options };
  const K = at.classes.length;
  const possible = kindsFor(at);
  // with fewer pictures than numbers to fit a vector cannot win, and is slow to try
  const asked = options.candidates ?? possible.filter(kind => kind !== 'vector' || at.logits.length >= 2 * K * K);
  const wrong = asked.find(kind => !possible.includes(kind));
  if (wrong !== undefined || asked.length === 0)
    throw errors.OPTION({ option: 'candidates', found: wrong ?? 'empty', wanted: `some of ${possible.join(', ')}` });
  const fold = foldsOf(at, folds, seed);
  const tried = calibratorKinds
    .filter(kind => asked.includes(kind))
    .map(kind => {
      const probabilities = crossFitted(at, kind, fold);
      const predictions: Predictions = { ...at, probabilities };
      return { kind, probabilities, predictions, losses: termsOf('negativeLogLikelihood', predictions) };
    });
  const simplest = tried[0]!;
  const kept = tried.reduce((best, next) => {
    const { mean, error } = difference(best.losses, next.losses);
    return mean > error ? next : best;
  });
  const figures = tried.map(({ kind, predictions, losses }): CalibratorFigures => {
    const { mean, error } = difference(simplest.losses, losses);
    return {
      kind,
      negativeLogLikelihood: losses.reduce((a, b) => a + b, 0) / losses.length,
      expectedCalibrationError: reliability(predictions).expectedCalibrationError,
      gain: mean,
      gainError: error,
    };
  });
  const { kind, probabilities } = kept;
  return { calibrator: fitCalibrator(kind, at), chosen: kind, figures, probabilities };
}

/**
 * Probabilities [pictures, classes] where each picture's calibrator was fitted to the pictures of the other folds: what
 * may be judged on the very pictures that a calibrator is fitted to.
 *
 * @param fold of each picture, as `foldsOf` gives it; where there is one fold alone nothing is fitted
 * @throws `EVALUATION_SHAPE`, `EVALUATION_EMPTY`, and what the kind and the logits are refused for
 * @example crossFitted({ logits, labels, classes }, 'temperature', foldsOf({ labels, classes }, 5, 0))
 */
export function crossFitted(at: Logits, kind: CalibratorKind, fold: ArrayLike<number>): Float32Array {
  const { count } = checkedLogits(at);
  if (count === 0) throw errors.EMPTY({ split: 'the validation logits' });
  if (fold.length !== count) throw errors.SHAPE({ what: 'folds of pictures', found: fold.length, wanted: count });
  const K = at.classes.length;
  const task = isMultiLabel(at) ? 'multi-label' : 'single';
  const probabilities = new Float32Array(count * K);
  for (const part of new Set(Array.from(fold))) {
    const rows = Array.from({ length: count }, (_, row) => row);
    const inside = rows.filter(row => fold[row] !== part);
    const outside = rows.filter(row => fold[row] === part);
    const calibrator = fitCalibrator(kind, rowsOf(at, inside));
    const answers = applyCalibrator(calibrator, rowsOf(at, outside), task);
    outside.forEach((row, i) => probabilities.set(answers.subarray(i * K, (i + 1) * K), row * K));
  }
  return probabilities;
}

/** Some rows, in the order given. */
function rowsOf(at: Logits, rows: readonly number[]): Logits {
  const K = at.classes.length;
  const logits = new Float32Array(rows.length * K);
  rows.forEach((row, i) => logits.set(at.logits.subarray(row * K, (row + 1) * K), i * K));
  const { classes } = at;
  if (!isMultiLabel(at)) return { logits, classes, labels: rows.map(row => at.labels[row]!) };
  return { logits, classes, targets: rows.flatMap(row => classes.map((_, k) => at.targets[row * K + k]!)) };
}

/** Mean of first − second over pictures, and its standard error; infinite of one picture, which tells nothing. */
function difference(first: Float64Array, second: Float64Array): { mean: number; error: number } {
  const count = first.length;
  const each = first.map((loss, row) => loss - second[row]!);
  const mean = each.reduce((a, b) => a + b, 0) / count;
  const squares = each.reduce((sum, one) => sum + (one - mean) ** 2, 0);
  return { mean, error: count > 1 ? Math.sqrt(squares / (count - 1) / count) : Infinity };
}
