import { defineErrors, printable } from '../base/index.js';

/** What the door refuses. */
export const errors = defineErrors('DOOR', {
  OPSET_OLD: {
    kind: 'unsupported',
    message: (at: { found: number; oldest: number }) =>
      `the model is of opset ${at.found}; models from opset ${at.oldest} on are understood`,
    hint: 'Export it again with a newer opset.',
  },
  OPSET_NEW: {
    kind: 'unsupported',
    message: (at: { found: number; newest: number }) =>
      `the model is of opset ${at.found}; models up to opset ${at.newest} are understood`,
    hint: 'Export it again with an older opset.',
  },
  OPSET_OPERATOR: {
    kind: 'unsupported',
    message: (at: { operator: string; node: string; found: number; wanted: number }) =>
      `${printable(at.operator)} (node ${printable(at.node)}) of opset ${at.found} cannot be said in opset ${at.wanted}`,
    hint: 'Export the network again with opset 20 or older.',
  },
});
