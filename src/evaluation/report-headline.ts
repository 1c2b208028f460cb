// The figures that come first, each with what it would be for guessing, so that a number alone need not be believed.

import { isMultiLabelEvaluation, type Evaluation } from './evaluate.js';
import { markup, name, nothing, type Markup } from './markup.js';
import { mostConfused } from './mistakes.js';
import { counted, decimal, grouped, percent, roughPercent, times } from './wording.js';

/** One sentence: how many were right, and the commonest mistake. */
export function summary(evaluation: Evaluation): Markup {
  const { accuracy, count, split, errors } = evaluation;
  const right = times(accuracy, count);
  const pair = isMultiLabelEvaluation(evaluation) ? undefined : mostConfused(evaluation, 1)[0];
  return markup`<p class="soft">${grouped(right)} of ${counted(count, 'picture')} in ${name(split)} ${
    isMultiLabelEvaluation(evaluation) ? 'have all their labels right' : 'right'
  }.${
    pair
      ? markup` Most often ${name(pair.label)} was taken for ${name(pair.predicted)} (${counted(pair.count, 'time')}).`
      : nothing
  }${errors.length > 0 ? ` ${counted(errors.length, 'file')} could not be read.` : ''}</p>`;
}

/** The row of figures. */
export function headline(evaluation: Evaluation): Markup {
  const { accuracy, accuracyInterval, count, labels } = evaluation;
  const [low, high] = accuracyInterval;
  const guess = guessing(evaluation);
  return markup`<section class="figures">
<div class="first"><p class="name">accuracy</p><p class="figure">${percent(accuracy)}</p>${intervalBar(accuracy, low, high)}
<p class="hint">95% interval ${percent(low)} to ${percent(high)}<br>${counted(count, 'picture')} of ${counted(labels.length, 'class', 'classes')}</p></div>
${tile('negative log-likelihood', decimal(evaluation.negativeLogLikelihood), `0 is best; equal odds for all give ${decimal(guess.likelihood)}`)}
${tile('expected calibration error', percent(evaluation.expectedCalibrationError), `0% is best: as often right as it says; ${percent(evaluation.equalMassCalibrationError)} over bins of equal mass`)}
${tile('Brier score', decimal(evaluation.brierScore), `0 is best; equal odds for all give ${decimal(guess.brier)}`)}
${tile('balanced accuracy', percent(evaluation.balancedAccuracy), `mean over classes, however many pictures each has; always the same answer gives ${percent(guess.balanced)}`)}
${tile('macro F1', evaluation.macroF1 === null ? '–' : decimal(evaluation.macroF1), `1 is best: mean over classes of precision and recall in one${leftOut(evaluation, 'f1')}`)}
${tile('AUROC', evaluation.auroc === null ? '–' : decimal(evaluation.auroc), `1 is best, chance gives 0.500: how well probabilities rank${leftOut(evaluation, 'auroc')}`)}
</section>`;
}

const tile = (title: string, figure: string, hint: string): Markup =>
  markup`<div><p class="name">${title}</p><p class="figure">${figure}</p><p class="hint">${hint}</p></div>`;

/** Says of which classes a mean is, where some have no such figure. */
function leftOut({ perClass }: Evaluation, figure: 'f1' | 'auroc'): string {
  const had = perClass.filter(one => one[figure] !== null).length;
  return had === perClass.length ? '' : `; of ${grouped(had)} of ${counted(perClass.length, 'class', 'classes')}`;
}

/** Equal odds: 1 / K for each class, or one half for each of several labels. */
function guessing(evaluation: Evaluation): { likelihood: number; brier: number; balanced: number } {
  const K = evaluation.labels.length;
  const seen = evaluation.perClass.filter(({ support }) => support > 0).length;
  return isMultiLabelEvaluation(evaluation)
    ? { likelihood: K * Math.LN2, brier: K / 4, balanced: 1 / 2 }
    : { likelihood: Math.log(K), brier: 1 - 1 / K, balanced: 1 / seen };
}

/** The interval on a line from nothing to all. */
function intervalBar(accuracy: number, low: number, high: number): Markup {
  const x = (share: number) => 300 * share;
  return markup`<svg viewBox="0 0 300 14" role="img" aria-label="between ${roughPercent(low)} and ${roughPercent(high)}" style="max-width:300px;margin-top:6px"><rect x="0" y="5" width="300" height="4" rx="2" style="fill:var(--track)"/><rect x="${x(low)}" y="3" width="${Math.max(2, x(high) - x(low))}" height="8" rx="2" style="fill:var(--good-soft)"/><rect x="${Math.min(298, Math.max(0, x(accuracy) - 1))}" y="0" width="2.5" height="14" style="fill:var(--good)"/></svg>`;
}
