// What can go wrong with pictures: the picture itself (IMAGE_), a picture set (DATA_), the recipe (PREPROCESSING_).

import { defineErrors, printable } from '../base/index.js';

/** Any value as JSON; undefined by its name. */
const json = (value: unknown): string => (value === undefined ? 'undefined' : JSON.stringify(value));

/** A picture that is refused. `picture` is its file or another name that the caller knows it by. */
export const imageErrors = defineErrors('IMAGE', {
  UNSUPPORTED: {
    kind: 'unsupported',
    message: (at: { found: string; wanted: string }) => `this is ${printable(at.found)}, wanted ${at.wanted}`,
    hint: 'Convert it to JPEG, PNG, WebP or GIF; local commands also take --allow-formats avif,tiff.',
  },
  TOO_LARGE: {
    kind: 'limit',
    message: (at: { found: string; limit: string }) => `the picture has ${at.found}, the limit is ${at.limit}`,
    hint: 'Scale the picture down first; a network looks at a few hundred pixels a side.',
  },
  CORRUPT: {
    kind: 'input',
    message: (at: { format: string; reason: string }) => `a damaged ${at.format} file: ${printable(at.reason)}`,
    hint: 'Fetch or export the picture again.',
  },
  UNREADABLE: {
    kind: 'missing',
    message: (at: { file: string; reason: string }) =>
      `the picture ${printable(at.file)} cannot be read: ${printable(at.reason)}`,
    hint: 'Check the name and the permissions.',
  },
  UNSAFE: {
    kind: 'internal',
    message: (at: { format: string }) => `the picture decoder still takes ${at.format}, which it was told to refuse`,
    hint: 'Install the version of sharp that this package names.',
  },
  STOPPED: {
    kind: 'internal',
    message: (at: { reason: string }) => `a decoding thread ended: ${printable(at.reason)}`,
    hint: 'Try again with fewer workers; if it stays, report the picture that was being read.',
  },
});

/** A picture set that cannot be used. */
export const dataErrors = defineErrors('DATA', {
  MISSING: {
    kind: 'missing',
    message: (at: { path: string }) => `${printable(at.path)} does not exist`,
    hint: 'Give a folder with one folder of pictures per class, or a .csv or .jsonl manifest.',
  },
  EMPTY: {
    kind: 'input',
    message: (at: { path: string; stray: number }) =>
      `no picture was found in ${printable(at.path)}` + (at.stray > 0 ? ` (${at.stray} other files passed over)` : ''),
    hint: 'Give a folder with one folder of pictures per class, or a .csv or .jsonl manifest.',
  },
  ONE_CLASS: {
    kind: 'input',
    message: (at: { path: string; label: string }) =>
      `${printable(at.path)} holds one class only: ${printable(at.label)}`,
    hint: 'A classifier needs two classes or more, each in a folder of its own.',
  },
  CLASS_SMALL: {
    kind: 'input',
    message: (at: { label: string; found: number; wanted: number }) =>
      `the class ${printable(at.label)} has ${at.found} pictures for training, wanted ${at.wanted} at least`,
    hint: 'Add pictures to that class, or remove the class.',
  },
  UNREADABLE: {
    kind: 'missing',
    message: (at: { path: string; reason: string }) => `${printable(at.path)} cannot be read: ${printable(at.reason)}`,
    hint: 'Check the permissions of the folder.',
  },
  MANIFEST: {
    kind: 'input',
    message: (at: { file: string; line: number; found: string; wanted: string }) =>
      `${printable(at.file)}, line ${at.line}: found ${printable(at.found)}, wanted ${at.wanted}`,
    hint: 'Columns: file, label (several labels parted by | or ;) and, if you like, split (train, validation, test).',
  },
  CLASSES_DIFFER: {
    kind: 'input',
    message: (at: { split: string; label: string }) =>
      `${at.split} has the class ${printable(at.label)}, which train does not have`,
    hint: 'The folders of every split must bear the names of the classes in train.',
  },
  OPTION: {
    kind: 'usage',
    message: (at: { option: string; found: unknown; wanted: string }) =>
      `${at.option} is ${String(at.found)}, wanted ${at.wanted}`,
  },
});

/** A recipe that is not known or does not hold together. */
export const preprocessingErrors = defineErrors('PREPROCESSING', {
  INVALID: {
    kind: 'usage',
    message: (at: { key: string; found: unknown; wanted: string }) =>
      `preprocessing: ${printable(at.key)} is ${printable(json(at.found))}, wanted ${at.wanted}`,
    hint: 'See docs for the keys of a preprocessing recipe.',
  },
  UNKNOWN: {
    kind: 'missing',
    message: (at: { model: string; missing: readonly string[] }) =>
      `how ${printable(at.model)} wants its pictures is not known (missing: ${at.missing.join(', ')})`,
    hint:
      'Say it with --mean and --std (or --scale), --channels, --layout, --size, --crop and --filter, ' +
      'or put a .json with preprocessing and pixels beside the model.',
  },
  SIDECAR: {
    kind: 'input',
    message: (at: { file: string; found: string; wanted: string }) =>
      `${printable(at.file)}: found ${printable(at.found)}, wanted ${at.wanted}`,
    hint: 'Correct the file beside the model, or remove it and pass flags.',
  },
});

/** Augmentations that are not known, say something impossible, or break what is asked of them. */
export const augmentErrors = defineErrors('AUGMENT', {
  UNKNOWN: {
    kind: 'usage',
    message: (at: { found: string; known: readonly string[] }) =>
      `augmentation ${printable(json(at.found))} is not known, known are ${at.known.join(', ')}`,
    hint: 'Write them as in flip,shift=0.1,rotate=15@0.5,crop=0.5..1,jitter=0.2; or default, or none.',
  },
  VALUE: {
    kind: 'usage',
    message: (at: { name: string; found: string; wanted: string }) =>
      `augmentation ${at.name}: found ${printable(json(at.found))}, wanted ${at.wanted}`,
  },
  TWICE: {
    kind: 'usage',
    message: (at: { name: string }) => `augmentation ${printable(at.name)} is listed twice`,
    hint: 'Each word stands once; a word of your own needs a name of its own.',
  },
  VIEW: {
    kind: 'usage',
    message: (at: { word: string; reason: string }) => `view ${printable(json(at.word))}: ${printable(at.reason)}`,
    hint: 'Write views as in --views hflip rotate=5.',
  },
  LAW: {
    kind: 'check',
    message: (at: { name: string; law: string }) => `augmentation ${printable(at.name)} ${at.law}`,
  },
});
