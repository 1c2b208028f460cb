// graft taps: a network with more outputs.

import { nodeRuntime, printable, taps } from '../../index.js';
import type { Command } from '../command.js';
import { shapeText } from '../text.js';

export const tapsCommand: Command = {
  name: 'taps',
  summary: 'let inner values of a network come out',
  description:
    'Adds outputs for inner values; the network stays as it is otherwise, and its old outputs come out bit for bit as before.',
  arguments: [{ name: '<model>', help: 'an .onnx file' }],
  flags: {
    value: { type: 'list', value: 'name', help: "values: features, block2, or a value's name" },
    out: { type: 'string', value: 'file', help: 'the file that is written', default: 'tapped.onnx' },
    size: { type: 'integer', value: 'pixels', help: 'picture side where the network leaves it open (default: 224)' },
    force: { type: 'boolean', help: 'write over a file that is there' },
  },
  examples: ['graft taps squeezenet1.1.onnx --value features block2 --out tapped.onnx'],
  async run({ args, flags, output }) {
    const { value = [], out, size, force } = flags as { value?: string[]; out: string; size?: number; force?: boolean };
    const result = await taps(
      args[0] as string,
      { value, out, ...(size ? { size } : {}), ...(force ? { force } : {}) },
      nodeRuntime(),
    );
    output.data(result);
    for (const { name, type, shape, wasOutput } of result.taps)
      output.print(
        `${printable(name)}  ${type ?? '?'} ${shapeText(shape)}${wasOutput ? '  (was an output already)' : ''}`,
      );
    const apart = (relative: number) =>
      relative === 0 ? 'old outputs equal bit for bit' : `old outputs differ by ${relative.toExponential(1)} at most`;
    const why = result.halfPrecision ? ' (a float16 network: onnxruntime keeps float32 between its nodes)' : '';
    output.print(`optimizations off: ${apart(result.difference.exact)}${why}`);
    output.print(`optimizations on:  ${apart(result.difference.optimized)}`);
    output.print(`${output.green('saved')} ${result.file}`);
    return 0;
  },
};
