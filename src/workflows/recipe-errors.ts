import { defineErrors, printable } from '../base/index.js';

/** What is refused of a recipe. */
export const recipeErrors = defineErrors('RECIPE', {
  SYNTAX: {
    kind: 'input',
    message: (at: { file: string; at: number; reason: string }) =>
      `${printable(at.file)}, at ${at.at}: ${printable(at.reason)}`,
    hint: 'As one line: average[soup[run@checkpoints], tta(hflip)[other-run]].',
  },
  FIELD: {
    kind: 'input',
    message: (at: { file: string; field: string; found: string; wanted: string }) =>
      `${printable(at.file)}: ${printable(at.field)} is ${printable(at.found)}, wanted ${at.wanted}`,
  },
  VERSION: {
    kind: 'unsupported',
    message: (at: { file: string; found: string }) =>
      `${printable(at.file)} has version ${printable(at.found)}, known is 1`,
    hint: 'Read it with the program that wrote it.',
  },
});
