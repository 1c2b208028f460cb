// graft train: your pictures and a published network to a bundle.

import {
  printable,
  trainMembers,
  transfer,
  type EpochTold,
  type MembersOptions,
  type TrainMembersOptions,
  type TransferOptions,
  type TransferResult,
} from '../../index.js';
import type { Command, FlagsOf } from '../command.js';
import { asksForMembers, memberLine, membersFlags, printMembers } from '../members.js';
import { backboneFlags, pictureFlags, optionsFrom, runtimeFlags, runtimeFrom, warnAbout } from '../shared.js';
import { percent, seconds } from '../text.js';

const flags = {
  backbone: { type: 'string', value: 'model.onnx', help: 'the network whose features are used' },
  out: { type: 'string', value: 'folder', help: 'the folder of the run', default: 'run' },
  ...backboneFlags,
  ...pictureFlags,
  cache: {
    type: 'string',
    value: 'folder',
    help: 'where features are kept for later runs; none keeps nothing (default: ~/.cache/onnx-graft)',
  },
  validation: {
    type: 'number',
    value: 'share',
    help: 'share of each class held out where there is no validation folder (default: 0.2)',
  },
  unfreeze: {
    type: 'list',
    value: 'what',
    help: 'what trains beside the head: what lies behind a cut (block3, a value), last:2 blocks, all, or names of weights; epochs, batch, rate and optimizer are then those of this training',
  },
  trunkRate: {
    type: 'number',
    value: 'share',
    help: "rate of the last unfrozen block, as a share of the head's (default: 0.3)",
  },
  depthDecay: {
    type: 'number',
    value: 'share',
    help: 'rate of each block, as a share of that of the block behind it (default: 0.7)',
  },
  clip: { type: 'number', value: 'norm', help: 'largest global norm of the gradients of a step (default: none)' },
  batchNorm: {
    type: 'choice',
    choices: ['frozen', 'train'],
    help: 'train: unfrozen BatchNormalization learns its statistics anew (default: frozen)',
  },
  insertBatchNorm: {
    type: 'boolean',
    help: 'put a BatchNormalization that changes nothing behind each unfrozen convolution, where an exporter folded them away',
  },
  accumulate: {
    type: 'integer',
    value: 'batches',
    help: 'batches whose gradients are averaged before a step (default: 1)',
  },
  memory: {
    type: 'integer',
    value: 'MB',
    help: 'what pictures behind the cut may take in memory; beyond it they lie on disk (default: 1024)',
  },
  augment: {
    type: 'string',
    value: 'list',
    help: 'how pictures that train are varied: default, none, or words such as flip,shift=0.1,rotate=15@0.5,zoom=0.2,crop=0.5..1,jitter=0.2 (default: none)',
  },
  augmentViews: {
    type: 'integer',
    value: 'views',
    help: 'augmented views of each training picture that are computed and kept beside it (default: 4 with --augment)',
  },
  head: {
    type: 'choice',
    choices: ['linear', 'mlp'],
    help: 'mlp: hidden layers with dropout before the linear one (default: linear)',
  },
  hidden: { type: 'numbers', value: 'width', help: 'widths of hidden layers (default: 256)' },
  dropout: { type: 'number', value: 'share', help: 'of hidden elements in training (default: 0.5)' },
  optimizer: {
    type: 'choice',
    choices: ['lbfgs', 'adamw', 'adam', 'sgd'],
    help: 'lbfgs: full-batch, strength by cross-validation (default for linear; adamw for mlp and with --unfreeze)',
  },
  epochs: { type: 'integer', help: 'most epochs (default: 40, 10 with --unfreeze; not of lbfgs)' },
  batch: { type: 'integer', value: 'pictures', help: 'pictures a step (default: 32, 16 with --unfreeze)' },
  rate: { type: 'number', help: 'learning rate at its peak (default: 0.001, 0.01 for sgd)' },
  schedule: { type: 'choice', choices: ['constant', 'cosine', 'one-cycle'], help: 'of the rate (default: one-cycle)' },
  warmUp: { type: 'integer', value: 'steps', help: 'steps in which the rate rises first (default: 0)' },
  momentum: { type: 'number', help: 'of sgd (default: 0.9)' },
  nesterov: { type: 'boolean', help: "Nesterov's momentum" },
  weightDecay: { type: 'number', help: 'λ (default: 0.01 for adamw, 0.0005 for sgd, 0 for adam)' },
  halfLife: { type: 'number', value: 'epochs', help: 'of the average of the weights (default: 1)' },
  snapshots: {
    type: 'integer',
    value: 'cycles',
    help: 'the rate falls from its peak so many times; the weights at the end of each cycle are members, run@snapshots (default: none)',
  },
  cycleMultiplier: {
    type: 'number',
    value: 'factor',
    help: 'length of each cycle as a multiple of that of the one before it (default: 1)',
  },
  swa: {
    type: 'number',
    value: 'share',
    preset: 0.75,
    help: 'from this share of the epochs on the rate stays high and the weights are averaged, run@swa (default: none; 0.75 without a value)',
  },
  swaRate: { type: 'number', value: 'share', help: 'of the peak rate, while weights are averaged (default: 0.5)' },
  swaCycle: {
    type: 'integer',
    value: 'epochs',
    help: 'of a cycle in which that rate falls to a hundredth; its end goes into the average (default: 0, the rate is constant)',
  },
  keep: {
    type: 'integer',
    value: 'epochs',
    help: 'checkpoints of so many of the last epochs stay, run@checkpoints (default: 2)',
  },
  patience: {
    type: 'integer',
    value: 'epochs',
    help: 'without a better validation loss (with --unfreeze: at the best temperature) before training ends (default: 10; never with --snapshots or --swa)',
  },
  labelSmoothing: { type: 'number', value: 'share', help: 'share of the target spread over all classes (default: 0)' },
  classWeights: {
    type: 'choice',
    choices: ['none', 'balanced'],
    help: 'balanced: each class weighs the same (default: none)',
  },
  ...membersFlags,
  seed: { type: 'integer', help: 'of the hold-out and everything else that is left to chance (default: 0)' },
  force: { type: 'boolean', help: 'write over a run that is there' },
  resume: { type: 'boolean', help: 'go on with the run in --out, from its newest checkpoint' },
} satisfies FlagsOf<TransferOptions & MembersOptions>;

