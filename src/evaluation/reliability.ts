// How far confidence can be believed. An outcome is (confidence, right): of one label the largest probability and
// whether that class is true; of several labels each probability and whether its label holds.
//   expected calibration error = Σ_bins (n_bin / n) · |mean right − mean confidence|        (Naeini 2015, Guo 2017)
// Equal-width bins are (low, high], as Guo's code has them, the first takes 0; equal-mass bins never split equal
// confidences, so that the order of pictures cannot matter.

import { ascending } from './ascending.js';
import { errors } from './errors.js';
import { wilson } from './interval.js';
import { argmax, checkPredictions, isMultiLabel, type Predictions } from './predictions.js';

/** One bin; `confidence` and `accuracy` are means, null where the bin is empty. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  readonly confidence: number | null;
  readonly accuracy: number | null;
  /** Wilson, 95 %, of the accuracy. */
  readonly accuracyInterval: readonly [low: number, high: number];
}

/** Bins in order of confidence, and the error they add up to. */
export interface Reliability {
  readonly bins: readonly ReliabilityBin[];
  readonly expectedCalibrationError: number;
  /** Mean confidence and accuracy over all outcomes. */
  readonly confidence: number;
  readonly accuracy: number;
  readonly count: number;
}

export interface ReliabilityOptions {
  /** How many bins, 1 or more. @default 15 */
  readonly bins?: number;
  /** Bins of equal width or of equal number. @default 'width' */
  readonly by?: 'width' | 'mass';
}

/** How many bins the figures of `evaluate` have. */
export const calibrationBins = 15;

const defaults = { bins: calibrationBins, by: 'width' } as const;

/**
 * Reliability bins and expected calibration error of predictions.
 * Throws EVALUATION_EMPTY without pictures and what predictions are refused for.
 *
 * @example reliability({probabilities, labels, classes}, {by: 'mass'}).expectedCalibrationError
 */
export function reliability(predictions: Predictions, options: ReliabilityOptions = {}): Reliability {
  const { bins, by } = { ...defaults, ...options };
  if (!Number.isInteger(bins) || bins < 1)
    throw errors.OPTION({ option: 'bins', found: bins, wanted: 'an integer from 1' });
  if (checkPredictions(predictions) === 0) throw errors.EMPTY({ split: 'the predictions' });
  const all = outcomes(predictions);
  const parts = by === 'width' ? equalWidth(all, bins) : equalMass(all, bins);
  const count = all.confidences.length;
  const error = parts.reduce(
    (sum, b) => sum + (b.count / count) * Math.abs((b.accuracy ?? 0) - (b.confidence ?? 0)),
    0,
  );
  return {
    bins: parts,
    expectedCalibrationError: error,
    confidence: all.confidences.reduce((a, b) => a + b, 0) / count,
    accuracy: all.right.reduce((a, b) => a + b, 0) / count,
    count,
  };
}

/** What was said with which confidence, and whether it came true: 1 or 0. */
interface Outcomes {
  readonly confidences: readonly number[];
  readonly right: readonly number[];
}

/** One outcome a picture; of several labels one for each label, picture by picture. */
export function outcomes(at: Predictions): Outcomes {
  const { probabilities: p } = at;
  if (isMultiLabel(at)) return { confidences: Array.from(p), right: Array.from(at.targets) };
  const K = at.classes.length;
  const chosen = Array.from(at.labels, (_, row) => argmax(p, row, K));
  return {
    confidences: chosen.map((k, row) => p[row * K + k]!),
    right: chosen.map((k, row) => Number(k === at.labels[row])),
  };
}

function equalWidth(all: Outcomes, bins: number): ReliabilityBin[] {
  const members = Array.from({ length: bins }, (): number[] => []);
  all.confidences.forEach((confidence, index) => members[widthBin(confidence, bins)]!.push(index));
  return members.map((indices, i) => summarise(all, indices, i / bins, (i + 1) / bins));
}

/** The bin of equal width that a confidence lies in. */
export function widthBin(confidence: number, bins: number): number {
  // probabilities are float32, so the edges are compared as float32: 3/15 and 0.2 are then the same number
  const edge = (i: number) => Math.fround(i / bins);
  const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
  if (bin > 0 && confidence <= edge(bin)) return bin - 1;
  return bin < bins - 1 && confidence > edge(bin + 1) ? bin + 1 : bin;
}

function equalMass(all: Outcomes, bins: number): ReliabilityBin[] {
  const { confidences } = all;
  const order = ascending(confidences);
  const members = Array.from({ length: bins }, (): number[] => []);
  let bin = 0;
  order.forEach((index, rank) => {
    const tied = rank > 0 && confidences[order[rank - 1]!] === confidences[index];
    if (!tied) bin = Math.floor((rank * bins) / order.length);
    members[bin]!.push(index);
  });
  return members
    .filter(indices => indices.length > 0)
    .map(indices => summarise(all, indices, confidences[indices[0]!]!, confidences[indices.at(-1)!]!));
}

function summarise(all: Outcomes, indices: readonly number[], low: number, high: number): ReliabilityBin {
  const count = indices.length;
  const right = indices.reduce((sum, i) => sum + all.right[i]!, 0);
  const confidence = count === 0 ? null : indices.reduce((sum, i) => sum + all.confidences[i]!, 0) / count;
  return {
    low,
    high,
    count,
    confidence,
    accuracy: count === 0 ? null : right / count,
    accuracyInterval: wilson(right, count),
  };
}
