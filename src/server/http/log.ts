// JSON lines on stdout by pino. The target may be slow, full or closed: lines wait in memory up to a limit and are then
// dropped, and nothing here blocks or throws. Control characters are escaped in every line, those over U+007E too.

import { fstatSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { pino, type Logger } from 'pino';

/** Most bytes of lines that wait for a slow target. */
const mostWaiting = 4 * 1024 * 1024;

/** Where lines go. */
export interface LineSink {
  write(line: string): void;
  /** Resolves when all lines are out, or at the latest after so many milliseconds. */
  flush(milliseconds: number): Promise<void>;
  /** Lines that were dropped. */
  readonly dropped: number;
}

/** How lines are made. */
export interface LogOptions {
  /** @default 'info' */
  readonly level?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent';
  /** @default stdout */
  readonly sink?: Pick<LineSink, 'write'>;
}

/**
 * A log of JSON lines.
 *
 * @example
 * const log = createLog({ level: 'info' });
 * log.info({ route: '/v2' }, 'request');
 */
export function createLog({ level = 'info', sink = fileSink(1) }: LogOptions = {}): Logger {
  return pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    { write: line => sink.write(escaped(line)) },
  );
}

/** pino escapes what JSON must; terminals also act on the controls from U+007F on. */
const escaped = (line: string): string =>
  line.replace(/[\u007f-\u009f\u2028\u2029]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Writes to a descriptor without ever waiting for it: pipes and sockets are made non-blocking, files are written aside. */
export function fileSink(fd: number): LineSink {
  const put = isStream(fd) ? streamWriter(fd) : fileWriter(fd);
  let waiting: string[] = [];
  let bytes = 0;
  let dropped = 0;
  let isBusy = false;
  const next = (): void => {
    if (waiting.length === 0) {
      isBusy = false;
      return;
    }
    isBusy = true;
    const text = waiting.join('');
    waiting = [];
    bytes = 0;
    put(text, next);
  };
  return {
    write: line => {
      if (bytes + line.length > mostWaiting) {
        dropped++;
        return;
      }
      waiting.push(line);
      bytes += line.length;
      if (!isBusy) next();
    },
    flush: milliseconds =>
      new Promise(resolve => {
        const from = performance.now();
        const look = (): void => {
          if (!isBusy || performance.now() - from > milliseconds) resolve();
          else setTimeout(look, 5);
        };
        look();
      }),
    get dropped() {
      return dropped;
    },
  };
}

type Put = (text: string, done: () => void) => void;

function isStream(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

function streamWriter(fd: number): Put {
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.unref();
  // a target that closed takes no more lines; that is no reason to stop serving
  socket.on('error', () => undefined);
  return (text, done) => {
    if (socket.writable) socket.write(text, () => done());
    else setImmediate(done);
  };
}

function fileWriter(fd: number): Put {
  return (text, done) => {
    const bytes = Buffer.from(text);
    const from = (at: number): void => {
      write(fd, bytes, at, bytes.length - at, null, (error, count) => {
        if (error !== null || at + count >= bytes.length) done();
        else from(at + count);
      });
    };
    from(0);
  };
}
