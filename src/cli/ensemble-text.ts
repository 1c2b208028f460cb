// What graft ensemble found, as a terminal of any width shows it: a table whose differences are never cut, and what ships.

import { commonStart, printable, type EnsembleResult } from '../index.js';
import type { Output } from './output.js';
import { amount, percent, table } from './text.js';

/** What the lines are made of. */
export type EnsembleTold = Pick<
  EnsembleResult,
  'table' | 'verdict' | 'calibration' | 'counts' | 'isOutOfFold' | 'costUnit' | 'recipe' | 'difference'
>;
type Row = EnsembleResult['table']['rows'][number];

/** Of more rows the best are shown, and those that are marked. */
const most = 24;
/** The narrowest column of names. */
const least = 20;

/** The lines of a result. */
export function ensembleLines(result: EnsembleTold, output: Pick<Output, 'dim' | 'bold' | 'width'>): string[] {
  const { calibration, counts, isOutOfFold, recipe, difference, verdict } = result;
  const { memberFirst, kind } = calibration;
  const pool = kind === 'none' ? 'the pool as it is' : `the pool by ${kind}`;
  const how = memberFirst ? `each member by its temperature, then ${pool}` : kind;
  const judged = isOutOfFold
    ? `${counts.select} pictures, each by the one member that did not train on it`
    : counts.isShared
      ? `${counts.select} pictures, crosswise`
      : `${counts.select} pictures that chose and ${counts.calibrate} that calibrated, crosswise`;
  const fused =
    difference === undefined ? 'one graph' : `one graph, within ${difference.toExponential(0)} of its members`;
  const facts: [string, string][] = [
    ['calibrated', kind === 'none' && !memberFirst ? 'not needed' : how],
    ['judged by', judged],
    [
      'made of',
      printable(recipe.replace(/(\d\.\d{5,})\*/g, (_, weight) => `${Number(Number(weight).toPrecision(4))}*`)),
    ],
    ['fused', fused],
  ];
  return [
    ...tableOf(result, output),
    '',
    ...folded(output.bold, verdict, output.width),
    '',
    ...facts.flatMap(([name, text]) => {
      const [first = '', ...rest] = folded(line => line, text, output.width - 12);
      return [`${output.dim(name.padEnd(12))}${first}`, ...rest.map(line => `${' '.repeat(12)}${line}`)];
    }),
  ];
}

interface Column {
  readonly title: string;
  readonly text: (row: Row, i: number) => string;
  readonly isRight?: boolean;
  /** Columns go, the largest number first, until the others have room. */
  readonly dispensable?: number;
}

/** What was compared; the row that ships is marked. */
function tableOf({ table: at, isOutOfFold, costUnit }: EnsembleTold, output: Pick<Output, 'dim' | 'width'>): string[] {
  const { rows, chosen, reference } = at;
  const [metric] = rows.flatMap(row => row.differences.map(one => one.metric));
  const short = commonStart(rows.map(({ name }) => name));
  const isShare = metric === 'accuracy';
  const signed = (value: number) =>
    `${value < 0 ? '−' : '+'}${isShare ? (100 * Math.abs(value)).toFixed(1) : Math.abs(value).toFixed(3)}`;
  const away = ({ differences: [one] }: Row, i: number): string =>
    i === reference
      ? 'the best member'
      : one
        ? `${signed(one.difference)} (${signed(one.low)} to ${signed(one.high)})`
        : '';
  const columns: Column[] = [
    { title: '', text: (row, i) => `${i === chosen ? '▸' : ' '} ${printable(short(row.name))}` },
    { title: 'accuracy', text: row => percent(row.accuracy), isRight: true },
    { title: 'NLL', text: row => row.negativeLogLikelihood.toFixed(3), isRight: true },
    { title: 'Brier', text: row => row.brierScore.toFixed(3), isRight: true, dispensable: 3 },
    { title: 'ECE', text: row => percent(row.expectedCalibrationError), isRight: true, dispensable: 2 },
    ...(isOutOfFold ? [] : [{ title: `${isShare ? 'points' : 'NLL'} to best member, 95%`, text: away }]),
    {
      title: costUnit === 'ms' ? 'ms' : 'FLOP',
      text: row => (row.cost === undefined ? '' : amount(Number(row.cost.toPrecision(3)))),
      isRight: true,
      dispensable: 1,
    },
  ];
  const shown = isOutOfFold ? [chosen] : foremost(at);
  const kept = fitting(columns, rows, output.width);
  const lines = table(
    kept.map(({ title }) => title),
    shown.map(i => kept.map(({ text }) => text(rows[i]!, i))),
    output,
    kept.flatMap(({ isRight }, i) => (isRight ? [i] : [])),
  );
  const left = isOutOfFold ? 0 : rows.length - shown.length;
  return [...lines, ...(left > 0 ? [output.dim(`  and ${left} more (--json lists all)`)] : [])];
}

/** Columns that leave room for the names. */
function fitting(columns: readonly Column[], rows: readonly Row[], width: number): Column[] {
  const widthOf = ({ title, text }: Column) => 2 + Math.max(title.length, ...rows.map((row, i) => text(row, i).length));
  let kept = [...columns];
  for (const level of [3, 2, 1]) {
    const [name, ...others] = kept as [Column, ...Column[]];
    const taken = others.reduce((sum, column) => sum + widthOf(column), 0);
    if (taken + Math.min(least, widthOf(name)) <= width) break;
    kept = kept.filter(({ dispensable }) => dispensable !== level);
  }
  return kept;
}

/** Places of the rows that are shown, in their order. */
function foremost({ rows, chosen, reference }: EnsembleResult['table']): number[] {
  const all = rows.map((_, i) => i);
  if (all.length <= most) return all;
  const ranked = [...all].sort((a, b) => rows[a]!.negativeLogLikelihood - rows[b]!.negativeLogLikelihood);
  const combinations = all.filter(i => rows[i]!.kind === 'combination').slice(0, most / 2);
  const kept = new Set([...new Set([chosen, reference, ...combinations, ...ranked])].slice(0, most));
  return all.filter(i => kept.has(i));
}

/** Words in lines of a width; a word that is wider has a line of its own. */
function folded(style: (line: string) => string, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map(style);
}
