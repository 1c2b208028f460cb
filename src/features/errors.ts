import { defineErrors, printable } from '../base/index.js';

/** What can go wrong between a picture and its features. */
export const errors = defineErrors('FEATURES', {
  SHAPE: {
    kind: 'input',
    message: (at: { found: string; wanted: string }) =>
      `the backbone's output features is ${printable(at.found)}, wanted ${printable(at.wanted)}`,
    hint: 'Cut the network where it has one vector a picture; graft inspect lists the places.',
  },
  NOT_FINITE: {
    kind: 'input',
    message: (at: { file: string; column: number; found: string }) =>
      `feature ${at.column} of ${printable(at.file)} is ${at.found}`,
    hint: 'The network does not compute on this picture; look at its preprocessing and at its weights.',
  },
  PIXELS: {
    kind: 'usage',
    message: (at: { file: string; found: number; wanted: number }) =>
      `${printable(at.file)} came with ${at.found} bytes of pixels, wanted ${at.wanted}`,
    hint: 'Prepare pictures with the recipe whose width and height are given here.',
  },
  ROW: {
    kind: 'usage',
    message: (at: { what: string; found: string }) =>
      `${at.what} of a cached row cannot be ${printable(at.found.slice(0, 80))}`,
    hint: 'A row is the SHA-256 of a picture, a view that is a whole number from 0, and as many features as its fellows have.',
  },
  ROWS: {
    kind: 'usage',
    message: (at: { path: string; found: string; wanted: string }) =>
      `rows in ${printable(at.path)}: found ${at.found}, wanted ${at.wanted}`,
  },
  CACHE_KEY: {
    kind: 'usage',
    message: (at: { found: string }) => `${printable(at.found.slice(0, 80))} is no key of a feature cache`,
    hint: 'Make the key with cacheKey.',
  },
  CACHE_VERSION: {
    kind: 'unsupported',
    message: (at: { path: string; found: string; wanted: number }) =>
      `${printable(at.path)} has version ${printable(at.found)}, this program knows version ${at.wanted}`,
    hint: 'Use the newer onnx-graft, or another folder with --cache.',
  },
});
