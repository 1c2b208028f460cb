// How the tools around providers end when something they need is not there.   Usage: imported by parity.ts and check-cuda.ts.

import { GraftError } from '../../src/base/index.js';
import { exitStatus } from '../../src/cli/program.js';

/** Runs a tool; a coded error becomes a line, the way out and an exit status, anything else is a fault of ours. */
export async function reportFailure(tool: () => Promise<void>): Promise<void> {
  try {
    await tool();
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    process.stderr.write(`error ${error.code}: ${error.message}\n${error.hint ? `  ${error.hint}\n` : ''}`);
    process.exitCode = exitStatus[error.kind];
  }
}
