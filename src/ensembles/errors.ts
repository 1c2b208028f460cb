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
  MEMBER_UNFIT: {
    kind: 'input',
    message: (at: { member: string; reason: string }) =>
      `member ${printable(at.member)} cannot be fused: ${printable(at.reason)}`,
  },
  TREE: {
    kind: 'usage',
    message: (at: { node: string; reason: string }) => `${at.node} of an ensemble: ${at.reason}`,
  },
  VIEW: {
    kind: 'usage',
    message: (at: { view: string; reason: string }) =>
      `the view ${printable(at.view)} cannot be made: ${printable(at.reason)}`,
  },
  CALIBRATOR: {
    kind: 'input',
    message: (at: { calibrator: string; reason: string }) =>
      `a calibrator of kind ${at.calibrator} does not fit: ${at.reason}`,
  },
  OUTLIER_RULE: {
    kind: 'input',
    message: (at: { member: string; reason: string }) =>
      `unknown pictures cannot be told by member ${printable(at.member)}: ${at.reason}`,
  },
});
