// graft artifacts: what a training loop of one's own needs, as files.

import { artifacts, printable, type ArtifactsOptions } from '../../index.js';
import type { Command, FlagsOf } from '../command.js';
import { table } from '../text.js';

const flags = {
  out: { type: 'string', value: 'folder', help: 'the folder that is written', default: 'artifacts' },
  unfreeze: {
    type: 'list',
    value: 'what',
    help: 'what trains: all, last:2 (blocks), a cut (what lies behind it), or names of weights (default: all)',
  },
  loss: {
    type: 'choice',
    choices: ['cross-entropy', 'mse', 'bce-with-logits', 'l1'],
    help: "a Softmax or Sigmoid at the network's end becomes part of it (default: cross-entropy)",
  },
  optimizer: { type: 'choice', choices: ['adamw', 'adam', 'sgd'], help: 'of optimizer_model.onnx (default: adamw)' },
  batch: { type: 'integer', value: 'pictures', help: 'pictures a step of epoch_model.onnx (default: 16)' },
  size: { type: 'integer', value: 'pixels', help: 'picture side where the network leaves it open' },
  force: { type: 'boolean', help: 'write over a folder that is there' },
} satisfies FlagsOf<ArtifactsOptions>;

export const artifactsCommand: Command = {
  name: 'artifacts',
  summary: 'write the training graphs of a network',
  description:
    'Writes what a training loop of your own needs, as ONNX files of standard operators: a graph that gives loss and gradients, one that gives loss and outputs, one that updates the weights, one that does many steps in one run; and the weights beside them.',
  arguments: [{ name: '<model>', help: 'an .onnx file' }],
  flags,
  examples: [
    'graft artifacts resnet18.onnx --out artifacts',
    'graft artifacts squeezenet1.1.onnx --unfreeze last:1 --optimizer sgd --out artifacts',
  ],
  async run({ args, flags: given, output }) {
    const { quiet: _q, json: _j, ...options } = given as ArtifactsOptions & Record<'quiet' | 'json', unknown>;
    const result = await artifacts(args[0] as string, options);
    output.data(result);
    const { parameters, files, folder, logits } = result;
    const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    output.print(
      `${parameters.length} weights train, ${count.toLocaleString('en')} numbers; the loss reads ${printable(logits)}`,
    );
    const rows = files.map(name => [name, whatIs.get(name) ?? '']);
    for (const line of table(['file', 'what it is'], rows, output)) output.print(line);
    output.print(`${output.green('saved')} ${folder}`);
    return 0;
  },
};

const whatIs: ReadonlyMap<string, string> = new Map([
  ['training_model.onnx', 'pictures, labels, weights → loss, outputs, <weight>_grad'],
  ['eval_model.onnx', 'pictures, labels, weights → loss, outputs'],
  ['optimizer_model.onnx', 'weights, gradients, moments, rate, step → next.<weight>, …'],
  ['epoch_model.onnx', 'weights, pictures, order [steps, batch] → next.<weight>, losses [steps]'],
  ['checkpoint.safetensors', 'the weights and what stands beside them, before the first step'],
  ['artifacts.json', 'names, shapes, sizes and hashes of all this'],
]);
