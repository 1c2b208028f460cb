// What predictions are worth: the figures of `graft evaluate --json`, keys exactly as docs and command print them.
// One label:   accuracy = share of pictures whose largest probability is the true class; Brier = Σ_classes (p − t)².
// Several:     accuracy = share of pictures whose whole label set is right (scikit-learn's accuracy_score); likelihood
//              and Brier are sums over labels, calibration over every (picture, label).
// Balanced accuracy, macro F1 and AUROC weigh classes alike: tally.ts and auroc.ts.

import { areasOf, mean } from './auroc.js';
import { errors } from './errors.js';
import { wilson } from './interval.js';
import { surprise, surpriseOfNot } from './likelihood.js';
import {
  argmax,
  checkPredictions,
  isMultiLabel,
  type MultiLabel,
  type Predictions,
  type SingleLabel,
} from './predictions.js';
import { reliability } from './reliability.js';
import { balancedAccuracyOf, f1, macroF1Of, type Tally } from './tally.js';

/** A picture that could not be read: it is counted nowhere, and listed. */
export interface FileError {
  readonly file: string;
  readonly error: { readonly code: string; readonly message: string };
}

/** How one class fares. */
export interface ClassFigures {
  readonly label: string;
  /** Pictures of this class. */
  readonly support: number;
  /** Of the pictures given this label, the share that has it; null where none was given it. */
  readonly precision: number | null;
  /** Of the pictures that have this label, the share given it; null where none has it. */
  readonly recall: number | null;
  /** Harmonic mean of both; null where nothing has the label and nothing was given it. */
  readonly f1: number | null;
  /** Area under the ROC curve, this class against the rest; null where no picture has it, or every one. */
  readonly auroc: number | null;
}

interface Figures {
  readonly split: string;
  readonly count: number;
  readonly accuracy: number;
  /** Wilson, 95 %. */
  readonly accuracyInterval: readonly [low: number, high: number];
  /** Mean, natural logarithm; probabilities near 0 are clamped (likelihood.ts), so it is at most 87.34. */
  readonly negativeLogLikelihood: number;
  /** 15 bins of equal width. */
  readonly expectedCalibrationError: number;
  /** Mean over pictures, summed over classes: 0 best, 2 worst of one label. */
  readonly brierScore: number;
  /** 15 bins of equal number; equal confidences stay together. */
  readonly equalMassCalibrationError: number;
  /** Mean recall of the classes that pictures have; of several labels mean of (recall + specificity) / 2. Null: no class has one. */
  readonly balancedAccuracy: number | null;
  /** Mean F1 of the classes that have one; null where none has. */
  readonly macroF1: number | null;
  /** Of two classes that of the second, else the mean of the classes that have one (`perClass`); null where none has. */
  readonly auroc: number | null;
  readonly labels: readonly string[];
  readonly perClass: readonly ClassFigures[];
  readonly errors: readonly FileError[];
}

/** Figures of one label a picture. */
export interface SingleLabelEvaluation extends Figures {
  /** Pictures [true class][predicted class]. */
  readonly confusion: readonly (readonly number[])[];
}

/** Figures of several labels a picture. */
export interface MultiLabelEvaluation extends Figures {
  /** Pictures [label][holds: no, yes][given: no, yes], as scikit-learn's multilabel_confusion_matrix. */
  readonly confusion: readonly (readonly [readonly [number, number], readonly [number, number]])[];
}

export type Evaluation = SingleLabelEvaluation | MultiLabelEvaluation;

/** Whether an evaluation is of several labels a picture. */
export const isMultiLabelEvaluation = (at: Evaluation): at is MultiLabelEvaluation =>
  Array.isArray(at.confusion[0]?.[0]);

export interface EvaluateOptions {
  /** What the pictures are, as it is printed. @default 'test' */
  readonly split?: string;
  /** Pictures that could not be read. @default [] */
  readonly errors?: readonly FileError[];
  /** Several labels: a label is given from this probability on, 0 … 1. @default 0.5 */
  readonly threshold?: number;
}

const defaults = { split: 'test', errors: [], threshold: 0.5 } as const;

/**
 * The figures of predictions. Equal probabilities: the first class wins, as in NumPy.
 * Throws EVALUATION_EMPTY without pictures, EVALUATION_NOT_FINITE, _PROBABILITY, _LABEL and _SHAPE for what cannot be judged.
 *
 * @example evaluate({probabilities: Float32Array.of(0.9, 0.1), labels: [0], classes: ['ants', 'bees']}).accuracy // 1
 */
