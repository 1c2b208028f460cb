import { defineErrors, printable } from '../base/index.js';

/** What cannot be exported. */
export const exportErrors = defineErrors('EXPORT', {
  TARGET: {
    kind: 'usage',
    message: (at: { found: string; wanted: readonly string[] }) =>
      `${printable(at.found)} is no target: wanted ${at.wanted.join(', ')}`,
    hint: 'docs/scale.md says which target is for which need.',
  },
  OPTION: {
    kind: 'usage',
    message: (at: { option: string; found: string; wanted: string }) =>
      `${at.option} is ${printable(at.found)}: wanted ${at.wanted}`,
    hint: 'graft export --help shows the options of each target.',
  },
  FOLDER: {
    kind: 'usage',
    message: (at: { path: string }) => `${printable(at.path)} is there already and is not empty`,
    hint: 'Name another folder, or pass --force to replace the files of the same names.',
  },
  BUNDLE: {
    kind: 'unsupported',
    message: (at: { path: string }) => `${printable(at.path)} is a network without a bundle around it`,
    hint: 'Name a bundle (a folder with manifest.json), as graft train and graft ensemble write it.',
  },
  TYPE: {
    kind: 'unsupported',
    message: (at: { name: string; type: string }) => `${printable(at.name)} is ${at.type}, which Triton does not know`,
    hint: 'Convert the network so that its inputs and outputs are of usual types.',
  },
});
