import { defineErrors, printable } from '../base/index.js';

/** What makes a bundle unusable. */
export const errors = defineErrors('BUNDLE', {
  MISSING: {
    kind: 'missing',
    message: (at: { path: string }) => `there is no bundle at ${printable(at.path)}: it has no manifest.json`,
    hint: 'Pass the bundle folder that graft train wrote, such as run/bundle.',
  },
  MANIFEST: {
    kind: 'input',
    message: (at: { file: string; field: string; found: string; wanted: string }) =>
      `${printable(at.file)}: ${at.field} is ${printable(at.found)}, wanted ${at.wanted}`,
  },
  VERSION: {
    kind: 'unsupported',
    message: (at: { file: string; found: number; known: number }) =>
      `${printable(at.file)} is of version ${at.found}; this program reads up to version ${at.known}`,
    hint: 'Update onnx-graft.',
  },
});
