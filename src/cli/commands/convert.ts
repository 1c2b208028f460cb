// graft convert: a network in the house's dialect, with what each pass did.

import { convert, convertPasses, GraftError, nodeRuntime, printable, type ConvertResult } from '../../index.js';
import type { Command } from '../command.js';
import type { Output } from '../output.js';
import { table } from '../text.js';

export const convertCommand: Command = {
  name: 'convert',
  summary: 'bring a network to a clean, modern form',
  description:
    'Writes a network as opset 20 in float32 with weights as weights, any number of pictures at a time and known shapes. Says what each pass did, and proves on random and real input that the outputs stay the same before anything is written.',
  arguments: [{ name: '[model]', help: 'an .onnx file' }],
  flags: {
    out: { type: 'string', value: 'file', help: 'the file that is written' },
    list: { type: 'boolean', help: 'name the passes and what they do; no model is needed' },
    dequantize: {
      type: 'boolean',
      help: 'make a quantized (QDQ) network float, so that it can train; says how far its outputs move',
    },
    size: { type: 'integer', value: 'pixels', help: 'picture side where the network leaves it open' },
    tolerance: {
      type: 'number',
      value: 'share',
      help: 'largest difference, as a share of the largest output (default: 1e-4; 1e-2 for float16 and quantized networks; 0.5 with --dequantize)',
    },
    force: { type: 'boolean', help: 'write over a file that is there' },
  },
  examples: [
    'graft convert squeezenet1.0-7.onnx --out clean.onnx',
    'graft convert mobilenetv2-qdq.onnx --dequantize --out float.onnx',
    'graft convert --list',
  ],
  async run({ args, flags, output }) {
    const { out, list, dequantize, size, tolerance, force } = flags as {
      out?: string;
      list?: boolean;
      dequantize?: boolean;
      size?: number;
      tolerance?: number;
      force?: boolean;
    };
    if (list) {
      const passes = convertPasses();
      output.data(passes);
      const rows = passes.map(({ name, summary }) => [name, summary]);
      for (const line of table(['pass', 'what it does'], rows, output)) output.print(line);
      return 0;
    }
    const model = args[0] as string | undefined;
    if (!model || !out) throw missing(model ? 'option --out <file>' : 'argument <model>');
    const result = await convert(
      model,
      {
        out,
        ...(dequantize ? { dequantize } : {}),
        ...(size ? { size } : {}),
        ...(tolerance === undefined ? {} : { tolerance }),
        ...(force ? { force } : {}),
      },
      nodeRuntime(),
    );
    output.data(result);
    print(result, output);
    return 0;
  },
};

/** As commander says it of what every use of a command needs. */
const missing = (what: string) =>
  new GraftError('CLI_USAGE', 'usage', `missing required ${what}`, {}, 'graft convert --help shows the flags');

function print(
  { changes, difference, tolerance, agreement, batch, batchReason, file }: ConvertResult,
  output: Output,
): void {
  if (changes.length === 0) output.print('nothing had to be changed');
  const width = Math.max(0, ...changes.map(({ pass }) => pass.length)) + 2;
  for (const { pass, what } of changes) output.print(`${pass.padEnd(width)}${printable(what)}`);
  if (batchReason !== undefined)
    output.warn(`the network keeps to ${batch === 1 ? 'one picture' : `${batch} pictures`} at a time: ${batchReason}`);
  output.print('');
  for (const kind of ['random', 'real'] as const)
    output.print(
      `${kind} input`.padEnd(14) +
        (difference[kind] === 0
          ? 'equal'
          : `largest difference ${difference[kind].toExponential(1)} of the largest output (tolerance ${tolerance.toExponential(0)})`),
    );
  if (agreement) output.print(`first class   the same for ${agreement.same} of ${agreement.of}`);
  output.print(`${output.green('saved')} ${file}`);
}
