// The ensemble in the report: a sentence that says whether averaging helped, and a table of members and combinations,
// each with its differences to the best single member drawn on one scale around 0, the row that ships marked.

import { scaleLinear } from 'd3-scale';
import type { PairedDifference } from './bootstrap.js';
import type { Diversity } from './diversity.js';
import { ensembleVerdict, intervalText, type EnsembleRow, type EnsembleTable } from './ensemble-rows.js';
import { markup, name, nothing, type Markup } from './markup.js';
import { metrics, type MetricName } from './metrics.js';
import { path } from './plot.js';
import type { GainPoint } from './gain.js';
import type { CostFront } from './report-front.js';
import { costText, decimal, grouped, percent, signed } from './wording.js';

/** What the report says about an ensemble. What is left out has no section. */
export interface EnsembleReport extends EnsembleTable {
  /** The pictures that the figures are of, as it is printed: 'test'. */
  readonly split: string;
  /** What costs are in: milliseconds or floating-point operations of one picture. @default 'ms' */
  readonly costUnit?: 'ms' | 'flops';
  /** Members against each other. */
  readonly diversity?: Diversity;
  /** What was weighed by cost. @default the accuracy of the rows that have a cost */
  readonly front?: CostFront;
  /** Ensembles of 1, 2, … members (`gainBySize`). @default [] */
  readonly gains?: readonly GainPoint[];
}

const shortTitles: ReadonlyMap<MetricName, string> = new Map([
  ['accuracy', 'accuracy, points'],
  ['negativeLogLikelihood', 'NLL'],
  ['brierScore', 'Brier'],
  ['expectedCalibrationError', 'ECE, points'],
]);

/** How many rows of a kind are shown: of more, the best and those that are marked. */
const most = 30;

/** The section with the sentence and the table. */
export function ensembleSection(report: EnsembleReport): Markup {
  const { rows, reference, chosen, split, costUnit = 'ms' } = report;
  const single = rows[reference]!;
  const names = [...new Set(rows.flatMap(row => row.differences.map(({ metric }) => metric)))];
  const columns: Columns = {
    names,
    scales: names.map(metric => extent(rows, metric)),
    costs: rows.some(hasCost),
    costUnit,
  };
  const body = (kind: EnsembleRow['kind'], title: string) => {
    const all = rows.flatMap((row, i) => (row.kind === kind ? [i] : []));
    if (all.length === 0) return nothing;
    const shown = foremost(all, rows, [reference, chosen]);
    const of = shown.length < all.length ? `, the best ${shown.length} of ${grouped(all.length)}` : '';
    return markup`<tbody><tr class="kind"><th scope="rowgroup" colspan="${6 + names.length}">${title}${of}</th></tr>${shown.map(
      i => tableRow(rows[i]!, columns, i === reference, i === chosen),
    )}</tbody>`;
  };
  return markup`<section class="long">
<h2>Ensemble</h2>
<p class="says">${ensembleVerdict(report)}</p>
<p class="note">Figures on ${name(split)}. Differences are to ${name(single.name)}, the best single member, on the same pictures, with their bootstrap intervals: blue is better, orange worse, grey cannot be told from 0.${columns.costs ? ' Cost is of one picture.' : ''}</p>
<div class="scroll"><table class="ensemble">
<thead><tr><td></td>${['accuracy', 'NLL', 'Brier', 'ECE'].map(title => markup`<th scope="col" class="number">${title}</th>`)}${names.map(
    metric =>
      markup`<th scope="col" class="forest">difference in ${shortTitles.get(metric) ?? metrics[metric].title}</th>`,
  )}${columns.costs ? markup`<th scope="col" class="number">cost</th>` : nothing}</tr></thead>
${body('member', 'Members')}${body('combination', 'Combinations')}</table></div>
</section>`;
}

const hasCost = ({ cost }: EnsembleRow): boolean => cost !== undefined;

