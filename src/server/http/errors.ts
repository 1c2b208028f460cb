// What a server is not started with: addresses that others reach without keys, keys that are too weak, origins.

import { defineErrors, printable } from '../../serving.js';

/** Refusals before anything listens. A key is never part of a message. */
export const errors = defineErrors('SERVE', {
  NO_KEYS: {
    kind: 'usage',
    message: (at: { host: string }) => `${printable(at.host)} can be reached by others, and no keys are set`,
    hint: 'Set keys with --api-keys or GRAFT_API_KEYS, listen at 127.0.0.1, or say --insecure-no-auth.',
  },
  KEY: {
    kind: 'usage',
    message: (at: { where: string; reason: string }) => `a key in ${printable(at.where)} ${at.reason}`,
    hint: 'Make keys with: openssl rand -hex 32. A file of keys has `infer KEY` or `admin KEY` a line.',
  },
  KEYS_FILE: {
    kind: 'usage',
    message: (at: { reason: string }) => `the file of keys cannot be read: ${printable(at.reason)}`,
  },
  CORS: {
    kind: 'usage',
    message: (at: { origin: string; reason: string }) => `the origin ${printable(at.origin)} ${at.reason}`,
    hint: 'Name origins exactly as browsers send them: https://example.org, with the port where it is not the usual one.',
  },
});
