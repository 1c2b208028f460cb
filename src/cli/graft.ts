#!/usr/bin/env node
// The command line: every command, parsed and run.

import { commands } from './commands.js';
import { runProgram } from './program.js';

process.exitCode = await runProgram(commands, process.argv.slice(2));
