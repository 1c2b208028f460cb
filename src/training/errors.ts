import { defineErrors, printable } from '../base/index.js';

/** What can go wrong in a training run. */
export const errors = defineErrors('TRAINING', {
  OPTION: {
    kind: 'usage',
    message: (at: { option: string; found: number; wanted: string }) =>
      `${at.option} is ${at.found}, wanted ${at.wanted}`,
  },
  DATA: {
    kind: 'usage',
    message: (at: { what: string; found: string; wanted: string }) =>
      `${at.what}: found ${at.found}, wanted ${at.wanted}`,
  },
  STATE: {
    kind: 'usage',
    message: (at: { name: string; found: string; wanted: string }) =>
      `${printable(at.name)} of the state is ${at.found}, wanted ${at.wanted}`,
    hint: 'Begin with the initial state of the same artifacts, or with a checkpoint of them.',
  },
  DIVERGED: {
    kind: 'check',
    message: (at: { epoch: number; found: number }) => `the loss of epoch ${at.epoch} is ${at.found}`,
    hint: 'Use a smaller rate, or look for features that are not finite.',
  },
  NOT_FINITE: {
    kind: 'check',
    message: (at: { epoch: number; step: number; found: number; layer: string }) =>
      `a loss of epoch ${at.epoch}, from step ${at.step} on, is ${at.found}: ${printable(at.layer)}`,
    hint: 'Use a smaller --rate or --clip the gradients; the last checkpoint is kept.',
  },
  CHECKPOINT: {
    kind: 'input',
    message: (at: { reason: string }) => `this is no checkpoint of a training run: ${printable(at.reason)}`,
    hint: 'Resume from a file that this program wrote into checkpoints/.',
  },
  OTHER_RUN: {
    kind: 'input',
    message: (at: { field: string; found: string; wanted: string }) =>
      `the checkpoint is of another run: its ${at.field} is ${printable(at.found)}, wanted ${printable(at.wanted)}`,
    hint: 'Resume with the options and the pictures that the run began with, or begin a new run.',
  },
});
