// graft predict: labels for pictures.

import { predict, printable } from '../../index.js';
import type { Command } from '../command.js';
import { pictureFlags, progressOf, runtimeFlags, runtimeFrom } from '../shared.js';
import { percent, table } from '../text.js';

export const predictCommand: Command = {
  name: 'predict',
  summary: 'label pictures with a bundle',
  arguments: [
    { name: '<bundle>', help: 'bundle folder, such as run/bundle' },
    { name: '<pictures...>', help: 'pictures or folders of pictures' },
  ],
  flags: {
    top: { type: 'integer', value: 'k', help: 'also give the k most probable labels' },
    members: { type: 'boolean', help: 'of an ensemble, also give what each member says (with --json)' },
    ...pictureFlags,
    ...runtimeFlags,
  },
  examples: ['graft predict run/bundle holiday.jpg', 'graft predict run/bundle pictures/ --top 3 --json'],
  async run({ args, flags, output, signal }) {
    const top = flags['top'] as number | undefined;
    const answers = await predict(
      args[0] as string,
      args[1] as readonly string[],
      {
        ...(top === undefined ? {} : { top }),
        ...(flags['members'] === true ? { members: true } : {}),
        allowFormats: (flags['allowFormats'] as ('avif' | 'tiff')[] | undefined) ?? [],
        onProgress: progressOf(output),
        signal,
      },
      await runtimeFrom(flags, output),
    );
    output.settle();
    output.data(answers);
    const rows = answers.flatMap(answer => {
      if ('error' in answer) return [];
      const shown = answer.top ?? [answer];
      return [
        [
          printable(answer.file),
          ...shown.flatMap(({ label, probability }) => [printable(label), percent(probability)]),
          ...(answer.predictionSet ? [answer.predictionSet.map(printable).join(', ')] : []),
          ...(answer.unknown === undefined ? [] : [answer.unknown ? 'unknown kind' : '']),
        ],
      ];
    });
    const columns = top ?? 1;
    const isUnknown = answers.some(answer => 'unknown' in answer);
    const hasSets = answers.some(answer => 'predictionSet' in answer);
    const head = [
      'file',
      ...Array.from({ length: columns }, (_, i) =>
        columns === 1 ? ['label', 'probability'] : [`label ${i + 1}`, ''],
      ).flat(),
      ...(hasSets ? ['set'] : []),
      ...(isUnknown ? [''] : []),
    ];
    if (rows.length > 0 && !output.json) for (const line of table(head, rows, output)) output.print(line);
    const failed = answers.flatMap(answer => ('error' in answer ? [answer] : []));
    if (!output.json)
      for (const { file, error } of failed) output.warn(`${printable(file)}: ${error.code}: ${error.message}`);
    return failed.length > 0 ? 3 : 0;
  },
};
