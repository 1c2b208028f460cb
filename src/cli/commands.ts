// The commands of `graft`, in the order in which help lists them.

import type { Command } from './command.js';
import { inspectCommand } from './commands/inspect.js';

export const commands: readonly Command[] = [inspectCommand];
