import { defineErrors, printable } from '../base/index.js';

/** Folders of training artifacts that cannot be read. */
export const errors = defineErrors('IMPORT', {
  MISSING: {
    kind: 'missing',
    message: (at: { folder: string; what: string }) => `there is no ${at.what} in ${printable(at.folder)}`,
    hint: 'A folder of artifacts holds training_model.onnx, eval_model.onnx, an optimizer model and a checkpoint.',
  },
  AMBIGUOUS: {
    kind: 'usage',
    message: (at: { folder: string; what: string; files: readonly string[] }) =>
      `${printable(at.folder)} holds more than one ${at.what}: ${at.files.map(printable).join(', ')}`,
    hint: 'Leave one in the folder.',
  },
  ORT_FORMAT: {
    kind: 'unsupported',
    message: (at: { file: string }) => `${printable(at.file)} is of the .ort format, which is not read`,
    hint: 'generate_artifacts writes .onnx files without ort_format; pass those.',
  },
  NOMINAL: {
    kind: 'input',
    message: (at: { file: string }) => `${printable(at.file)} is a nominal checkpoint: it names weights and holds none`,
    hint: 'Pass the folder with the full checkpoint.',
  },
  PARAMETER: {
    kind: 'input',
    message: (at: { name: string; model: string; found: string; wanted: string }) =>
      `${printable(at.name)} of ${at.model} is ${at.found}, wanted ${at.wanted}`,
    hint: 'Pass models and checkpoint of one generate_artifacts run.',
  },
  OUTPUTS: {
    kind: 'usage',
    message: (at: { found: readonly string[] }) =>
      `what the network gives is not to be told from its loss${at.found.length > 0 ? `: ${at.found.map(printable).join(', ')}` : ''}`,
    hint: 'Name the outputs that the inference model is to have.',
  },
});
