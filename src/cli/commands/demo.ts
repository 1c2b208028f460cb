// graft demo: the whole way on the pictures that the package brings, each step as the command that does it.

import { relative } from 'node:path';
import { demoBackbone, demoPictures } from '../../index.js';
import type { Command } from '../command.js';
import type { Output } from '../output.js';
import { evaluateCommand } from './evaluate.js';
import { inspectCommand } from './inspect.js';
import { predictCommand } from './predict.js';
import { trainCommand } from './train.js';

export const demoCommand: Command = {
  name: 'demo',
  summary: 'show the whole way on pictures that the package brings',
  description:
    'Inspects a small network, trains a classifier of five surfaces on its features, measures it and predicts: each step as the command that does it.',
  arguments: [],
  flags: { out: { type: 'string', value: 'folder', help: 'the folder of the run', default: 'graft-demo' } },
  examples: ['graft demo', 'graft demo --out /tmp/demo'],
  async run({ flags, output, signal }) {
    const out = flags['out'] as string;
    // One command after the other speaks; with --json only the last result is printed.
    const quiet: Output = { ...output, data: () => undefined };
    const shown = (path: string) => relative(process.cwd(), path) || '.';
    const step = async (
      command: Command,
      line: string,
      args: readonly (string | readonly string[])[],
      given: Record<string, unknown>,
    ) => {
      output.print(`\n${output.bold(`$ graft ${command.name} ${line}`)}`);
      return command.run({ args, flags: given, output: { ...quiet, say: () => undefined }, signal });
    };
    const [backbone, pictures] = [shown(demoBackbone), shown(demoPictures)];
    output.print('A network, a folder of pictures, a classifier. Nothing is downloaded.');
    await step(inspectCommand, backbone, [[demoBackbone]], {});
    await step(trainCommand, `${pictures} --backbone ${backbone} --out ${out}`, [demoPictures], {
      backbone: demoBackbone,
      out,
      force: true,
    });
    const bundle = `${out}/bundle`;
    await step(evaluateCommand, `${bundle} ${pictures} --html ${out}/report.html`, [bundle, demoPictures], {
      html: `${out}/report.html`,
      force: true,
    });
    const some = ['rings/rings-01', 'scales/scales-02', 'stripes/stripes-03'].map(
      name => `${demoPictures}/val/${name}.jpg`,
    );
    await step(predictCommand, `${bundle} ${some.map(shown).join(' ')} --top 2`, [bundle, some.map(shown)], { top: 2 });
    output.print(`
${output.bold('Now yours.')} Put pictures into one folder per class, take a published network, and:

  graft inspect mobilenet.onnx
  graft train my-pictures/ --backbone mobilenet.onnx --out my-run
  graft evaluate my-run/bundle more-pictures/ --html report.html
  graft predict my-run/bundle holiday.jpg`);
    output.data({ bundle });
    return 0;
  },
};
