// Class by class: how many pictures each split has, precision and recall. Of many classes the weakest come first and
// the whole table lies folded below.

import type { ClassFigures } from './evaluate.js';
import { markup, name, nothing, type Markup } from './markup.js';
import { counted, decimal, grouped, percent } from './wording.js';

/** How many pictures of each class a split holds, in label order. */
export interface SplitCounts {
  readonly split: string;
  readonly counts: readonly number[];
}

/** How many classes are shown unfolded. */
const most = 40;

/** The section with one row for each class. */
export function classesSection(perClass: readonly ClassFigures[], splits: readonly SplitCounts[]): Markup {
  const all = perClass.map((_, k) => k);
  const weakest = [...all].sort((a, b) => (perClass[a]!.recall ?? 2) - (perClass[b]!.recall ?? 2) || a - b);
  const few = all.length <= most;
  return markup`<section class="long">
<h2>Classes</h2>
<p class="note">Precision: of what was given the label, the share that has it. Recall: of what has the label, the share that was given it. F1: both in one. AUROC: how often a picture of the class gets more of it than another.</p>
${few ? nothing : markup`<p class="note">The ${most} classes of lowest recall, of ${grouped(all.length)}.</p>`}
${table(few ? all : weakest.slice(0, most), perClass, splits)}
${few ? nothing : markup`<details><summary>all ${counted(all.length, 'class', 'classes')}</summary>${table(all, perClass, splits)}</details>`}
</section>`;
}

function table(shown: readonly number[], perClass: readonly ClassFigures[], splits: readonly SplitCounts[]): Markup {
  // bars of all splits have one scale, so that they can be compared
  const largest = splits.reduce((top, split) => split.counts.reduce((a, b) => Math.max(a, b), top), 1);
  return markup`<div class="scroll"><table>
<thead><tr><th scope="col">class</th>${splits.map(({ split }) => markup`<th scope="col">${name(split)}</th>`)}<th scope="col">precision</th><th scope="col">recall</th><th scope="col" class="number">F1</th><th scope="col" class="number">AUROC</th></tr></thead>
<tbody>${shown.map(k => {
    const { label, precision, recall, f1, auroc } = perClass[k]!;
    return markup`<tr><th scope="row">${name(label)}</th>${splits.map(({ counts }) => {
      const count = counts[k] ?? 0;
      return meter('count', (100 * count) / largest, grouped(count));
    })}${meter('share', 100 * (precision ?? 0), percent(precision))}${meter('share', 100 * (recall ?? 0), percent(recall))}${figure(f1)}${figure(auroc)}</tr>`;
  })}</tbody></table></div>`;
}

const figure = (value: number | null): Markup =>
  markup`<td class="number">${value === null ? '–' : decimal(value)}</td>`;

const meter = (kind: string, share: number, text: string): Markup =>
  markup`<td><div class="meter ${kind}" style="--share:${share}"><span>${text}</span><i></i></div></td>`;
