// graft validate: whether training artifacts will train.

import { printable, validateArtifacts } from '../../index.js';
import type { Command } from '../command.js';

export const validateCommand: Command = {
  name: 'validate',
  summary: 'say whether training artifacts will train',
  description:
    'Checks a folder of training artifacts, plain or of ONNX Runtime’s on-device training, against every rule of its form, and says each fault in a sentence: above all graphs that load and run and never learn. Ends with status 7 where there is one.',
  arguments: [{ name: '<folder>', help: 'the folder that holds training_model.onnx' }],
  flags: {},
  examples: ['graft validate artifacts', 'graft validate artifacts --json'],
  async run({ args, output }) {
    const found = validateArtifacts(args[0] as string);
    output.data(found);
    const { target, files, runtimes = [], trainable, frozen, faults } = found;
    output.print(`${output.bold(printable(found.folder))}: ${target}, ${files.map(printable).join(', ')}`);
    output.print(`${trainable.length} parameters train, ${frozen.length} are frozen`);
    if (runtimes.length > 0) output.print(`loads in ONNX Runtime ${runtimes.join(', ')}`);
    for (const { file, message } of faults)
      output.print(`${output.red('✘')} ${printable(file)}: ${printable(message)}`);
    output.print(faults.length === 0 ? output.green('nothing is wrong') : `${faults.length} faults`);
    return faults.length === 0 ? 0 : 7;
  },
};
