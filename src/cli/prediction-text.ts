// Predictions as a table: a row for each picture, and below it one for each member where these were asked for.

import { commonStart, printable, type FilePrediction, type UnreadableFile } from '../index.js';
import type { Output } from './output.js';
import { percent, table } from './text.js';

/** The lines of predictions; pictures without an answer are left out. */
export function predictionLines(
  answers: readonly (FilePrediction | UnreadableFile)[],
  output: Pick<Output, 'dim' | 'width'>,
  top?: number,
): string[] {
  const told = answers.flatMap(answer => ('error' in answer ? [] : [answer]));
  if (told.length === 0) return [];
  const columns = top ?? 1;
  const hasSets = told.some(answer => answer.predictionSet);
  const mayBeUnknown = told.some(answer => answer.unknown !== undefined);
  const short = commonStart(told.flatMap(({ members = [] }) => members.map(({ name }) => name)));
  const files = told.map(({ file }) => file);
  // of long paths the end tells most
  const isLong = Math.max(...files.map(file => file.length)) > output.width / 2;
  const fileName = isLong ? commonStart(files) : (file: string) => file;
  const rows = told.flatMap(answer => [
    [
      printable(fileName(answer.file)),
      ...shownOf(answer),
      ...(hasSets ? [(answer.predictionSet ?? []).map(printable).join(', ')] : []),
      ...(mayBeUnknown ? [answer.unknown ? 'unknown kind' : ''] : []),
    ],
    ...(answer.members ?? []).map(member => [`  ${printable(short(member.name))}`, ...shownOf(member)]),
  ]);
  const head = [
    'file',
    ...Array.from({ length: columns }, (_, i) =>
      columns === 1 ? ['label', 'probability'] : [`label ${i + 1}`, ''],
    ).flat(),
    ...(hasSets ? ['set'] : []),
    ...(mayBeUnknown ? [''] : []),
  ];
  return table(head, rows, output);
}

/** Labels with their probabilities, the most probable first. */
const shownOf = ({ top, ...best }: Pick<FilePrediction, 'label' | 'probability' | 'top'>): string[] =>
  (top ?? [best]).flatMap(({ label, probability }) => [printable(label), percent(probability)]);
