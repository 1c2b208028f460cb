import { defineErrors, printable } from '../base/index.js';

/** What cannot be served. */
export const servableErrors = defineErrors('SERVE', {
  NOTHING: {
    kind: 'missing',
    message: (at: { path: string }) => `${printable(at.path)} holds neither a bundle nor a network`,
    hint: 'Name a bundle (a folder with manifest.json), a folder with model.onnx, or an .onnx file.',
  },
  VALUE: {
    kind: 'unsupported',
    message: (at: { name: string; found: string }) =>
      `${printable(at.name)} is ${at.found}: only tensors with a type and a rank can be asked for over HTTP`,
    hint: 'Cut the network before it with graft split, or convert it.',
  },
});
