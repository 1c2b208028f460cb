import { defineErrors, printable } from '../base/index.js';

const named = (name: string) => printable(JSON.stringify(name));

/** Faults of ONNX Runtime's training checkpoints. */
export const checkpointErrors = defineErrors('CHECKPOINT', {
  FORMAT: {
    kind: 'input',
    message: (at: { file: string; found: string; wanted: string }) =>
      `${printable(at.file)} is not a checkpoint of ONNX Runtime: bytes 4 to 7 are ${printable(at.found)}, not ${at.wanted}`,
    hint: 'Pass the file named checkpoint beside training_model.onnx. Checkpoints before ONNX Runtime 1.16 are folders.',
  },
  MALFORMED: {
    kind: 'input',
    message: (at: { file: string; offset: number; found: string }) =>
      `${printable(at.file)} is damaged: ${printable(at.found)} (byte ${at.offset})`,
    hint: 'Fetch or write the checkpoint again.',
  },
  VERSION: {
    kind: 'unsupported',
    message: (at: { file: string; found: number }) =>
      `${printable(at.file)} is a checkpoint of version ${at.found}; versions 1 (ONNX Runtime 1.16 and 1.17) and 2 (from 1.18 on) are known`,
  },
  TENSOR: {
    kind: 'input',
    message: (at: { file: string; name: string; offset: number; found: string }) =>
      `tensor ${named(at.name)} of ${printable(at.file)} is wrong: ${at.found} (byte ${at.offset})`,
  },
  NAME: {
    kind: 'input',
    message: (at: { file: string; name: string; what: string; found: string }) =>
      `${at.what} ${named(at.name)} in ${printable(at.file)}: ${at.found}`,
  },
  EXTERNAL_DATA: {
    kind: 'unsupported',
    message: (at: { file: string }) => `${printable(at.file)} keeps its tensors in a second file`,
    hint: 'Save the checkpoint without external data: ONNX Runtime does so below 2 GB.',
  },
  LIMIT: {
    kind: 'limit',
    message: (at: { file: string; what: string; limit: number }) =>
      `${printable(at.file)} has more than ${at.limit} ${at.what}`,
  },
});
