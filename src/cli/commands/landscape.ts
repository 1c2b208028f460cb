// graft landscape: loss and accuracy along the line between two networks.

import { landscape, landscapeKind, printable, writeLandscape, type LandscapeOptions } from '../../index.js';
import type { Command, FlagsOf } from '../command.js';
import { pictureFlags, progressOf, runtimeFlags, runtimeFrom } from '../shared.js';
import { percent, table } from '../text.js';

const lineFlags = {
  points: { type: 'integer', help: 'networks on the line, both ends counted (default: 11)' },
  pictures: { type: 'string', value: 'folder', help: 'where the pictures are (default: where the first run had them)' },
  split: {
    type: 'choice',
    choices: ['validation', 'train'],
    help: 'which pictures of the first network (default: validation)',
  },
  statistics: {
    type: 'choice',
    choices: ['averaged', 're-estimated'],
    help: 'of BatchNormalization between the ends: averaged, or estimated anew from pictures that trained (default: averaged)',
  },
} satisfies FlagsOf<LandscapeOptions>;

export const landscapeCommand: Command = {
  name: 'landscape',
  summary: 'loss along the line between two networks: why a soup works or fails',
  arguments: [
    { name: '<from>', help: 'run, bundle, or checkpoint of a run such as run@3' },
    { name: '<to>', help: 'another one of the same network' },
  ],
  flags: {
    ...lineFlags,
    out: { type: 'string', value: 'file', help: 'also write a picture: .html, .svg, or the figures: .json' },
    force: { type: 'boolean', help: 'write over a file that is there' },
    ...pictureFlags,
    ...runtimeFlags,
  },
  examples: [
    'graft landscape run@2 run@last',
    'graft landscape run-a run-b --points 21 --out landscape.html',
    'graft landscape run@best other/bundle --statistics re-estimated --json',
  ],
  async run({ args, flags, output, signal }) {
    const { out, force, allowFormats, ...said } = flags as LandscapeOptions & { out?: string; force?: boolean };
    if (out !== undefined) landscapeKind(out);
    const { points, pictures, split, statistics } = said;
    const found = await landscape(
      args[0] as string,
      args[1] as string,
      {
        ...(points === undefined ? {} : { points }),
        ...(pictures === undefined ? {} : { pictures }),
        ...(split ? { split } : {}),
        ...(statistics ? { statistics } : {}),
        allowFormats: allowFormats ?? [],
        onProgress: progressOf(output),
        signal,
      },
      await runtimeFrom(flags, output),
    );
    output.settle();
    output.data(found);
    const { from, to, count } = found;
    output.print(`from ${printable(from)} to ${printable(to)}, ${count} pictures (${found.split})\n`);
    const rows = found.points.map(({ t, loss, calibratedLoss, accuracy }) => [
      t.toFixed(2),
      loss.toFixed(4),
      calibratedLoss.toFixed(4),
      percent(accuracy),
    ]);
    const head = ['t', 'negative log-likelihood', 'at the best temperature', 'accuracy'];
    for (const text of table(head, rows, output, [0, 1, 2, 3])) output.print(text);
    output.print(`\n${output.bold(printable(found.words))}`);
    for (const note of found.notes) output.say(printable(note));
    if (out === undefined) return undefined;
    await writeLandscape(out, found, { force: force === true });
    output.print(`\n${output.green('saved')} ${out}`);
    return undefined;
  },
};
