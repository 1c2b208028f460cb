// What the disk refuses, as coded errors: full, denied, or any other failure, always with the path.

import { defineErrors, GraftError, printable } from './errors.js';

interface Failure {
  readonly path: string;
  /** What was being done: write, read, rename, … */
  readonly action: string;
  /** The system's own code, such as `ENOSPC`. */
  readonly reason: string;
}

export const errors = defineErrors('DISK', {
  FULL: {
    kind: 'disk',
    message: (at: Failure) => `no space left to ${at.action} ${printable(at.path)} (${at.reason})`,
    hint: 'Free some space, or write to another disk.',
  },
  DENIED: {
    kind: 'disk',
    message: (at: Failure) => `not allowed to ${at.action} ${printable(at.path)} (${at.reason})`,
    hint: 'Write to a folder of your own, or change its permissions.',
  },
  FAILED: {
    kind: 'disk',
    message: (at: Failure) => `could not ${at.action} ${printable(at.path)} (${at.reason})`,
    hint: 'Look at the path and at the disk, then run the command again.',
  },
  EXISTS: {
    kind: 'usage',
    message: (at: { path: string }) => `${printable(at.path)} is there already`,
    hint: 'Name another place, or pass --force to replace it.',
  },
});

export const state = defineErrors('STATE', {
  CORRUPT: {
    kind: 'input',
    message: (at: { path: string; reason: string }) => `${printable(at.path)} is damaged: ${printable(at.reason)}`,
    hint: 'Make or fetch it again.',
  },
});

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const denied = new Set(['EACCES', 'EPERM', 'EROFS']);

/** The system's code of a failed call, such as `ENOENT`. */
export function systemCode(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.message : String(cause);
}

/**
 * The coded error of a failed file call; coded errors pass as they are.
 *
 * @param action what was being done, a verb: `write`, `read`
 */
export function diskError(path: string, action: string, cause: unknown): GraftError {
  if (cause instanceof GraftError) return cause;
  const reason = systemCode(cause);
  const make = full.has(reason) ? errors.FULL : denied.has(reason) ? errors.DENIED : errors.FAILED;
  return make({ path, action, reason }, cause);
}
