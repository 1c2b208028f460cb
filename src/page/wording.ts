// Figures and names as people read them, the same as in the report and on the terminal.

import { element } from './element.js';

/** `0.94118` as `94.1%`; what is not all or nothing never reads as 100 % or 0 %. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  if (share === 0 || share === 1) return `${share * 100}%`;
  for (let digits = 1; digits < 4; digits++) {
    const text = (share * 100).toFixed(digits);
    if (Number(text) > 0 && Number(text) < 100) return `${text}%`;
  }
  return share < 0.5 ? '<0.001%' : '>99.999%';
}

/** `0.94118` as `94%`, for narrow places. */
export function roughPercent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  const text = (share * 100).toFixed(0);
  if (text === '100' && share < 1) return '>99%';
  if (text === '0' && share > 0) return '<1%';
  return `${text}%`;
}

/** `1 picture`, `12,345 pictures`. */
export const counted = (count: number, one: string, more = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : more}`;

/** `3.4 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return counted(bytes, 'byte');
  const [size, unit] = bytes < 1024 ** 2 ? [bytes / 1024, 'KiB'] : [bytes / 1024 ** 2, 'MiB'];
  return `${Number(size.toPrecision(3))} ${unit}`;
}

/** Control characters and marks that turn the direction of writing, shown instead of obeyed; half characters too. */
export const visible = (text: string): string =>
  text
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, escaped)
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, escaped);

const escaped = (c: string): string => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;

const characterCutter = new Intl.Segmenter();

/** A name cut for a line that cannot wrap; characters stay whole. */
export function shortened(name: string, most = 48): string {
  const characters = Array.from(characterCutter.segment(visible(name)), ({ segment }) => segment);
  return characters.length <= most ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`;
}

/** Names of nothing are seen, too. */
export const shown = (name: string): string => (name.trim() === '' ? '(no name)' : visible(name));

/** A name from a file: its direction of writing stays its own. */
export const named = (name: string): HTMLElement => element('bdi', {}, shown(name));

/** Names without the part that all start with, up to a sign between words; what is left says something. */
export function withoutCommonStart(names: readonly string[]): string[] {
  const [first = '', ...others] = names;
  if (others.length === 0) return [...names];
  let same = 0;
  while (same < first.length && others.every(name => name[same] === first[same])) same++;
  const cutBefore = (end: number): number =>
    end <= 0 ? 0 : Math.max(...['/', '-', '_', '.', '@', ' '].map(sign => first.lastIndexOf(sign, end - 1))) + 1;
  let cut = cutBefore(same);
  // `members/1` rather than `1`
  while (cut > 0 && names.some(name => name.length - cut < 3)) cut = cutBefore(cut - 1);
  return names.map(name => name.slice(cut));
}
