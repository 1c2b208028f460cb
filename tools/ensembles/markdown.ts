// The table as Markdown.

import type { Cell, Cells, Difference } from './figures.js';

export interface SetTable {
  readonly set: string;
  readonly cells: readonly Cells[];
}

/** One table a set. */
export function markdownOf(
  tables: readonly SetTable[],
  { backbone, seeds, epochs }: { readonly backbone: string; readonly seeds: number; readonly epochs: number },
): string {
  const plain = ({ mean, spread }: Cell, digits: number, factor = 1) =>
    `${(factor * mean).toFixed(digits)} ± ${(factor * spread).toFixed(digits)}`;
  const signed = (value: number, digits: number) => {
    const text = Math.abs(value).toFixed(digits);
    return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
  };
  const change = ({ mean, low, high }: Difference, digits: number, factor = 1) => {
    const text = `${signed(factor * mean, digits)} (${signed(factor * low, digits)}, ${signed(factor * high, digits)})`;
    // a difference that rounds to nothing is none, however sure
    return low * high > 0 && Number((factor * mean).toFixed(digits)) !== 0 ? `**${text}**` : text;
  };
  const head = ['', 'accuracy %', 'Δ points', 'NLL', 'Δ NLL', 'calibrated NLL', 'Δ calibrated', 'ECE %', 'calibrated ECE %', 'Brier', 'calibrated Brier', 'training', 'inference']; // prettier-ignore
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const one = ({ set, cells }: SetTable) =>
    [
      `### ${set}`,
      '',
      row(head),
      row(head.map((_, i) => (i === 0 ? '---' : '--:'))),
      ...cells.map(({ name, accuracy, raw, calibrated, difference, training, flops }) =>
        row([
          name,
          plain(accuracy, 1, 100),
          name === 'single' ? '' : change(difference.accuracy, 1, 100),
          plain(raw.nll, 3),
          name === 'single' ? '' : change(difference.raw, 3),
          plain(calibrated.nll, 3),
          name === 'single' ? '' : change(difference.calibrated, 3),
          plain(raw.ece, 1, 100),
          plain(calibrated.ece, 1, 100),
          plain(raw.brier, 3),
          plain(calibrated.brier, 3),
          `${training.toFixed(1)} ×`,
          `${flops.toFixed(2)} ×`,
        ]),
      ),
    ].join('\n');
  return [
    `Heads with one hidden layer on ${backbone}, ${epochs} epochs, ${seeds} seeds: mean ± standard deviation over seeds; differences to the single network of the same seed with their 95 % interval over pictures, bold where it does not hold 0.`,
    ...tables.map(one),
  ].join('\n\n');
}
