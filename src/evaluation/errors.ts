import { defineErrors, printable } from '../base/index.js';

/** What makes predictions impossible to judge. */
export const errors = defineErrors('EVALUATION', {
  EMPTY: {
    kind: 'input',
    message: (at: { split: string }) => `there is no picture to judge in ${printable(at.split)}`,
    hint: 'Point at a folder that holds at least one readable picture of a known class.',
  },
  SHAPE: {
    kind: 'usage',
    message: (at: { what: string; found: number; wanted: number }) =>
      `${at.what}: found ${at.found}, wanted ${at.wanted}`,
    hint: 'Pass one row of as many numbers as there are classes for each label.',
  },
  LABEL: {
    kind: 'input',
    message: (at: { row: number; found: number; classes: number }) =>
      `row ${at.row} has the label ${at.found}, which is not one of the ${at.classes} classes`,
    hint: 'Labels are the positions of the classes, from 0; the targets of several labels are 0 or 1.',
  },
  NOT_FINITE: {
    kind: 'input',
    message: (at: { row: number; label: string; found: number }) =>
      `row ${at.row} has ${at.found} for ${printable(at.label)}`,
    hint: 'The network does not compute on this input; look at its preprocessing and at its weights.',
  },
  PROBABILITY: {
    kind: 'input',
    message: (at: { row: number; found: string; wanted: string }) =>
      `row ${at.row} has ${at.found}, wanted ${at.wanted}`,
    hint: 'Pass probabilities, not logits.',
  },
  UNPAIRED: {
    kind: 'usage',
    message: (at: { what: string; first: string; second: string }) =>
      `the predictions compared differ in their ${at.what}: ${printable(at.first)} and ${printable(at.second)}`,
    hint: 'A paired comparison needs answers to the same pictures, in the same order, of the same classes.',
  },
  UNDEFINED: {
    kind: 'input',
    message: (at: { metric: string; why: string }) => `${at.metric} is not defined here: ${at.why}`,
    hint: 'Choose another metric, or pictures of every class.',
  },
  OPTION: {
    kind: 'usage',
    message: (at: { option: string; found: unknown; wanted: string }) =>
      `${at.option} is ${String(at.found)}, wanted ${at.wanted}`,
  },
  MEMBERS: {
    kind: 'input',
    message: (at: { member: string; reason: string }) =>
      `the predictions of ${printable(at.member)} cannot be combined with the others: ${printable(at.reason)}`,
    hint: 'Members answer about the same pictures, in the same order, with the same classes.',
  },
  STORED: {
    kind: 'input',
    message: (at: { reason: string }) => `these are no stored predictions: ${printable(at.reason)}`,
    hint: 'Wanted: logits [members, pictures, classes] or [pictures, classes], or one such tensor a member.',
  },
  MEMORY: {
    kind: 'limit',
    message: (at: { what: string; needed: number; limit: number }) =>
      `${at.what} need ${at.needed} bytes, more than the limit of ${at.limit}`,
    hint: 'Raise the limit, or choose from fewer members.',
  },
  BUDGET: {
    kind: 'limit',
    message: (at: { budget: number; cheapest: string; cost: number }) =>
      `no member fits the budget of ${at.budget}: the cheapest, ${printable(at.cheapest)}, costs ${at.cost}`,
    hint: 'Raise the budget, or add a cheaper member.',
  },
  OUTLIERS: {
    kind: 'input',
    message: (at: { reason: string }) => `strange pictures cannot be told from known ones: ${at.reason}`,
    hint: 'Pass raw logits (the energy of log-probabilities is always 0), or more pictures of each class.',
  },
  SPLITS_OVERLAP: {
    kind: 'check',
    message: (at: { first: string; second: string; count: number; example: string }) =>
      `${printable(at.first)} and ${printable(at.second)} share ${at.count} pictures, one of them ${printable(at.example)}`,
    hint: 'Pictures that choose or calibrate cannot judge: take them out of one of the two.',
  },
  THUMBNAIL: {
    kind: 'usage',
    message: (at: { file: string }) => `the thumbnail of ${printable(at.file)} is not a data URL of a picture`,
    hint: 'A report loads nothing: pass data:image/jpeg;base64,… (or png, webp, gif).',
  },
});
