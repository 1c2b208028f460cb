import { defineErrors, printable } from '../base/index.js';

/** What this room refuses. */
export const errors = defineErrors('ENSEMBLE', {
  WEIGHTS: {
    kind: 'input',
    message: (at: { name: string; reason: string; member: number }) =>
      `the weights of member ${at.member + 1} cannot be averaged with the first's: ${printable(at.name)} ${printable(at.reason)}`,
    hint: 'Weights are averaged of one network only, as of checkpoints of a run; average the predictions of others.',
  },
  SHARES: {
    kind: 'usage',
    message: (at: { found: readonly number[]; wanted: string }) =>
      `the shares are [${at.found.join(', ')}], wanted ${at.wanted}`,
  },
  OPTION: {
    kind: 'usage',
    message: (at: { option: string; found: unknown; wanted: string }) =>
      `${at.option} is ${String(at.found)}, wanted ${at.wanted}`,
  },
  OPSET: {
    kind: 'unsupported',
    message: (at: { found: number; wanted: number }) =>
      `statistics of BatchNormalization are estimated from opset ${at.wanted} on, found ${at.found}`,
    hint: 'graft convert writes a newer opset.',
  },
});
