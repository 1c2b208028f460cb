// Every figure of predictions by its name, as a function of how often each picture counts. Counting each picture once
// gives the figure of `evaluate`; counting each as often as a resample drew it gives the bootstrap's (bootstrap.ts).
// What depends on a picture alone (its loss, its bin, its rank) is computed once, so that a resample is one pass.

import { ascending } from './ascending.js';
import { meanArea } from './auroc.js';
import { surprise, surpriseOfNot } from './likelihood.js';
import { argmax, isMultiLabel, type Predictions } from './predictions.js';
import { calibrationBins, outcomes, widthBin } from './reliability.js';
import { balancedAccuracyOf, macroF1Of, tallies } from './tally.js';

/** The figures that can be compared, as `evaluate` names them. */
export type MetricName =
  | 'accuracy'
  | 'balancedAccuracy'
  | 'macroF1'
  | 'auroc'
  | 'negativeLogLikelihood'
  | 'brierScore'
  | 'expectedCalibrationError'
  | 'equalMassCalibrationError';

/** A metric's name in words, and which way is better. */
export interface Metric {
  readonly title: string;
  readonly better: 'higher' | 'lower';
  /** A share, 0 … 1, that reads as a percentage. */
  readonly share: boolean;
}

/** The figures that can be compared. */
export const metrics: Readonly<Record<MetricName, Metric>> = {
  accuracy: { title: 'accuracy', better: 'higher', share: true },
  balancedAccuracy: { title: 'balanced accuracy', better: 'higher', share: true },
  macroF1: { title: 'macro F1', better: 'higher', share: false },
  auroc: { title: 'AUROC', better: 'higher', share: false },
  negativeLogLikelihood: { title: 'negative log-likelihood', better: 'lower', share: false },
  brierScore: { title: 'Brier score', better: 'lower', share: false },
  expectedCalibrationError: { title: 'expected calibration error', better: 'lower', share: true },
  equalMassCalibrationError: { title: 'calibration error, bins of equal mass', better: 'lower', share: true },
};

/** A figure of pictures counted `counts[row]` times each; null where it is not defined for them. */
export type Statistic = (counts: Uint32Array) => number | null;

/** The statistic of a metric on predictions that were checked. Labels of several are given from 0.5 on. */
export function statisticOf(metric: MetricName, at: Predictions): Statistic {
  switch (metric) {
    case 'accuracy':
    case 'negativeLogLikelihood':
    case 'brierScore':
      return meanOf(termsOf(metric, at));
    case 'balancedAccuracy': {
      const tally = tallies(at);
      return counts => balancedAccuracyOf(tally(counts), isMultiLabel(at));
    }
    case 'macroF1': {
      const tally = tallies(at);
      return counts => macroF1Of(tally(counts));
    }
    case 'auroc':
      return meanArea(at);
    case 'expectedCalibrationError':
      return equalWidthError(at);
    case 'equalMassCalibrationError':
      return equalMassError(at);
  }
}

/**
 * What each picture adds to a figure that is a mean over pictures: 1 where it is right, −ln of the probability of its
 * truth, or its squared differences.
 */
export function termsOf(metric: 'accuracy' | 'negativeLogLikelihood' | 'brierScore', at: Predictions): Float64Array {
  const { probabilities: p } = at;
  const K = at.classes.length;
  const of = isMultiLabel(at)
    ? (row: number) => {
        let [wrong, loss, brier] = [0, 0, 0];
        for (let i = row * K; i < (row + 1) * K; i++) {
          const holds = at.targets[i] === 1;
          wrong += Number(holds !== p[i]! >= 0.5);
          loss += holds ? surprise(p[i]!) : surpriseOfNot(p[i]!);
          brier += (p[i]! - Number(holds)) ** 2;
        }
        return { accuracy: Number(wrong === 0), negativeLogLikelihood: loss, brierScore: brier };
      }
    : (row: number) => {
        const truth = at.labels[row]!;
        let brier = 0;
        for (let k = 0; k < K; k++) brier += (p[row * K + k]! - Number(k === truth)) ** 2;
        return {
          accuracy: Number(argmax(p, row, K) === truth),
          negativeLogLikelihood: surprise(p[row * K + truth]!),
          brierScore: brier,
        };
      };
  return Float64Array.from({ length: p.length / K }, (_, row) => of(row)[metric]);
}

const meanOf =
  (each: Float64Array): Statistic =>
  counts => {
    let [sum, total] = [0, 0];
    for (let row = 0; row < each.length; row++) {
      sum += counts[row]! * each[row]!;
      total += counts[row]!;
    }
    return sum / total;
  };

/** Σ over bins of |Σ (right − confidence)| / n. Outcomes of several labels: as many a picture as there are labels. */
function equalWidthError(at: Predictions): Statistic {
  const { confidences, right } = outcomes(at);
  const each = isMultiLabel(at) ? at.classes.length : 1;
  const bin = Uint8Array.from(confidences, confidence => widthBin(confidence, calibrationBins));
  const gap = Float64Array.from(confidences, (confidence, i) => right[i]! - confidence);
  return counts => {
    const sums = new Float64Array(calibrationBins);
    let total = 0;
    for (let row = 0, i = 0; row < counts.length; row++) {
      total += counts[row]! * each;
      for (let j = 0; j < each; j++, i++) sums[bin[i]!]! += counts[row]! * gap[i]!;
    }
    return sums.reduce((sum, one) => sum + Math.abs(one), 0) / total;
  };
}

/** The same over bins that hold as many outcomes each, equal confidences together; the bins are the resample's own. */
function equalMassError(at: Predictions): Statistic {
  const { confidences, right } = outcomes(at);
  const each = isMultiLabel(at) ? at.classes.length : 1;
  const order = ascending(confidences);
  const sorted = Float64Array.from(order, i => confidences[i]!);
  const gap = Float64Array.from(order, i => right[i]! - confidences[i]!);
  const picture = order.map(i => Math.floor(i / each));
  return counts => {
    let total = 0;
    for (let row = 0; row < counts.length; row++) total += counts[row]! * each;
    const sums = new Float64Array(calibrationBins);
    let [bin, rank, last] = [0, 0, Number.NaN];
    for (let i = 0; i < sorted.length; i++) {
      const weight = counts[picture[i]!]!;
      if (weight === 0) continue;
      if (sorted[i] !== last) bin = Math.floor((rank * calibrationBins) / total);
      last = sorted[i]!;
      sums[bin]! += weight * gap[i]!;
      rank += weight;
    }
    return sums.reduce((sum, one) => sum + Math.abs(one), 0) / total;
  };
}