export const trainCommand: Command = {
  name: 'train',
  summary: 'train a classifier of your pictures on a network',
  description:
    'Trains a classifier of your pictures on the features of a published network and writes it to <out>/bundle.\nPictures: one folder per class, perhaps inside train/ and val/; or a CSV or JSON-lines manifest.',
  arguments: [{ name: '<pictures>', help: 'folder or manifest of labelled pictures' }],
  flags: { ...flags, ...runtimeFlags },
  examples: [
    'graft train pictures/ --backbone squeezenet1.1.onnx --out run',
    'graft train pictures/ --backbone mobilenet.onnx --folds 5 --out folds',
    'graft train list.csv --backbone mobilenet.onnx --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225 --out run',
  ],
  async run({ args, flags: given, output, signal }) {
    const began = performance.now();
    const options: TransferOptions & MembersOptions = {
      ...(optionsFrom(given, output, signal) as TransferOptions & MembersOptions & Record<string, unknown>),
      onEpoch: at => output.say(epochLine(at)),
    };
    const pictures = args[0] as string;
    const runtime = await runtimeFrom(given, output);
    let result: TransferResult;
    try {
      if (asksForMembers(options)) {
        const onMember: TrainMembersOptions['onMember'] = at => output.say(memberLine(at));
        const members = await trainMembers(pictures, { ...options, onMember }, runtime);
        output.settle();
        printMembers(output, members, began);
        return 0;
      }
      result = await transfer(pictures, options, runtime);
    } catch (error) {
      if (!signal.aborted) throw error;
      output.settle();
      const words = process.argv.slice(2).filter(word => word !== '--resume' && word !== '--force');
      output.say(`stopped; what is done is kept. Go on with:\n  graft ${words.map(quoted).join(' ')} --resume`);
      return 130;
    }
    output.settle();
    const { evaluation, errors, stray, duplicates, counts, classes, head } = result;
    warnAbout(output, { errors, stray, duplicates });
    const [low, high] = evaluation.accuracyInterval;
    output.print(`${classes.length} classes: ${classes.map(printable).join(', ')}`);
    output.print(`${counts.train} pictures trained on, ${counts.validation} held out`);
    if (result.tuned) {
      const { behind, weights, numbers, headAccuracy } = result.tuned;
      output.print(
        `${weights} weights behind ${printable(behind)} trained, ${numbers.toLocaleString('en')} numbers; the head alone had ${percent(headAccuracy)} right`,
      );
      if (head.epoch === 0) output.print('no epoch was better than the head alone: that is what is saved');
      else if (head.epoch !== undefined) output.print(`saved is epoch ${head.epoch}, the best`);
    }
    output.print(
      `accuracy on the held-out pictures ${output.bold(percent(evaluation.accuracy))} (95% interval ${percent(low)} to ${percent(high)}), negative log-likelihood ${evaluation.negativeLogLikelihood.toFixed(3)}`,
    );
    for (const line of keptLines(head, quoted(options.out))) output.print(line);
    output.print(
      `${output.green('saved')} ${result.bundle}  ${output.dim(seconds((performance.now() - began) / 1000))}`,
    );
    output.say(
      `\nNext:\n  graft predict ${result.bundle} some-picture.jpg\n  graft evaluate ${result.bundle} other-pictures/ --html report.html\n  graft serve ${result.bundle}`,
    );
    output.data({
      bundle: result.bundle,
      classes,
      counts,
      head,
      backbone: result.backbone,
      ...(result.tuned ? { tuned: result.tuned } : {}),
      metrics: result.manifest.metrics,
      errors: errors.map(({ file, error }) => ({ file, error })),
      stray,
      duplicates,
    });
    return 0;
  },
};

/** What of a run can be a member of an ensemble beside its best epoch. */
function keptLines({ snapshots, swa }: TransferResult['head'], out: string): string[] {
  const lines = snapshots ? [`snapshots after epochs ${snapshots.join(', ')}: graft ensemble ${out}@snapshots`] : [];
  if (!swa) return lines;
  const { count, validation, statistics } = swa;
  const held = validation
    ? `, held out: loss ${(validation.calibrated ?? validation.loss).toFixed(3)}, ${percent(validation.accuracy)} right`
    : '';
  const anew = statistics === 'estimated' ? ', statistics estimated anew' : '';
  return [...lines, `the average of ${count} epochs (SWA)${anew}${held}: graft ensemble ${out}@swa`];
}

/** `epoch 2 of 5  loss 0.142  held out: loss 0.131, 94.8% right`; held out at the best temperature, as epochs are chosen. */
function epochLine({ epoch, of, trainLoss, validation, isBest }: EpochTold): string {
  const held = `held out: loss ${(validation.calibrated ?? validation.loss).toFixed(3)}, ${percent(validation.accuracy)} right`;
  if (epoch === 0) return `the head alone  ${held}`;
  return [
    `epoch ${String(epoch).padStart(String(of).length)} of ${of}`,
    ...(trainLoss === undefined ? [] : [`loss ${trainLoss.toFixed(3)}`]),
    `${held}${isBest ? '  (best until now)' : ''}`,
  ].join('  ');
}

/** A word as a shell takes it. */
const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
