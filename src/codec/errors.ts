import { defineErrors, printable } from '../base/index.js';
import { structureErrors } from '../graph/index.js';

/** Faults of the bytes themselves. */
export const proto = defineErrors('PROTO', {
  TRUNCATED: {
    kind: 'input',
    message: (at: { offset: number; wanted: string }) => `the file ends too early: ${at.wanted} at byte ${at.offset}`,
    hint: 'The download or copy was probably cut off; get the file again.',
  },
  MALFORMED: {
    kind: 'input',
    message: (at: { offset: number; found: string }) =>
      `the bytes are not valid protobuf: ${at.found} at byte ${at.offset}`,
    hint: 'The file is damaged or is not an ONNX model.',
  },
  GROUP: {
    kind: 'input',
    message: (at: { offset: number; field: number }) =>
      `group ${at.field} is not closed by its own end at byte ${at.offset}`,
  },
  DEPTH: {
    kind: 'limit',
    message: (at: { offset: number; limit: number }) =>
      `messages are nested deeper than ${at.limit} at byte ${at.offset}`,
  },
});

const place = (where: string) => printable(where || 'the model');

const own = defineErrors('ONNX', {
  FILE_MISSING: {
    kind: 'missing',
    message: (at: { path: string }) => `there is no file ${printable(at.path)}`,
    hint: 'Check the path of the model.',
  },
  FILE_UNREADABLE: {
    kind: 'input',
    message: (at: { path: string; reason: string }) => `${printable(at.path)} cannot be read: ${at.reason}`,
  },
  EXTERNAL_CHECKSUM: {
    kind: 'input',
    message: (at: { tensor: string; path: string }) =>
      `the data file ${JSON.stringify(at.path)} of ${printable(at.tensor)} does not have the SHA-1 that the model gives`,
    hint: 'The data file is damaged or of another model; get both again.',
  },
  NOT_ONNX: {
    kind: 'input',
    message: (at: { looksLike: string }) => `this is not an ONNX model: ${at.looksLike}`,
    hint: 'Pass an .onnx file as exported by PyTorch, TensorFlow or another framework.',
  },
  AMBIGUOUS: {
    kind: 'input',
    message: (at: { where: string; what: string }) => `${place(at.where)} is ambiguous: ${at.what}`,
    hint: 'Readers disagree on such files; export the model again.',
  },
  TYPE: {
    kind: 'input',
    message: (at: { where: string; found: string }) => `${place(at.where)} has the wrong type: ${at.found}`,
  },
  SHAPE: {
    kind: 'input',
    message: (at: { where: string; found: string }) => `the shape of ${place(at.where)} is wrong: ${at.found}`,
  },
  VERSION: { kind: 'unsupported', message: (at: { found: string }) => `IR version ${at.found} is not one of 3 to 13` },
  EXTERNAL_PATH: {
    kind: 'input',
    message: (at: { tensor: string; path: string; reason: string }) =>
      `the external data of ${printable(at.tensor)} lies at ${JSON.stringify(at.path)}, which is not allowed: ${at.reason}`,
    hint: 'External data must be an ordinary file in the folder of the model.',
  },
  EXTERNAL_MISSING: {
    kind: 'missing',
    message: (at: { tensor: string; path: string }) =>
      `the data of ${printable(at.tensor)} should be in ${JSON.stringify(at.path)}, which does not exist`,
    hint: 'Put the data file beside the model.',
  },
  EXTERNAL_RANGE: {
    kind: 'input',
    message: (at: { tensor: string; found: string }) =>
      `the external data of ${printable(at.tensor)} has a bad range: ${at.found}`,
  },
});

/** Faults of what the bytes say: those of the graph's structure and the codec's own. */
export const errors = { ...structureErrors, ...own };