interface Columns {
  readonly names: readonly MetricName[];
  /** How far each column reaches from 0, either way. */
  readonly scales: readonly number[];
  readonly costs: boolean;
  readonly costUnit: 'ms' | 'flops';
}

function tableRow(
  row: EnsembleRow,
  { names, scales, costs, costUnit }: Columns,
  reference: boolean,
  chosen: boolean,
): Markup {
  const { accuracy, negativeLogLikelihood, brierScore, expectedCalibrationError, cost } = row;
  const figures = [
    percent(accuracy),
    decimal(negativeLogLikelihood),
    decimal(brierScore),
    percent(expectedCalibrationError),
  ];
  return markup`<tr${chosen ? markup` class="chosen"` : nothing}><th scope="row">${name(row.name)}${chosen ? markup` <span class="badge chosen">chosen</span>` : nothing}${
    reference ? markup` <span class="badge">best single</span>` : nothing
  }</th>${figures.map(text => markup`<td class="number">${text}</td>`)}${names.map((metric, m) => {
    const found = row.differences.find(one => one.metric === metric);
    return markup`<td class="forest">${found ? forest(found, scales[m]!) : nothing}</td>`;
  })}${costs ? markup`<td class="number">${cost === undefined ? '–' : costText(cost, costUnit)}</td>` : nothing}</tr>`;
}

/** How far a difference reaches from 0, either way, in units of its drawing. */
const reach = 56;
/** The place of 0 and the whole width of a difference's drawing. */
const [zero, width] = [60, 180];

/** A difference: its interval around 0, and its number. */
function forest(at: PairedDifference, scale: number): Markup {
  const x = scaleLinear([-scale, scale], [zero - reach, zero + reach]).clamp(true);
  const text = signed(at.difference, metrics[at.metric].share).replace(' points', '');
  return markup`<svg viewBox="0 0 ${width} 20" class="${at.verdict}" role="img" aria-label="${intervalText(at)}"><title>${intervalText(at)}; better in ${percent(at.wins)} of the drawings</title><line class="zero" x1="${zero}" x2="${zero}" y1="0" y2="20"/><line class="whisker" x1="${x(at.low)}" x2="${x(at.high)}" y1="10" y2="10"/>${
    Math.abs(at.difference) > scale
      ? beyond(at.difference > 0)
      : markup`<circle class="dot" cx="${x(at.difference)}" cy="10" r="4"/>`
  }<text x="${width}" y="14" text-anchor="end">${text}</text></svg>`;
}

/** An arrow at the edge, for what lies far outside. */
const beyond = (right: boolean): Markup => {
  const [tip, side] = right ? [zero + reach + 3, -8] : [zero - reach - 3, 8];
  return markup`<path class="dot" d="${path([
    [tip, 10],
    [tip + side, 5],
    [tip + side, 15],
  ])}Z"/>`;
};

/** How far the drawings reach: to the largest end of an interval, unless a few rows are far worse than the others. */
function extent(rows: readonly EnsembleRow[], metric: MetricName): number {
  const ends = rows
    .flatMap(row => row.differences.filter(one => one.metric === metric))
    .map(({ low, high }) => Math.max(Math.abs(low), Math.abs(high)))
    .sort((a, b) => a - b);
  const largest = ends.at(-1) ?? 0;
  const most = 1.15 * (ends[Math.floor(0.8 * (ends.length - 1))] ?? 0);
  return (largest > 2 * most ? most : largest) || largest || 1;
}

/** All rows of a kind where they are few, else the likeliest and those that are marked, in their own order. */
function foremost(all: readonly number[], rows: readonly EnsembleRow[], marked: readonly number[]): number[] {
  if (all.length <= most) return [...all];
  const best = [...all].sort((a, b) => rows[a]!.negativeLogLikelihood - rows[b]!.negativeLogLikelihood || a - b);
  const kept = new Set([...all.filter(i => marked.includes(i)), ...best].slice(0, most));
  return all.filter(i => kept.has(i));
}