export function evaluate(predictions: SingleLabel, options?: EvaluateOptions): SingleLabelEvaluation;
export function evaluate(predictions: MultiLabel, options?: EvaluateOptions): MultiLabelEvaluation;
export function evaluate(predictions: Predictions, options?: EvaluateOptions): Evaluation;
export function evaluate(predictions: Predictions, options: EvaluateOptions = {}): Evaluation {
  const resolved = { ...defaults, ...options };
  const count = checkPredictions(predictions);
  if (count === 0) throw errors.EMPTY({ split: resolved.split });
  return isMultiLabel(predictions)
    ? ofSeveralLabels(predictions, count, resolved)
    : ofOneLabel(predictions, count, resolved);
}

type Resolved = Required<EvaluateOptions>;

function ofOneLabel(at: SingleLabel, count: number, options: Resolved): SingleLabelEvaluation {
  const { probabilities: p, labels, classes } = at;
  const K = classes.length;
  const confusion = classes.map(() => new Array<number>(K).fill(0));
  let loss = 0;
  let brier = 0;
  for (let row = 0; row < count; row++) {
    const truth = labels[row]!;
    confusion[truth]![argmax(p, row, K)]!++;
    loss += surprise(p[row * K + truth]!);
    for (let k = 0; k < K; k++) brier += (p[row * K + k]! - Number(k === truth)) ** 2;
  }
  const given = classes.map((_, k) => confusion.reduce((sum, row) => sum + row[k]!, 0));
  const counts = classes.map((label, k) => {
    const support = confusion[k]!.reduce((a, b) => a + b, 0);
    return { label, support, given: given[k]!, hits: confusion[k]![k]! };
  });
  const right = confusion.reduce((sum, row, k) => sum + row[k]!, 0);
  return figures(at, options, count, right, loss, brier, counts, confusion);
}

function ofSeveralLabels(at: MultiLabel, count: number, options: Resolved): MultiLabelEvaluation {
  const { probabilities: p, targets, classes } = at;
  const { threshold } = options;
  if (!(threshold >= 0 && threshold <= 1))
    throw errors.OPTION({ option: 'threshold', found: threshold, wanted: '0 to 1' });
  const K = classes.length;
  const confusion = classes.map((): [[number, number], [number, number]] => [
    [0, 0],
    [0, 0],
  ]);
  let right = 0;
  let loss = 0;
  let brier = 0;
  for (let row = 0; row < count; row++) {
    let wrong = 0;
    for (let k = 0; k < K; k++) {
      const q = p[row * K + k]!;
      const holds = targets[row * K + k] ? 1 : 0;
      const given = q >= threshold ? 1 : 0;
      confusion[k]![holds][given]++;
      wrong += Number(holds !== given);
      loss += holds ? surprise(q) : surpriseOfNot(q);
      brier += (q - holds) ** 2;
    }
    right += Number(wrong === 0);
  }
  const counts = classes.map((label, k) => {
    const [[, falsely], [missed, hit]] = confusion[k]!;
    return { label, support: missed + hit, given: falsely + hit, hits: hit };
  });
  return figures(at, options, count, right, loss, brier, counts, confusion);
}

/** Of one class: pictures that have it, that were given it, and both. */
interface ClassCounts {
  readonly label: string;
  readonly support: number;
  readonly given: number;
  readonly hits: number;
}

const classFigures = ({ label, support, given, hits }: ClassCounts, auroc: number | null): ClassFigures => ({
  label,
  support,
  precision: given === 0 ? null : hits / given,
  recall: support === 0 ? null : hits / support,
  f1: f1(support, given, hits),
  auroc,
});

function figures<C>(
  at: Predictions,
  { split, errors: failed }: Resolved,
  count: number,
  right: number,
  loss: number,
  brier: number,
  classes: readonly ClassCounts[],
  confusion: C,
): Figures & { readonly confusion: C } {
  // one column at a time: all of them would be twice the size of the probabilities
  const areas = classes.map((_, k) => areasOf(at, [k])()[0]!);
  const binary = !isMultiLabel(at) && classes.length === 2;
  const tally: Tally = {
    count,
    support: classes.map(one => one.support),
    given: classes.map(one => one.given),
    hits: classes.map(one => one.hits),
  };
  return {
    split,
    count,
    accuracy: right / count,
    accuracyInterval: wilson(right, count),
    negativeLogLikelihood: loss / count,
    expectedCalibrationError: reliability(at).expectedCalibrationError,
    brierScore: brier / count,
    equalMassCalibrationError: reliability(at, { by: 'mass' }).expectedCalibrationError,
    balancedAccuracy: balancedAccuracyOf(tally, isMultiLabel(at)),
    macroF1: macroF1Of(tally),
    auroc: binary ? areas[1]! : mean(areas),
    labels: at.classes,
    perClass: classes.map((one, k) => classFigures(one, areas[k]!)),
    confusion,
    errors: failed,
  };
}
