// Commands to commander and back: flags parsed by their types, help from the same object, errors to exit statuses.

import { Command as Commander, CommanderError, InvalidArgumentError, Option } from 'commander';
import { GraftError, version, type ErrorKind } from '../index.js';
import type { Command, FlagSpec } from './command.js';
import { processOutput, type Output } from './output.js';

/** The exit status of each kind of error; 0 done, 130 stopped by the user. */
export const exitStatus: Readonly<Record<ErrorKind, number>> = {
  usage: 2,
  input: 3,
  missing: 3,
  unsupported: 3,
  limit: 4,
  disk: 5,
  locked: 6,
  check: 7,
  busy: 6,
  internal: 1,
};

const common: Readonly<Record<string, FlagSpec>> = {
  json: { type: 'boolean', help: 'print one JSON value to standard output and nothing else' },
  quiet: { type: 'boolean', help: 'say only what is needed' },
};

/** Parses and runs a command line; resolves to the exit status. */
export async function runProgram(commands: readonly Command[], argv: readonly string[]): Promise<number> {
  let status = 0;
  const json = argv.includes('--json');
  const program = new Commander('graft')
    .description('Turn a published ONNX network and a few hundred pictures into your own classifier.')
    .version(version)
    .enablePositionalOptions()
    .showHelpAfterError('(graft <command> --help shows the flags)')
    .exitOverride()
    .configureOutput({
      writeErr: text => {
        if (!json) process.stderr.write(text);
      },
    });
  for (const command of commands) program.addCommand(toCommander(command, result => (status = result)));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (json)
        printJson({
          code: 'CLI_USAGE',
          message: error.message.replace(/^error: /, ''),
          hint: 'graft <command> --help shows the flags',
        });
      return exitStatus.usage;
    }
    return report(error, json);
  }
}

function toCommander(command: Command, done: (status: number) => void): Commander {
  const one = new Commander(command.name)
    .summary(command.summary)
    .description(command.description ?? `${command.summary[0]!.toUpperCase()}${command.summary.slice(1)}.`)
    .exitOverride()
    .addHelpText('after', `\nExamples:\n${command.examples.map(example => `  $ ${example}`).join('\n')}`);
  for (const { name, help } of command.arguments) one.argument(name, help);
  for (const [key, flag] of Object.entries({ ...command.flags, ...common })) one.addOption(toOption(key, flag));
  one.action(async (...all: unknown[]) => {
    const flags = one.opts<Record<string, unknown>>();
    const output = processOutput({ json: flags['json'] === true, quiet: flags['quiet'] === true });
    const args = all.slice(0, command.arguments.length) as (string | readonly string[])[];
    const run = (signal: AbortSignal) => command.run({ args, flags, output, signal });
    done(command.endsItself ? ((await run(new AbortController().signal)) ?? 0) : await stoppable(output, run));
  });
  return one;
}

/** Ctrl-C once asks the work to stop and save; twice ends the process. */
async function stoppable(output: Output, run: (signal: AbortSignal) => Promise<number | undefined>): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130);
    output.say('stopping after this step; press Ctrl-C again to end at once');
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  try {
    return (await run(stop.signal)) ?? 0;
  } catch (error) {
    if (stop.signal.aborted && !(error instanceof GraftError)) return 130;
    throw error;
  } finally {
    output.settle();
    process.off('SIGINT', onSignal);
  }
}

const dashed = (key: string) => key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);

/** Help text of a flag's form, `--image-size <pixels>`. */
export const flagForm = (
  key: string,
  { type, value = type === 'integer' ? 'number' : type, preset }: FlagSpec,
): string => {
  if (type === 'boolean') return `--${dashed(key)}`;
  if (preset !== undefined) return `--${dashed(key)} [${value}]`;
  return `--${dashed(key)} <${type === 'list' || type === 'numbers' ? `${value}...` : value}>`;
};

function toOption(key: string, flag: FlagSpec): Option {
  const option = new Option(flagForm(key, flag), flag.help);
  if (flag.default !== undefined) option.default(flag.default);
  if (flag.preset !== undefined) option.preset(String(flag.preset));
  if ('choices' in flag && flag.choices) option.choices([...flag.choices]);
  if (flag.type === 'number' || flag.type === 'integer')
    option.argParser(text => number(text, flag.type === 'integer'));
  if (flag.type === 'numbers')
    option.argParser((text, before: number[] | undefined) => [
      ...(before ?? []),
      ...text.split(',').map(part => number(part, false)),
    ]);
  return option;
}

function number(text: string, integer: boolean): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || (integer && !Number.isInteger(value)))
    throw new InvalidArgumentError(`a ${integer ? 'whole ' : ''}number is wanted.`);
  return value;
}

/** Prints an error and gives its exit status. No stack trace unless it is a bug of ours. */
function report(error: unknown, json: boolean): number {
  if (error instanceof GraftError) {
    if (json) printJson(error);
    else process.stderr.write(`error ${error.code}: ${error.message}\n${error.hint ? `  ${error.hint}\n` : ''}`);
    return exitStatus[error.kind];
  }
  const message = error instanceof Error ? error.message : String(error);
  if (json) printJson({ code: 'INTERNAL', message });
  else
    process.stderr.write(
      `error INTERNAL: ${error instanceof Error ? (error.stack ?? message) : message}\n  This is a bug of onnx-graft. Please report it with the lines above.\n`,
    );
  return exitStatus.internal;
}

const printJson = (error: unknown) => process.stdout.write(`${JSON.stringify({ error }, null, 2)}\n`);
