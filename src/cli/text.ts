// Numbers, shapes and tables as people read them in a terminal.

import { printable } from '../index.js';
import type { Output } from './output.js';

/** 1235496 → `1.24 M` */
export function amount(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toPrecision(3)} G`;
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (value >= 1e4) return `${(value / 1e3).toPrecision(3)} k`;
  return String(value);
}

/** `[N, 3, 224, 224]`, unknown dimensions as `?`. */
export const shapeText = (shape: readonly (number | string)[] | undefined): string =>
  shape ? `[${shape.map(dim => (dim === '' ? '?' : typeof dim === 'string' ? printable(dim) : dim)).join(', ')}]` : '?';

/** 0.9345 → `93.5%` */
export const percent = (value: number | null): string => (value === null ? '–' : `${(100 * value).toFixed(1)}%`);

/** Seconds as `8.2 s` or `3 min 5 s`. */
export const seconds = (value: number): string =>
  value < 60 ? `${value.toFixed(1)} s` : `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;

/** Lines of a table; columns in `right` are aligned right. Wide cells are cut where the terminal ends. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  output: Pick<Output, 'dim' | 'width'>,
  right: readonly number[] = [],
): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(row => (row[i] ?? '').length)));
  const total = widths.reduce((a, b) => a + b + 2, 0);
  if (total > output.width) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = Math.max(12, widths[widest]! - (total - output.width));
  }
  const cell = (text: string, i: number) => {
    const width = widths[i]!;
    const fitted = text.length > width ? `${text.slice(0, width - 1)}…` : text;
    return right.includes(i) ? fitted.padStart(width) : fitted.padEnd(width);
  };
  const line = (cells: readonly string[]) =>
    head
      .map((_, i) => cell(cells[i] ?? '', i))
      .join('  ')
      .trimEnd();
  return [output.dim(line(head)), ...rows.map(line)];
}
