// `graft serve` as a process of its own, for tests of signals, exit statuses, and of what it prints.

import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));

/** A server that was started. */
export interface ServerProcess {
  readonly child: ChildProcess;
  /** Where it serves; empty where it ended before that. */
  readonly url: string;
  /** What it printed so far. */
  out(): string;
  err(): string;
  /** Its exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Starts it at a free port, and waits until it listens or has ended. It is killed when the test ends. */
export async function startProcess(
  t: { teardown(fn: () => void): void },
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
  as: { readonly uid?: number; readonly gid?: number; readonly cwd?: string } = {},
): Promise<ServerProcess> {
  const { GRAFT_API_KEYS: _, GRAFT_ADMIN_KEYS: __, ...own } = process.env;
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', ...flags], {
    ...as,
    env: { ...own, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let [out, err] = ['', ''];
  const ended = new Promise<number | string>(resolve =>
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 'unknown')),
  );
  const url = await new Promise<string>(resolve => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
      const found = /serving at (\S+)/.exec(err)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('close', () => resolve(''));
  });
  return { child, url, out: () => out, err: () => err, ended };
}
