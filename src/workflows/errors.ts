import { defineErrors, printable } from '../base/index.js';

/** What whole commands refuse. */
export const errors = defineErrors('GRAFT', {
  NOT_A_BACKBONE: {
    kind: 'input',
    message: (at: { file: string; reason: string; lastCut?: string }) =>
      `${printable(at.file)} is no classifier whose features can be found: ${at.reason}`,
    hint: 'Name the value to take features from with --at; graft inspect lists the cuts.',
  },
  PICTURE_INPUT: {
    kind: 'input',
    message: (at: { file: string; found: string }) =>
      `${printable(at.file)} has no single picture input: ${printable(at.found)}`,
    hint: 'A backbone takes one picture tensor of rank 4.',
  },
  SIZE_UNKNOWN: {
    kind: 'usage',
    message: (at: { file: string; input: string }) =>
      `the height and width of ${printable(at.input)} in ${printable(at.file)} are names, not numbers`,
    hint: 'Say the picture size with --size 224.',
  },
  DIFFERENT: {
    kind: 'check',
    message: (at: { what: string; difference: number; tolerance: number }) =>
      `${at.what} differ by ${at.difference.toExponential(2)}, more than the tolerance of ${at.tolerance.toExponential(2)}: nothing was written`,
  },
  OUT_EXISTS: {
    kind: 'usage',
    message: (at: { path: string }) => `${printable(at.path)} already exists`,
    hint: 'Choose another folder with --out, or pass --force to write over it.',
  },
  HEAD: {
    kind: 'usage',
    message: (at: { found: string; wanted: string }) => `found ${at.found}, wanted ${at.wanted}`,
  },
  MEMBERS: {
    kind: 'usage',
    message: (at: { found: string; wanted: string }) => `found ${printable(at.found)}, wanted ${printable(at.wanted)}`,
  },
  UNFREEZE: {
    kind: 'usage',
    message: (at: { found: string; wanted: string }) =>
      `--unfreeze ${printable(at.found)} names nothing that trains; wanted ${printable(at.wanted)}`,
    hint: 'graft inspect lists the cuts; graft inspect --layers the layers.',
  },
  TUNE: {
    kind: 'usage',
    message: (at: { option: string; found: string; wanted: string }) =>
      `${at.option} of fine-tuning is ${printable(at.found)}, wanted ${at.wanted}`,
  },
  BATCH_NORM: {
    kind: 'usage',
    message: (at: { file: string; reason: string }) =>
      `${printable(at.file)} has no BatchNormalization to train: ${at.reason}`,
    hint: 'Leave out --batch-norm train, or add --insert-batch-norm, which puts one behind each convolution.',
  },
  MERGE: {
    kind: 'unsupported',
    message: (at: { bundle: string; reason: string }) =>
      `the bundle ${printable(at.bundle)} cannot be given back as one published network: ${at.reason}`,
    hint: 'A bundle of an older version is trained again; the model.onnx of an ensemble is a network of its own, from pictures to probabilities.',
  },
  NO_MEMBER: {
    kind: 'missing',
    message: (at: { spec: string; reason: string }) => `${printable(at.spec)} is no member: ${printable(at.reason)}`,
    hint: 'Members are bundles, runs, and checkpoints of runs: run@last, run@best, run@average, run@swa, run@7, run@snapshots, run@checkpoints.',
  },
  MEMBERS_DIFFER: {
    kind: 'input',
    message: (at: { what: string; first: string; firstHas: string; second: string; secondHas: string }) =>
      `members do not go together: ${at.what} of ${printable(at.first)} is ${printable(at.firstHas)}, of ${printable(at.second)} ${printable(at.secondHas)}`,
    hint: 'Members of one ensemble tell the same labels apart and take pictures in the same way.',
  },
  NOTHING_DRAWN: {
    kind: 'input',
    message: (at: { member: string; reason: string }) =>
      `no members can be drawn from ${printable(at.member)}: ${printable(at.reason)}`,
    hint: 'dropout(N) wants a run with --head mlp, batchnorm(N) a network with BatchNormalization, swag(N) several checkpoints.',
  },
  NOTHING_COMMON: {
    kind: 'input',
    message: (at: { first: string; second: string }) =>
      `no picture can choose: ${printable(at.first)} and ${printable(at.second)} share validation pictures, but every one of them trained some other member`,
    hint: 'Train members with the same hold-out (graft train --runs N), or as folds of one set (--folds N).',
  },
  OUT_OF_FOLD: {
    kind: 'input',
    message: (at: { what: string }) =>
      `${printable(at.what)} cannot be judged: its members are folds of one set, and every picture trained some of them`,
    hint: 'Average the predictions of folds; train with graft train --runs N to choose, stack or mix weights.',
  },
  RECIPE_AND_MEMBERS: {
    kind: 'usage',
    message: (at: { found: string }) =>
      `the recipe says what is combined and how, and ${printable(at.found)} is said beside it`,
    hint: 'Say it in the recipe, or leave out --recipe.',
  },
  ENSEMBLE_OPTION: {
    kind: 'usage',
    message: (at: { option: string; found: string; wanted: string }) =>
      `${at.option} is ${printable(at.found)}, wanted ${at.wanted}`,
  },
  NO_SOUP: {
    kind: 'input',
    message: (at: { member: string; at: string; reason: string }) =>
      `the weights cannot be averaged: ${printable(at.member)} parts from the first member at ${printable(at.at)}: ${printable(at.reason)}`,
    hint: 'Average predictions instead: --combine average.',
  },
  BUDGET: {
    kind: 'usage',
    message: (at: { budget: number; unit: string; cheapest: number }) =>
      `nothing costs as little as ${at.budget} ${at.unit} a picture: the cheapest takes ${at.cheapest.toPrecision(3)}`,
    hint: 'Raise the budget, or add a smaller network.',
  },
  SETS: {
    kind: 'unsupported',
    message: (at: { task: string }) => `prediction sets are of pictures with one label, and these are ${at.task}`,
    hint: 'Leave out --coverage.',
  },
  PICTURES_MISSING: {
    kind: 'missing',
    message: (at: { source: string; missing: number }) =>
      `${at.missing} of the members' pictures cannot be read in ${printable(at.source)}`,
    hint: 'Say where they are with --pictures.',
  },
  NO_RUN: {
    kind: 'missing',
    message: (at: { path: string }) => `there is no run to resume in ${printable(at.path)}`,
    hint: 'Leave out --resume to begin one.',
  },
  OTHER_OPTIONS: {
    kind: 'usage',
    message: (at: { path: string; field: string; found: string; wanted: string }) =>
      `the run in ${printable(at.path)} was begun with ${at.field} ${printable(at.wanted)}, not ${printable(at.found)}`,
    hint: 'Resume with the options that the run began with, or begin a new one in another folder.',
  },
  NOTHING_LEFT: {
    kind: 'input',
    message: (at: { folder: string; unreadable: number }) =>
      `no picture of ${printable(at.folder)} could be read (${at.unreadable} were refused)`,
  },
  SPLIT_EMPTY: {
    kind: 'input',
    message: (at: { pictures: string; split: string }) => `${printable(at.pictures)} has no pictures in ${at.split}`,
    hint: 'Name another one with --split.',
  },
  LABEL_UNKNOWN: {
    kind: 'input',
    message: (at: { label: string; labels: readonly string[]; pictures: string }) =>
      `${printable(at.pictures)} has the class ${printable(at.label)}, which the bundle does not know: it knows ${at.labels.slice(0, 12).map(printable).join(', ')}${at.labels.length > 12 ? ' …' : ''}`,
    hint: 'Name the folders as the labels of the bundle.',
  },
  NO_TAPS: {
    kind: 'usage',
    message: (at: { file: string }) => `no value of ${printable(at.file)} was named`,
    hint: 'Name values with --value; graft inspect lists the cuts.',
  },
});
