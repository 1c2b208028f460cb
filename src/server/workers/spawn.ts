// Starts processes of our own: the only module that does. No shell, a list of arguments, a clean environment; what they
// print goes to the log, line by line. They inherit two sockets: 3 is the channel of frames, 4 says that we are alive, and
// takes their memory in bytes, a line each, where the system has no table of it. They end when these do.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { GraftError, printable } from '../../serving.js';
import { errors } from '../errors.js';
import type { Log } from '../served.js';
import { openChannel, type Channel } from './channel.js';
import type { Frame } from './frame.js';
import { inherited } from './inherited.js';

/** Programs that are started. */
export type Program = 'network-child' | 'picture-child';

/** A running process. */
export interface Worker {
  readonly pid: number;
  readonly channel: Channel;
  /** Bytes of memory that it holds; undefined where the system does not tell. */
  memory(): number | undefined;
  /** Ends it at once. */
  kill(): void;
  /** How it ended, in a word: `SIGKILL`, `exit 1`. */
  readonly ended: Promise<string>;
}

export interface SpawnOptions {
  readonly log: Log;
  readonly frame: (frame: Frame) => void;
  /** Its channel has ended: it answers no more. */
  readonly gone: () => void;
  /** Most bytes of JavaScript's own heap. */
  readonly heap: number;
}

/** What of our environment they see. */
const passed = ['HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TZ', 'SystemRoot'];
/** Longest line of theirs that is kept. */
const longest = 2000;

/** The environment of a process: what is known to be harmless. */
export function cleanEnvironment(given: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const clean: Record<string, string> = { VIPS_BLOCK_UNTRUSTED: '1' };
  for (const name of passed) {
    const value = given[name];
    if (value !== undefined) clean[name] = value;
  }
  return clean;
}

/**
 * V8's settings of a process. Little lives in its heap, and what it holds outside of it comes and goes with each picture: threads that
 * mark it over and over were an eighth of what decoding costs.
 */
const settings = (heap: number): string[] => [
  `--max-old-space-size=${Math.max(64, Math.floor(heap / 2 ** 20))}`,
  '--single-threaded-gc',
  '--heap-growing-percent=300',
];

/** Starts one. */
export function startWorker(program: Program, { log, frame, gone, heap }: SpawnOptions): Worker {
  const child = spawn(
    process.execPath,
    [...settings(heap), fileURLToPath(new URL(`./${program}.js`, import.meta.url))],
    { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'], shell: false, windowsHide: true },
  ); // prettier-ignore
  const { pid } = child;
  // where no process can be made at all, there are no sockets either
  const [line, life] = [child.stdio?.[inherited.channel], child.stdio?.[inherited.life]] as (Socket | undefined)[];
  if (pid === undefined || !line || !life) {
    child.on('error', () => undefined);
    throw errors.WORKER_LOST({ reason: 'the system does not start another process' });
  }
  const ended = new Promise<string>(resolve => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
    child.once('error', error => resolve(error.message));
  });
  for (const stream of [child.stdout, child.stderr]) readLines(stream, line => log.warn({ pid }, line));
  const channel = openChannel(line, {
    frame,
    ended: error => {
      if (error instanceof GraftError) log.error({ pid, code: error.code }, error.message);
      child.kill(error === undefined ? 'SIGTERM' : 'SIGKILL');
      life.destroy();
      gone();
    },
  });
  let told: number | undefined;
  readLines(life, text => (told = Number(text)));
  return {
    pid,
    channel,
    memory: () => residentBytes(pid) ?? told,
    kill: () => void child.kill('SIGKILL'),
    ended,
  };
}

function readLines(stream: Readable | null, told: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!.slice(0, longest);
    for (const line of lines) if (line.trim() !== '') told(printable(line.slice(0, longest)));
  });
  stream?.on('error', () => undefined);
}

/** Resident memory by Linux's own table, which counts it in kB whatever the size of a page is. */
function residentBytes(pid: number): number | undefined {
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found ? Number(found[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}
