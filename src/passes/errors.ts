import { defineErrors } from '../base/index.js';

/** What the door refuses. */
export const errors = defineErrors('DOOR', {
  OPSET_OLD: {
    kind: 'unsupported',
    message: (at: { found: number; oldest: number }) =>
      `the model is of opset ${at.found}; models from opset ${at.oldest} on are understood`,
    hint: 'Export it again with a newer opset.',
  },
});
