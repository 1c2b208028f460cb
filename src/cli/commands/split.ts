// graft split: a network in pieces.

import { nodeRuntime, printable, split } from '../../index.js';
import type { Command } from '../command.js';
import { shapeText } from '../text.js';

export const splitCommand: Command = {
  name: 'split',
  summary: 'cut a network into featurizer and head',
  description:
    'Cuts a network into pieces that, run one after the other, give what it gave: proven on random and real input before anything is written.',
  arguments: [{ name: '<model>', help: 'an .onnx file' }],
  flags: {
    at: {
      type: 'list',
      value: 'cut',
      help: "cuts: features, block2, a value's name, two joined by + (default: features)",
    },
    out: { type: 'string', value: 'folder', help: 'the folder that is written', default: 'parts' },
    size: { type: 'integer', value: 'pixels', help: 'picture side where the network leaves it open (default: 224)' },
    force: { type: 'boolean', help: 'write over files that are there' },
  },
  examples: [
    'graft split squeezenet1.1.onnx --at features --out parts',
    'graft split resnet18.onnx --at block1 block3 --out parts',
  ],
  async run({ args, flags, output }) {
    const { at, out, size, force } = flags as { at?: string[]; out: string; size?: number; force?: boolean };
    const result = await split(
      args[0] as string,
      { out, ...(at ? { at } : {}), ...(size ? { size } : {}), ...(force ? { force } : {}) },
      nodeRuntime(),
    );
    output.data(result);
    result.cuts.forEach((cut, i) => {
      output.print(`cut at ${cut.map(printable).join(' + ')}  ${result.shapes[i]!.map(shapeText).join(' + ')}`);
    });
    output.print('optimizations off: equal bit for bit');
    output.print(
      `optimizations on:  ${result.difference.optimized === 0 ? 'equal bit for bit' : `largest relative difference ${result.difference.optimized.toExponential(1)}`}${result.quantizedDrift ? ` (a quantised network: onnxruntime's fusions alone move the whole one by ${result.quantizedDrift.toExponential(1)})` : ''}${result.halfPrecision ? ' (a float16 network: onnxruntime keeps float32 between its nodes)' : ''}`,
    );
    for (const file of result.files) output.print(`${output.green('saved')} ${file}`);
    return 0;
  },
};
