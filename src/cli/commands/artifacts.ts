// graft artifacts: what a training loop of one's own needs, as files.

import {
  artifacts,
  exportInference,
  GraftError,
  importArtifacts,
  printable,
  type ArtifactsOptions,
} from '../../index.js';
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
  target: {
    type: 'choice',
    choices: ['plain', 'ort-training'],
    help: "ort-training: what onnxruntime's own on-device training loads (default: plain)",
  },
  ort: { type: 'choice', choices: ['1.17', '1.18', '1.19'], help: 'the onnxruntime that trains (default: 1.19)' },
  batch: { type: 'integer', value: 'pictures', help: 'pictures a step of epoch_model.onnx (default: 16)' },
  size: { type: 'integer', value: 'pixels', help: 'picture side where the network leaves it open' },
  force: { type: 'boolean', help: 'write over a folder that is there' },
} satisfies FlagsOf<ArtifactsOptions>;
const others = {
  import: {
    type: 'string',
    value: 'folder',
    help: "read artifacts that Microsoft's generate_artifacts made, and write plain ones that any onnxruntime trains",
  },
  export: {
    type: 'string',
    value: 'folder',
    help: 'write the inference model of trained artifacts (evaluation graph and checkpoint) to --out',
  },
} as const;

export const artifactsCommand: Command = {
  name: 'artifacts',
  summary: 'write the training graphs of a network',
  description:
    'Writes what a training loop of your own needs, as ONNX files of standard operators: a graph that gives loss and gradients, one that gives loss and outputs, one that updates the weights, one that does many steps in one run; and the weights beside them.',
  arguments: [{ name: '[model]', help: 'an .onnx file' }],
  flags: { ...flags, ...others },
  examples: [
    'graft artifacts resnet18.onnx --out artifacts',
    'graft artifacts squeezenet1.1.onnx --unfreeze last:1 --optimizer sgd --out artifacts',
    'graft artifacts resnet18.onnx --target ort-training --ort 1.18 --out on-device',
    'graft artifacts --import on-device --out plain',
    'graft artifacts --export plain --out model.onnx',
  ],
  async run({ args, flags: given, output }) {
    const {
      quiet: _q,
      json: _j,
      import: from,
      export: trained,
      ...options
    } = given as ArtifactsOptions & Record<'quiet' | 'json', unknown> & { import?: string; export?: string };
    const model = args[0] as string | undefined;
    const force = options.force ? { force: true } : {};
    if ([model, from, trained].filter(Boolean).length !== 1)
      throw usage('wanted one of: a model, --import <folder>, --export <folder>');
    if (from) {
      const read = await importArtifacts(from, { out: options.out, ...force });
      output.data(read);
      output.print(
        `${read.parameters.length} weights train, ${read.frozen.length} are frozen; optimizer ${read.optimizer}, ${read.step} steps done`,
      );
      output.print(`${output.green('saved')} ${read.folder}`);
      return 0;
    }
    if (trained) {
      const written = await exportInference(trained, options.out, force);
      output.data(written);
      output.print(`${written.inputs.map(printable).join(', ')} → ${written.outputs.map(printable).join(', ')}`);
      output.print(`${output.green('saved')} ${written.file}`);
      return 0;
    }
    const result = await artifacts(model!, options);
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

const usage = (message: string) =>
  new GraftError('CLI_USAGE', 'usage', message, {}, 'graft artifacts --help shows the flags');

const whatIs: ReadonlyMap<string, string> = new Map([
  ['training_model.onnx', 'pictures, labels, weights → loss, outputs, <weight>_grad'],
  ['eval_model.onnx', 'pictures, labels, weights → loss, outputs'],
  ['optimizer_model.onnx', 'weights, gradients, moments, rate, step → next.<weight>, …'],
  ['epoch_model.onnx', 'weights, pictures, order [steps, batch] → next.<weight>, losses [steps]'],
  ['checkpoint.safetensors', 'the weights and what stands beside them, before the first step'],
  ['checkpoint', 'the weights, as onnxruntime reads them'],
  ['artifacts.json', 'names, shapes, sizes and hashes of all this'],
]);
