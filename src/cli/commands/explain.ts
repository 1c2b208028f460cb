// graft explain: heat maps of what speaks for a label.

import { explain, printable, type ExplainOptions } from '../../index.js';
import type { Command, FlagsOf } from '../command.js';
import { pictureFlags, progressOf, runtimeFlags, runtimeFrom } from '../shared.js';
import { percent, table } from '../text.js';

const flags = {
  out: {
    type: 'string',
    value: 'file',
    help: 'a .png, a row for each picture; or a folder, a file for each',
    default: 'heat.png',
  },
  label: { type: 'string', value: 'label', help: "what is explained (default: each picture's most probable label)" },
  member: { type: 'string', value: 'member', help: 'of an ensemble: one member, by name or number (default: all)' },
  force: { type: 'boolean', help: 'write over files that are there' },
} satisfies FlagsOf<ExplainOptions>;

export const explainCommand: Command = {
  name: 'explain',
  summary: 'show which places of a picture speak for a label',
  description:
    'Draws a class activation map over what the network sees of each picture: warm places speak for the label. Exact (CAM) where all behind the last map is linear, as the default head is; by gradients (Grad-CAM) elsewhere.',
  arguments: [
    { name: '<bundle>', help: 'bundle folder, such as run/bundle' },
    { name: '<pictures...>', help: 'pictures or folders of pictures' },
  ],
  flags: { ...flags, ...pictureFlags, ...runtimeFlags },
  examples: [
    'graft explain run/bundle holiday.jpg --out heat.png',
    'graft explain run/bundle pictures/ --label cat --out heat/',
  ],
  async run({ args, flags: given, output, signal }) {
    const { out, label, member, force, allowFormats } = given as ExplainOptions;
    const answers = await explain(
      args[0] as string,
      args[1] as readonly string[],
      {
        ...(out === undefined ? {} : { out }),
        ...(label === undefined ? {} : { label }),
        ...(member === undefined ? {} : { member }),
        ...(force ? { force } : {}),
        allowFormats: allowFormats ?? [],
        onProgress: progressOf(output),
        signal,
      },
      await runtimeFrom(given, output),
    );
    output.settle();
    output.data(answers);
    const rows = answers.flatMap(answer =>
      'error' in answer
        ? []
        : [[printable(answer.file), printable(answer.label), percent(answer.probability), answer.method]],
    );
    if (rows.length > 0 && !output.json) {
      for (const line of table(['file', 'label', 'probability', 'by'], rows, output)) output.print(line);
      output.print(`${output.green('saved')} ${printable(out ?? '')}`);
    }
    const failed = answers.flatMap(answer => ('error' in answer ? [answer] : []));
    if (!output.json)
      for (const { file, error } of failed) output.warn(`${printable(file)}: ${error.code}: ${error.message}`);
    return failed.length > 0 ? 3 : 0;
  },
};
