// A server in a process of its own, and what Linux's /proc tells of it and its children.

import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A server that runs. */
export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  /** The last lines of its log that warn. */
  readonly tail: readonly string[];
  signal(name: NodeJS.Signals): void;
  /** How it ended: its exit status, or the signal. */
  readonly ended: Promise<number | string>;
}

const mostTail = 40;

/**
 * Starts `graft serve` and waits until all its models were loaded or have failed.
 *
 * @throws Error with what it said, where it ends before that
 */
export async function startServer(flags: readonly string[]): Promise<RunningServer> {
  const program = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));
  const child = spawn(process.execPath, [program, 'serve', '--port', '0', '--log-level', 'warn', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | string>(resolve =>
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 'unknown')),
  );
  const tail: string[] = [];
  const port = await portOf(child, tail);
  return { pid: child.pid!, port, tail, ended, signal: name => void child.kill(name) };
}

function portOf(child: ChildProcess, tail: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    let [said, port] = ['', 0];
    const look = (text: string): void => {
      for (const line of text.split('\n')) if (line.trim() !== '') tail.push(line);
      tail.splice(0, tail.length - mostTail);
      if (port > 0) return;
      said += text;
      port = Number(/serving at http:\/\/[^:]+:(\d+)/.exec(said)?.[1] ?? 0);
      if (port > 0) resolve(port);
    };
    for (const stream of [child.stdout, child.stderr]) stream!.setEncoding('utf8').on('data', look);
    child.once('exit', code => reject(new Error(`the server ended with ${code}: ${said.slice(-2000)}`)));
  });
}

/** A process below the server. */
export interface ChildFacts {
  readonly pid: number;
  /** Its program, such as `network-child`. */
  readonly program: string;
}

/** Children of a process, by the parents that all processes name. */
export function childrenOf(parent: number): ChildFacts[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      const stat = contents(`/proc/${name}/stat`);
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== parent) return [];
      const program = /([a-z-]+)\.js/.exec(contents(`/proc/${name}/cmdline`).split('\0').slice(1).join(' '))?.[1];
      return [{ pid: Number(name), program: program ?? '' }];
    });
}

/** Resident bytes of a process; 0 of one that is gone. */
export const residentBytes = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(contents(`/proc/${pid}/status`))?.[1] ?? 0);

/** What is open in a process. */
export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

function contents(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
