import { defineErrors, printable } from '../base/index.js';

/** Faults of states that become checkpoints of ONNX Runtime's training. */
export const errors = defineErrors('ORT_STATE', {
  WEIGHT: {
    kind: 'input',
    message: (at: { name: string; found: string; wanted: string }) =>
      `${printable(at.name)} should be ${at.wanted}, found ${at.found}`,
    hint: 'Pass the weights of the same network, by the names of its parameters.',
  },
});
