// What a promise comes to, as one word: for tables of faults, where every end is looked at.

import { GraftError } from '../src/base/index.js';

/** `done`, the code of a coded error, or `uncoded …`. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'done';
  } catch (error) {
    return error instanceof GraftError ? error.code : `uncoded ${String(error)}`;
  }
}
