import { defineErrors, printable } from '../base/index.js';

export const errors = defineErrors('RUNTIME', {
  REFUSED: {
    kind: 'input',
    message: (at: { reason: string }) => `onnxruntime does not open the model: ${printable(at.reason)}`,
    hint: 'graft convert writes a clean model, or names what it cannot read.',
  },
  RUN_FAILED: {
    kind: 'input',
    message: (at: { reason: string }) => `onnxruntime could not run the model: ${printable(at.reason)}`,
    hint: 'Look at the shapes and types that graft inspect prints for its inputs.',
  },
  FEED_MISSING: {
    kind: 'usage',
    message: (at: { name: string }) => `the model's input ${printable(at.name)} was not fed`,
  },
  TENSOR: {
    kind: 'usage',
    message: (at: { found: number; wanted: number; shape: readonly number[] }) =>
      `a tensor of shape [${at.shape.join(',')}] needs ${at.wanted} elements, found ${at.found}`,
  },
});
