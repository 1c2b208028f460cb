import { defineErrors, printable } from '../../serving.js';

/** What goes wrong between the server and its processes. */
export const errors = defineErrors('WORKER', {
  CHANNEL: {
    kind: 'internal',
    message: (at: { reason: string }) => `the server and a process of its own misunderstand each other: ${at.reason}`,
  },
  CHANGED: {
    kind: 'check',
    message: (at: { found: string; wanted: string }) =>
      `the files are no longer those that were loaded: SHA-256 ${printable(at.found)}, wanted ${printable(at.wanted)}`,
    hint: 'Load the model again, so that the new files are checked and warmed up.',
  },
});
