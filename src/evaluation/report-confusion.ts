// Which classes are taken for which: a heat map with its counts, rows the truth, columns what was predicted. A cell's
// shade is its share of the row. Of very many classes only the ones with most mistakes are drawn.

import type { MultiLabelEvaluation, SingleLabelEvaluation } from './evaluate.js';
import { markup, name, nothing, type Markup } from './markup.js';
import { mostConfused } from './mistakes.js';
import { counted, grouped, percent } from './wording.js';

/** The largest matrix drawn, in classes. */
const largest = 40;
/** Shades from this percentage on need light text. */
const strong = 65;

/** The heat map of one label a picture. */
export function confusionSection({ labels, confusion }: SingleLabelEvaluation): Markup {
  const shown = worst(confusion, largest);
  const cell = shown.length <= 8 ? 52 : shown.length <= 16 ? 38 : 28;
  const cut = shown.length < labels.length;
  return markup`<section class="long">
<h2>Confusion</h2>
<p class="note">Rows are the true classes, columns what was predicted; shades are shares of the row, blue right, orange wrong.${
    cut ? ` Of ${grouped(labels.length)} classes the ${shown.length} with most mistakes.` : ''
  }</p>
<div class="scroll"><table class="matrix" style="--cell:${cell}px">
<thead><tr><th class="corner" scope="col">true \\ predicted</th>${shown.map(
    k => markup`<th scope="col" title="${labels[k]}"><span>${name(labels[k]!)}</span></th>`,
  )}</tr></thead>
<tbody>${shown.map(
    truth =>
      markup`<tr><th scope="row" title="${labels[truth]}">${name(labels[truth]!)}</th>${shown.map(k =>
        heatCell(confusion[truth]!, truth, k, labels),
      )}</tr>`,
  )}</tbody></table></div>
</section>`;
}

function heatCell(row: readonly number[], truth: number, k: number, labels: readonly string[]): Markup {
  const count = row[k]!;
  if (count === 0) return truth === k ? markup`<td>0</td>` : markup`<td></td>`;
  const share = (100 * count) / row.reduce((a, b) => a + b, 0);
  const tone = `${truth === k ? 'hit' : 'miss'}${share >= strong ? ' strong' : ''}`;
  const says = `${counted(count, 'picture')} of ${labels[truth]!} taken for ${labels[k]!}: ${percent(share / 100)}`;
  return markup`<td class="${tone}" style="--share:${share}" title="${says}">${grouped(count)}</td>`;
}

/** The classes with most mistakes, as positions in label order; all of them where they are few. */
function worst(confusion: readonly (readonly number[])[], most: number): number[] {
  const all = confusion.map((_, k) => k);
  if (all.length <= most) return all;
  const mistakes = all.map(k =>
    confusion.reduce((sum, row, truth) => (truth === k ? sum : sum + row[k]! + confusion[k]![truth]!), 0),
  );
  return all
    .sort((a, b) => mistakes[b]! - mistakes[a]! || a - b)
    .slice(0, most)
    .sort((a, b) => a - b);
}

/** The pairs confused most; nothing where there is no mistake. */
export function confusedPairsSection(evaluation: SingleLabelEvaluation): Markup {
  const pairs = mostConfused(evaluation);
  if (pairs.length === 0) return nothing;
  return markup`<section>
<h2>Most confused</h2>
<p class="note">Pictures of one class that were taken for another, and their share of the class.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">true</th><th scope="col">taken for</th><th scope="col" class="number">pictures</th><th scope="col" class="number">share</th></tr></thead>
<tbody>${pairs.map(
    ({ label, predicted, count, share }) =>
      markup`<tr><th scope="row">${name(label)}</th><td>${name(predicted)}</td><td class="number">${grouped(count)}</td><td class="number">${percent(share)}</td></tr>`,
  )}</tbody></table></div>
</section>`;
}

/** Of several labels: what each was given and what held. */
export function labelOutcomesSection({ labels, confusion }: MultiLabelEvaluation): Markup {
  return markup`<section class="long">
<h2>Labels given and missed</h2>
<p class="note">Each label is a question of its own: pictures where it holds, pictures where it does not, and what was said.</p>
<div class="scroll"><table>
<thead><tr><th scope="col">label</th>${['rightly given', 'missed', 'wrongly given', 'rightly not given'].map(
    title => markup`<th scope="col" class="number">${title}</th>`,
  )}</tr></thead>
<tbody>${labels.map((label, k) => {
    const [[not, falsely], [missed, hit]] = confusion[k]!;
    return markup`<tr><th scope="row">${name(label)}</th>${[hit, missed, falsely, not].map(
      count => markup`<td class="number">${grouped(count)}</td>`,
    )}</tr>`;
  })}</tbody></table></div>
</section>`;
}
