// Where a command speaks: data on standard output, talk and progress on standard error. With --json nothing but one
// JSON value goes to standard output. Colours only on a terminal that wants them; one line a second where there is none.

import { printable } from '../index.js';

export interface Progress {
  readonly what: string;
  readonly done: number;
  readonly total?: number;
  /** Items a second. */
  readonly rate?: number;
  readonly secondsLeft?: number;
  /** What else is worth a look. */
  readonly note?: string;
}

export interface Output {
  readonly json: boolean;
  /** Columns of the terminal, 80 where there is none. */
  readonly width: number;
  /** A line of result, on standard output; nothing with --json. */
  print(text: string): void;
  /** The result as data, on standard output; only with --json. */
  data(value: unknown): void;
  /** A line of talk, on standard error; nothing with --quiet. */
  say(text: string): void;
  /** A warning, on standard error. */
  warn(text: string): void;
  /** A line that is replaced by the next one on a terminal. */
  progress(at: Progress): void;
  /** Ends the progress line. */
  settle(): void;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
}

export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** The output of this process. */
export function processOutput({ json = false, quiet = false }: OutputOptions): Output {
  const { stdout, stderr, env } = process;
  const live = stderr.isTTY && !env['CI'] && env['TERM'] !== 'dumb';
  const colours = env['FORCE_COLOR']
    ? env['FORCE_COLOR'] !== '0'
    : stdout.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const style = (code: number) => (text: string) => (colours && !json ? `\u001b[${code}m${text}\u001b[0m` : text);
  let open = false;
  let last = 0;
  const settle = () => {
    if (open) stderr.write('\r\u001b[K');
    open = false;
  };
  const talk = (text: string) => {
    settle();
    stderr.write(`${text}\n`);
  };
  return {
    json,
    width: Math.max(40, stdout.columns || 80),
    print: text => {
      settle();
      if (!json) stdout.write(`${text}\n`);
    },
    data: value => {
      settle();
      if (json) stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    say: text => {
      if (!quiet) talk(text);
    },
    warn: text => {
      talk(`${style(33)('warning')} ${text}`);
    },
    progress: at => {
      if (quiet) return;
      const now = performance.now();
      if (live) {
        if (open && now - last < 80 && at.done !== at.total) return;
        stderr.write(`\r\u001b[K${line(at, Math.max(40, stderr.columns || 80) - 1)}`);
        open = true;
        last = now;
      } else if (at.done === at.total || now - last > 5000) {
        stderr.write(`${line(at, 100)}\n`);
        last = now;
      }
    },
    settle,
    bold: style(1),
    dim: style(2),
    red: style(31),
    green: style(32),
  };
}

/** `featurizing ━━━━━━━━────  120/397  41.2/s  7 s left` */
function line({ what, done, total, rate, secondsLeft, note }: Progress, width: number): string {
  const parts = [total === undefined ? `${done}` : `${done}/${total}`];
  if (rate !== undefined && Number.isFinite(rate)) parts.push(`${rate >= 100 ? rate.toFixed(0) : rate.toFixed(1)}/s`);
  if (secondsLeft !== undefined && Number.isFinite(secondsLeft) && done !== total)
    parts.push(`${duration(secondsLeft)} left`);
  const short = parts.join('  ');
  // what else is said goes first where the line is narrow
  const text =
    note !== undefined && what.length + short.length + note.length + 16 <= width ? `${short}  ${note}` : short;
  const room = Math.min(30, width - what.length - text.length - 4);
  if (total === undefined || room < 5) return `${printable(what)}  ${text}`.slice(0, width);
  const full = Math.round((room * done) / Math.max(1, total));
  return `${printable(what)} ${'━'.repeat(full)}${'┈'.repeat(room - full)}  ${text}`;
}

const duration = (seconds: number): string =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`;
