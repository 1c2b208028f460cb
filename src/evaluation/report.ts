// The report of an evaluation: one HTML file that loads nothing and runs nothing, in the reader's light or dark. Its
// numbers are those of `evaluate`, worded as on the terminal; every name passes through markup and is escaped there.

import { isMultiLabelEvaluation, type Evaluation, type FileError } from './evaluate.js';
import { markup, name, nothing, type Markup } from './markup.js';
import { classesSection, type SplitCounts } from './report-classes.js';
import { confusedPairsSection, confusionSection, labelOutcomesSection } from './report-confusion.js';
import { diversitySection } from './report-diversity.js';
import { ensembleSection, type EnsembleReport } from './report-ensemble.js';
import { frontSection, type CostFront } from './report-front.js';
import { gainSection } from './report-gain.js';
import { headline, summary } from './report-headline.js';
import { historySection, type HistoryPoint } from './report-history.js';
import { lossesSection, type Mistake } from './report-losses.js';
import { reliabilitySection } from './report-reliability.js';
import { style } from './report-style.js';
import type { Reliability } from './reliability.js';
import { counted, grouped } from './wording.js';

/** What a report is made of. What is left out has no section. */
export interface ReportInput {
  readonly title: string;
  readonly evaluation: Evaluation;
  /** Bins as `reliability` makes them; 15 of equal width are the ones that the evaluation's figure is of. */
  readonly reliability?: Reliability;
  /** Top losses as `topLosses` finds them, with their files and thumbnails. @default [] */
  readonly mistakes?: readonly Mistake[];
  /** Epoch by epoch, in order. @default [] */
  readonly history?: readonly HistoryPoint[];
  /** Pictures of each class, split by split. @default the support of the evaluation */
  readonly classCounts?: readonly SplitCounts[];
  /** Members and combinations, and what averaging did. */
  readonly ensemble?: EnsembleReport;
  /** Where all this comes from, row by row: data, backbone, hashes, versions, seeds. @default [] */
  readonly provenance?: readonly (readonly [what: string, value: string])[];
  /** The program and its version, as the last line says them. */
  readonly createdWith: string;
}

/** How many files that could not be read are listed. */
const mostErrors = 100;

/**
 * The report as the text of one HTML file. The same input gives the same bytes.
 * Throws EVALUATION_THUMBNAIL for a thumbnail that is not a data URL of a picture.
 *
 * @example
 * const html = reportHtml({ title: 'ants and bees', evaluation, reliability: reliability(predictions), createdWith: 'onnx-graft 0.1.0' });
 */
export function reportHtml(input: ReportInput): string {
  const { title, evaluation, mistakes = [], history = [], provenance = [], createdWith } = input;
  const splits = input.classCounts ?? [
    { split: evaluation.split, counts: evaluation.perClass.map(({ support }) => support) },
  ];
  const of = isMultiLabelEvaluation(evaluation) ? 'answer' : 'picture';
  return `<!doctype html>
${
  markup`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<header><h1>${name(title)}</h1>${summary(evaluation)}</header>
${headline(evaluation)}
${input.ensemble ? ensembleSections(input.ensemble) : nothing}
${isMultiLabelEvaluation(evaluation) ? labelOutcomesSection(evaluation) : sideBySide(confusionSection(evaluation), confusedPairsSection(evaluation), evaluation.labels.length)}
${classesSection(evaluation.perClass, splits)}
${sideBySide(input.reliability ? reliabilitySection(input.reliability, of) : nothing, historySection(history), 0)}
${lossesSection(mistakes)}
${errorsSection(evaluation.errors)}
${provenanceSection(provenance)}
<footer>Made with ${createdWith}.</footer>
</main>
</body>
</html>
`.text
}`;
}

function ensembleSections(ensemble: EnsembleReport): Markup {
  const { diversity, gains = [], costUnit = 'ms' } = ensemble;
  const front = frontSection(ensemble.front ?? frontOfRows(ensemble), costUnit);
  return markup`${ensembleSection(ensemble)}
${sideBySide(front, gainSection(gains), 0)}
${diversity ? diversitySection(diversity) : nothing}`;
}

const frontOfRows = ({ rows, chosen }: EnsembleReport): CostFront => ({
  metric: 'accuracy',
  points: rows.flatMap(({ name: of, cost, accuracy, accuracyInterval }, i) =>
    cost === undefined ? [] : [{ name: of, cost, value: accuracy, interval: accuracyInterval, chosen: i === chosen }],
  ),
});

/** The widest matrix that leaves room beside it, in classes. */
const narrow = 8;

/** Two sections beside each other where there is room for both. */
function sideBySide(left: Markup, right: Markup, classes: number): Markup {
  const both = left.text !== '' && right.text !== '' && classes <= narrow;
  return both ? markup`<div class="pair">${left}${right}</div>` : markup`${left}${right}`;
}

function errorsSection(failed: readonly FileError[]): Markup {
  if (failed.length === 0) return nothing;
  const rest = failed.length - mostErrors;
  return markup`<section class="long">
<h2>Not read</h2>
<p class="note">${counted(failed.length, 'file')} counted nowhere above.</p>
<table class="facts"><tbody>${failed
    .slice(0, mostErrors)
    .map(
      ({ file, error }) => markup`<tr><th scope="row">${name(file)}</th><td>${error.code}: ${error.message}</td></tr>`,
    )}</tbody></table>${rest > 0 ? markup`<p class="note">and ${grouped(rest)} more</p>` : nothing}
</section>`;
}

function provenanceSection(rows: readonly (readonly [what: string, value: string])[]): Markup {
  if (rows.length === 0) return nothing;
  return markup`<section class="long">
<h2>Where this comes from</h2>
<table class="facts"><tbody>${rows.map(
    ([what, value]) => markup`<tr><th scope="row">${what}</th><td>${name(value)}</td></tr>`,
  )}</tbody></table>
</section>`;
}
