// Markup that cannot forget to escape: in markup`<td>${name}</td>` every text is escaped, every number is printed short,
// and only what markup itself made goes in as it is. Names come from folders and files and may hold anything.

import { printable } from '../base/index.js';

/** A piece of finished HTML or SVG. */
export interface Markup {
  readonly text: string;
}

type Part = Markup | string | number | undefined | readonly Markup[];

/** HTML or SVG from a template; see the top of this file. `undefined` prints nothing. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { text: strings.reduce((text, literal, i) => text + printed(parts[i - 1]) + literal) };
}

/** Text that is markup already: the style sheet, path data of a shape. */
export const asIs = (text: string): Markup => ({ text });

/** Nothing. */
export const nothing: Markup = asIs('');

function printed(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return coordinate(part);
  if ('text' in part) return part.text;
  return part.map(p => p.text).join('');
}

/** A number of a plot, to a hundredth of a unit, so that the same figures give the same bytes everywhere. */
export const coordinate = (value: number): string => String(Math.round(value * 100) / 100 + 0);

const entities = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/** Text for HTML, between tags or in a quoted attribute; control characters are shown, not obeyed. */
const escaped = (text: string): string => printable(text).replace(/[&<>"']/g, c => entities.get(c)!);

/** A name from a file: its direction of writing stays its own. */
export const name = (text: string): Markup => markup`<bdi>${text}</bdi>`;
