#!/usr/bin/env node
// The command line: every command, parsed and run.

import { commands } from './commands.js';
import { runProgram } from './program.js';

// Whoever reads our output may stop early (`graft inspect … | head`): that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await runProgram(commands, process.argv.slice(2));
