import { defineErrors, printable } from '../base/index.js';

/** What is refused of lines between networks and of statistics of BatchNormalization. */
export const errors = defineErrors('GRAFT', {
  STATISTICS: {
    kind: 'input',
    message: (at: { layer: string; pictures: number }) =>
      `the statistics of ${printable(at.layer)} cannot be estimated from ${at.pictures} pictures: no batch has two numbers a channel`,
    hint: 'Give batches of two pictures or more.',
  },
  STATISTICS_NOT_FINITE: {
    kind: 'check',
    message: (at: { layer: string }) => `the statistics of ${printable(at.layer)} are not finite`,
    hint: 'The network does not compute on these pictures; look at its weights and at its preprocessing.',
  },
  LANDSCAPE: {
    kind: 'usage',
    message: (at: { reason: string }) => `there is no line between the two: ${printable(at.reason)}`,
    hint: 'Both must be the same network in all but its weights, for the same labels, as two runs with the same options.',
  },
  PLOT_FILE: {
    kind: 'usage',
    message: (at: { path: string }) => `${printable(at.path)} ends in no kind of picture that is written`,
    hint: 'Name it .svg, .html or .json.',
  },
  POINTS: {
    kind: 'usage',
    message: (at: { found: unknown }) => `--points is ${String(at.found)}, wanted a whole number of 3 to 1001`,
  },
});
