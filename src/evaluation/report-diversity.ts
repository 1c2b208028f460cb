// How differently the members answer: three squares of pairs (disagreement, divergence, correlation of errors), and
// in a sentence what averaging makes of it.

import type { Diversity } from './diversity.js';
import { markup, name, nothing, type Markup } from './markup.js';
import { counted, decimal, grouped, percent, roughPercent } from './wording.js';

/** The largest square drawn, in members. */
const largest = 20;
/** Shades from this percentage on need light text. */
const strong = 65;

/** The section; nothing where there is one member only. */
export function diversitySection(diversity: Diversity): Markup {
  const { members, means, ambiguity } = diversity;
  if (members.length < 2) return nothing;
  const shown = members.slice(0, largest).map((_, i) => i);
  const rest = members.length - shown.length;
  const correlated =
    means.errorCorrelation === null ? '' : `; their errors correlate by ${decimal(means.errorCorrelation)}`;
  return markup`<section class="long">
<h2>How members differ</h2>
<p class="note">Two members give different answers to ${percent(means.disagreement)} of the questions on average${correlated}. The mean of all has a negative log-likelihood of ${decimal(ambiguity.poolLikelihood)}, a member ${decimal(ambiguity.memberLikelihood)} on average: that they differ is worth ${decimal(Math.max(0, ambiguity.gain))}.${
    rest > 0 ? ` The first ${largest} of ${counted(members.length, 'member')}.` : ''
  }</p>
<ol class="members">${shown.map(k => markup`<li>${name(members[k]!)}</li>`)}</ol>
<div class="squares" style="--wide:${Math.max(280, (shown.length + 1) * (sizeOf(shown) + 2))}px">
${square('Disagreement', 'share of answers that differ', diversity, shown, (a, b) => shade(diversity.disagreement[a]![b]!, top(diversity.disagreement), roughPercent))}
${square('Divergence', 'KL of the row from the column, nats', diversity, shown, (a, b) => shade(diversity.divergence[a]![b]!, top(diversity.divergence), twoDigits))}
${square('Correlation of errors', '1 wrong together, 0 independently', diversity, shown, (a, b) => {
  const phi = diversity.errorCorrelation[a]![b]!;
  return phi === null
    ? { text: '–', share: 0, tone: '' }
    : { text: twoDigits(phi), share: 100 * Math.abs(phi), tone: phi < 0 ? 'hit' : 'miss' };
})}
</div>
</section>`;
}

interface Cell {
  readonly text: string;
  /** How strong the shade is, 0 … 100. */
  readonly share: number;
  readonly tone: string;
}

const shade = (value: number, most: number, text: (value: number) => string): Cell => ({
  text: text(value),
  share: most > 0 ? (100 * value) / most : 0,
  tone: 'hit',
});

const top = (square: readonly (readonly number[])[]): number =>
  square.reduce((most, row) => row.reduce((a, b) => Math.max(a, b), most), 0);

const twoDigits = (value: number): string => {
  const text = Math.abs(value).toFixed(2);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
};

/** The side of a cell, in pixels. */
const sizeOf = ({ length }: readonly number[]): number => (length <= 6 ? 44 : length <= 10 ? 38 : 32);

function square(
  title: string,
  note: string,
  { members }: Diversity,
  shown: readonly number[],
  cell: (row: number, column: number) => Cell,
): Markup {
  const size = sizeOf(shown);
  return markup`<div><h3>${title}</h3><p class="note">${note}</p><div class="scroll"><table class="matrix${shown.length > 6 ? ' dense' : ''}" style="--cell:${size}px">
<thead><tr><td class="corner"></td>${shown.map(k => markup`<th scope="col" title="${members[k]}">${grouped(k + 1)}</th>`)}</tr></thead>
<tbody>${shown.map(
    a =>
      markup`<tr><th scope="row" title="${members[a]}">${grouped(a + 1)}</th>${shown.map(b => {
        if (a === b) return markup`<td></td>`;
        const { text, share, tone } = cell(a, b);
        return markup`<td class="${tone}${share >= strong ? ' strong' : ''}" style="--share:${share}" title="${members[a]} and ${members[b]}: ${text}">${text}</td>`;
      })}</tr>`,
  )}</tbody></table></div></div>`;
}
