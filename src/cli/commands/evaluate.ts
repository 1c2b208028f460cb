// graft evaluate: what a bundle is worth on labelled pictures.

import { evaluate, isMultiLabelEvaluation, printable, writeReport, type Evaluation } from '../../index.js';
import type { Command } from '../command.js';
import type { Output } from '../output.js';
import { pictureFlags, progressOf, runtimeFlags, runtimeFrom } from '../shared.js';
import { percent, table } from '../text.js';

export const evaluateCommand: Command = {
  name: 'evaluate',
  summary: 'measure a bundle on labelled pictures',
  arguments: [
    { name: '<bundle>', help: 'bundle folder, such as run/bundle' },
    { name: '<pictures>', help: 'folder or manifest of labelled pictures' },
  ],
  flags: {
    split: {
      type: 'choice',
      choices: ['train', 'validation', 'test'],
      help: 'which part (default: test, or else validation, or else train)',
    },
    html: { type: 'string', value: 'file', help: 'also write a report: one HTML file that loads nothing' },
    force: { type: 'boolean', help: 'write over a report that is there' },
    ...pictureFlags,
    ...runtimeFlags,
  },
  examples: [
    'graft evaluate run/bundle pictures/',
    'graft evaluate run/bundle pictures/ --html report.html',
    'graft evaluate run/bundle pictures/ --json',
  ],
  async run({ args, flags, output, signal }) {
    const split = flags['split'] as 'train' | 'validation' | 'test' | undefined;
    const result = await evaluate(
      args[0] as string,
      args[1] as string,
      {
        ...(split ? { split } : {}),
        allowFormats: (flags['allowFormats'] as ('avif' | 'tiff')[] | undefined) ?? [],
        onProgress: progressOf(output),
        signal,
      },
      await runtimeFrom(flags, output),
    );
    const { evaluation, seen } = result;
    const html = flags['html'] as string | undefined;
    if (html) await writeReport(html, result, { force: flags['force'] === true });
    output.settle();
    output.data(evaluation);
    if (seen.train > 0) output.warn(`${seen.train} of these pictures were trained on: the figures flatter`);
    if (seen.validation > 0)
      output.say(`${seen.validation} of these pictures were used for choosing (strength, temperature)`);
    print(evaluation, output);
    if (html) output.print(`\n${output.green('saved')} ${html}`);
    for (const { file, error } of evaluation.errors)
      if (!output.json) output.warn(`${printable(file)}: ${error.code}: ${error.message}`);
    return evaluation.errors.length > 0 ? 3 : 0;
  },
};

const decimal = (value: number | null): string => (value === null ? '–' : value.toFixed(3));

function print(evaluation: Evaluation, output: Output): void {
  const [low, high] = evaluation.accuracyInterval;
  output.print(`${evaluation.count} pictures (${evaluation.split})`);
  output.print(
    `accuracy                    ${output.bold(percent(evaluation.accuracy))}  (95% interval ${percent(low)} to ${percent(high)})`,
  );
  output.print(`negative log-likelihood     ${evaluation.negativeLogLikelihood.toFixed(4)}`);
  output.print(`expected calibration error  ${percent(evaluation.expectedCalibrationError)}`);
  output.print(`  over bins of equal mass   ${percent(evaluation.equalMassCalibrationError)}`);
  output.print(`Brier score                 ${evaluation.brierScore.toFixed(4)}`);
  output.print(`balanced accuracy           ${percent(evaluation.balancedAccuracy)}`);
  output.print(`macro F1                    ${decimal(evaluation.macroF1)}`);
  const ranked = evaluation.perClass.filter(({ auroc }) => auroc !== null).length;
  const most = evaluation.perClass.length;
  output.print(
    `AUROC                       ${decimal(evaluation.auroc)}${ranked < most ? `  (${ranked} of ${most} classes have pictures of and not of them)` : ''}`,
  );
  output.print('');
  const rows = evaluation.perClass.map(({ label, support, precision, recall, f1, auroc }) => [
    printable(label),
    String(support),
    percent(precision),
    percent(recall),
    decimal(f1),
    decimal(auroc),
  ]);
  const titles = ['class', 'pictures', 'precision', 'recall', 'F1', 'AUROC'];
  for (const line of table(titles, rows, output, [1, 2, 3, 4, 5])) output.print(line);
  if (isMultiLabelEvaluation(evaluation) || evaluation.labels.length > 12) return;
  output.print('');
  const head = ['true \\ predicted', ...evaluation.labels.map(printable)];
  const confusion = evaluation.confusion.map((row, i) => [printable(evaluation.labels[i]!), ...row.map(String)]);
  for (const line of table(
    head,
    confusion,
    output,
    head.slice(1).map((_, i) => i + 1),
  ))
    output.print(line);
}
