// graft ensemble: members to one bundle.

import { ensemble, type EnsembleOptions } from '../../index.js';
import type { Command, FlagsOf } from '../command.js';
import { pictureFlags, optionsFrom, runtimeFlags, runtimeFrom } from '../shared.js';
import { ensembleLines } from '../ensemble-text.js';
import { seconds } from '../text.js';

const flags = {
  out: { type: 'string', value: 'folder', help: 'the folder of the bundle', default: 'ensemble' },
  recipe: {
    type: 'string',
    value: 'recipe',
    help: 'what it is made of, as a line such as average[run-a, tta(hflip)[run-b]], or a JSON or YAML file',
  },
  combine: {
    type: 'choice',
    choices: ['auto', 'average', 'logit', 'vote', 'rank', 'learned', 'greedy', 'stack', 'soup', 'best'],
    help: 'how; auto: what is best on pictures that did not fit it (default: auto)',
  },
  views: {
    type: 'list',
    value: 'view',
    help: 'test-time views of every member: hflip, five_crop, ten_crop, scale=1.1, rotate=5, augment:TEXT*N',
  },
  top: { type: 'integer', value: 'k', help: 'only the k best members (default: all)' },
  cascade: {
    type: 'number',
    value: 'share',
    help: 'cheap members first, the others only for pictures they are not sure of; the share of pictures that may be lost, such as 0.005',
  },
  calibrate: {
    type: 'choice',
    choices: ['auto', 'none', 'temperature', 'vector', 'isotonic'],
    help: 'auto: a temperature, unless another is better by more than a standard error (default: auto)',
  },
  metric: {
    type: 'choice',
    choices: ['negativeLogLikelihood', 'accuracy'],
    help: 'what chooses (default: negativeLogLikelihood)',
  },
  coverage: {
    type: 'number',
    value: 'share',
    help: 'give sets of labels that hold the true one for this share of pictures',
  },
  sets: {
    type: 'choice',
    choices: ['threshold', 'adaptive'],
    help: 'threshold: the smallest sets; adaptive: larger ones where a picture is hard (default: threshold)',
  },
  reject: {
    type: 'number',
    value: 'rate',
    help: 'mark pictures of unknown kinds; the share of known ones that may be marked wrongly, such as 0.05',
  },
  rejectBy: {
    type: 'choice',
    choices: ['energy', 'max-logit', 'mahalanobis'],
    help: 'what a picture is strange by: logits, or how far its features lie from those of training pictures (default: energy)',
  },
  budgetMs: { type: 'number', value: 'ms', help: 'most milliseconds a picture may take on this machine' },
  budgetFlops: { type: 'number', value: 'operations', help: 'most multiplications and additions a picture may take' },
  pictures: {
    type: 'string',
    value: 'folder',
    help: 'where the pictures of the runs are (default: where these had them)',
  },
  cache: {
    type: 'string',
    value: 'folder',
    help: 'where predictions are kept for later; none keeps nothing (default: ~/.cache/onnx-graft)',
  },
  ...pictureFlags,
  seed: { type: 'integer', help: 'of folds, drawn members and views (default: 0)' },
  force: { type: 'boolean', help: 'write over a bundle that is there' },
} satisfies FlagsOf<EnsembleOptions>;

export const ensembleCommand: Command = {
  name: 'ensemble',
  summary: 'combine members into one calibrated network',
  description:
    'Averages members into one bundle: bundles, runs, and checkpoints of runs (run@last, run@best, run@average, run@swa, run@7, run@snapshots, run@checkpoints).\nWhat it is made of is chosen on the validation pictures, crosswise; it is never worse there than the best member, and it says when averaging did not help.',
  arguments: [{ name: '[members...]', help: 'bundles or runs; none with --recipe' }],
  flags: { ...flags, ...runtimeFlags },
  examples: [
    'graft ensemble run-a run-b run-c --out ensemble',
    'graft ensemble run@snapshots --views hflip --coverage 0.9 --out ensemble',
    "graft ensemble --recipe 'average[soup[run-a@checkpoints], tta(hflip)[run-b]]' --out ensemble",
  ],
  async run({ args, flags: given, output, signal }) {
    const began = performance.now();
    const result = await ensemble(
      (args[0] as readonly string[] | undefined) ?? [],
      optionsFrom(given, output, signal) as EnsembleOptions & Record<string, unknown>,
      await runtimeFrom(given, output),
    );
    output.settle();
    for (const line of ensembleLines(result, output)) output.print(line);
    output.print(
      `${output.green('saved')} ${result.bundle}  ${output.dim(seconds((performance.now() - began) / 1000))}`,
    );
    output.say(
      `\nNext:\n  graft predict ${result.bundle} some-picture.jpg\n  graft evaluate ${result.bundle} other-pictures/\n  graft serve ${result.bundle}`,
    );
    output.data(result);
    return 0;
  },
};
