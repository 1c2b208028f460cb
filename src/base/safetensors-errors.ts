import { defineErrors, printable } from './errors.js';

/** Why a safetensors file cannot be read, or tensors cannot be written as one. */
export const errors = defineErrors('ST', {
  HEADER: {
    kind: 'input',
    message: (at: { reason: string; offset: number }) =>
      `not a safetensors file: ${printable(at.reason)} (byte ${at.offset})`,
    hint: 'Fetch the file again; a safetensors file starts with the length of its header and the header, which is JSON.',
  },
  HEADER_TOO_LARGE: {
    kind: 'limit',
    message: (at: { found: string; limit: number }) =>
      `the safetensors header claims ${at.found} bytes, more than the format's ${at.limit}`,
    hint: 'Fetch the file again: these bytes are no safetensors header.',
  },
  DUPLICATE: {
    kind: 'input',
    message: (at: { name: string; offset: number }) =>
      `the safetensors header says ${printable(JSON.stringify(at.name))} twice (byte ${at.offset})`,
    hint: 'Write the file again with a tool that gives each tensor its own name.',
  },
  OFFSETS: {
    kind: 'input',
    message: (at: { name: string; reason: string }) =>
      `the data of tensor ${printable(JSON.stringify(at.name))} is not where it must be: ${printable(at.reason)}`,
    hint: 'Write the file again; tensors must lie one after the other, without gap or overlap.',
  },
  INFO: {
    kind: 'input',
    message: (at: { name: string; reason: string }) =>
      `tensor ${printable(JSON.stringify(at.name))} is not described well: ${printable(at.reason)}`,
    hint: 'Write the file again with dtype, shape and data_offsets that agree.',
  },
  INCOMPLETE: {
    kind: 'input',
    message: (at: { found: number; wanted: string }) =>
      `the tensors take ${at.wanted} bytes, but ${at.found} bytes follow the header`,
    hint: 'Fetch the file again; it was cut, or something was added to its end.',
  },
  TYPE: {
    kind: 'usage',
    message: (at: { name: string; type: string }) =>
      `tensor ${printable(JSON.stringify(at.name))} is of type ${at.type}, which safetensors cannot hold`,
  },
  TENSOR: {
    kind: 'input',
    message: (at: { name: string; path: string }) =>
      `there is no tensor ${printable(JSON.stringify(at.name))} in ${printable(at.path)}`,
    hint: 'Look at the names of the file’s tensors.',
  },
  ROWS: {
    kind: 'usage',
    message: (at: { name: string; rows: string; shape: readonly number[] }) =>
      `tensor ${printable(JSON.stringify(at.name))} of shape [${at.shape.join(',')}] has no ${at.rows}`,
  },
  NAME: {
    kind: 'usage',
    message: (at: { name: string }) => `${printable(JSON.stringify(at.name))} cannot be a name in a safetensors file`,
    hint: 'Use another name than __metadata__, without lone surrogates.',
  },
});
