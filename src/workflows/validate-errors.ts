import { defineErrors, printable } from '../base/index.js';

/** Folders that cannot be looked into at all; what is wrong inside is told as a list. */
export const errors = defineErrors('VALIDATE', {
  NO_FOLDER: {
    kind: 'missing',
    message: (at: { folder: string; reason: string }) => `${printable(at.folder)} cannot be read: ${at.reason}`,
    hint: 'Pass the folder that holds training_model.onnx.',
  },
  NO_ARTIFACTS: {
    kind: 'input',
    message: (at: { folder: string; found: readonly string[] }) =>
      `${printable(at.folder)} holds no training artifacts: found ${at.found.length > 0 ? at.found.slice(0, 8).map(printable).join(', ') : 'nothing'}`,
    hint: 'A folder has artifacts.json, or training_model.onnx and checkpoint as generate_artifacts writes them; files in ORT format (.ort) are not read.',
  },
});
