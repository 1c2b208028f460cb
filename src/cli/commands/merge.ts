// graft merge: a bundle as a plain network.

import { merge, printable, type MergeOptions } from '../../index.js';
import type { Command, FlagsOf } from '../command.js';
import { shapeText } from '../text.js';

const flags = {
  out: { type: 'string', value: 'file', help: 'the file that is written', default: 'network.onnx' },
  force: { type: 'boolean', help: 'write over a file that is there' },
} satisfies FlagsOf<MergeOptions>;

export const mergeCommand: Command = {
  name: 'merge',
  summary: 'give a bundle back as a plain network',
  description:
    "Writes the network inside a bundle with the published network's own input and output names, for tools that know nothing of bundles: what prepares pictures is left out, the trained weights and the new head are in.",
  arguments: [{ name: '<bundle>', help: 'the folder of a bundle' }],
  flags,
  examples: ['graft merge run/bundle --out ants-and-bees.onnx'],
  async run({ args, flags: given, output }) {
    const { out, force } = given as { out: string; force?: boolean };
    const result = await merge(args[0] as string, { out, ...(force ? { force } : {}) });
    output.data(result);
    const { input, output: made, gives } = result;
    output.print(`input   ${printable(input.name)} ${shapeText(input.shape)}`);
    output.print(
      `output  ${printable(made.name)} ${shapeText(made.shape)}, ${gives === 'logits' ? 'logits' : 'calibrated probabilities'}`,
    );
    output.print(`${output.green('saved')} ${result.file}`);
    return 0;
  },
};
