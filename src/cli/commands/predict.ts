// graft predict: labels for pictures.

import { predict, printable } from '../../index.js';
import type { Command } from '../command.js';
import { pictureFlags, progressOf, runtimeFlags, runtimeFrom } from '../shared.js';
import { predictionLines } from '../prediction-text.js';

export const predictCommand: Command = {
  name: 'predict',
  summary: 'label pictures with a bundle',
  arguments: [
    { name: '<bundle>', help: 'bundle folder, such as run/bundle' },
    { name: '<pictures...>', help: 'pictures or folders of pictures' },
  ],
  flags: {
    top: { type: 'integer', value: 'k', help: 'also give the k most probable labels' },
    members: { type: 'boolean', help: 'of an ensemble, also give what each member says' },
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
    if (!output.json) for (const line of predictionLines(answers, output, top)) output.print(line);
    const failed = answers.flatMap(answer => ('error' in answer ? [answer] : []));
    if (!output.json)
      for (const { file, error } of failed) output.warn(`${printable(file)}: ${error.code}: ${error.message}`);
    return failed.length > 0 ? 3 : 0;
  },
};
