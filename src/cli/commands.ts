// The commands of `graft`, in the order in which help lists them.

import type { Command } from './command.js';
import { artifactsCommand } from './commands/artifacts.js';
import { convertCommand } from './commands/convert.js';
import { demoCommand } from './commands/demo.js';
import { ensembleCommand } from './commands/ensemble.js';
import { evaluateCommand } from './commands/evaluate.js';
import { explainCommand } from './commands/explain.js';
import { exportCommand } from './commands/export.js';
import { inspectCommand } from './commands/inspect.js';
import { landscapeCommand } from './commands/landscape.js';
import { mergeCommand } from './commands/merge.js';
import { predictCommand } from './commands/predict.js';
import { serveCommand } from './commands/serve.js';
import { splitCommand } from './commands/split.js';
import { tapsCommand } from './commands/taps.js';
import { trainCommand } from './commands/train.js';
import { validateCommand } from './commands/validate.js';

export const commands: readonly Command[] = [
  trainCommand,
  ensembleCommand,
  predictCommand,
  serveCommand,
  exportCommand,
  evaluateCommand,
  explainCommand,
  landscapeCommand,
  inspectCommand,
  splitCommand,
  tapsCommand,
  convertCommand,
  artifactsCommand,
  mergeCommand,
  validateCommand,
  demoCommand,
];
