// One request over HTTP, kept connections and all; and bytes over a bare socket, at any pace.

import { request, type Agent, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Question {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Where and as whom is asked. */
export interface Asker {
  readonly port: number;
  readonly agent: Agent;
  readonly key: string;
}

/** Longest wait for an answer, in milliseconds. */
const patience = 40_000;

/**
 * Asks.
 *
 * @throws Error where there is no answer: the connection ended, or nothing came in time
 */
export function ask({ port, agent, key }: Asker, { method, path, headers, body }: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1', port, agent, path,
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
          ...headers,
        },
      },
      answer => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          clearTimeout(timer);
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) });
        });
      },
    ); // prettier-ignore
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${patience / 1000} s`)), patience);
    asked.on('error', error => {
      clearTimeout(timer);
      reject(error);
    });
    asked.end(body);
  });
}

/** How bytes are sent. */
export interface Pace {
  /** Bytes of a piece. @default all */
  readonly piece?: number;
  /** Milliseconds between pieces. */
  readonly pause?: number;
  /** After so many bytes the client goes away without a word. */
  readonly leaveAfter?: number;
  /** Milliseconds that an answer is waited for. */
  readonly patience?: number;
}

/** Sends bytes over a socket of its own; all that came back until the server ended the connection, or in time. */
export async function talk(
  port: number,
  bytes: Uint8Array,
  { piece = bytes.length, pause = 0, leaveAfter = Infinity, patience: most = patience }: Pace = {},
): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  let isOver = false;
  const over = new Promise<void>(resolve => {
    for (const event of ['end', 'error', 'close'])
      socket.on(event, () => {
        isOver = true;
        resolve();
      });
  });
  socket.on('data', chunk => (text += chunk.toString('latin1')));
  await sendSlowly(socket, bytes.subarray(0, leaveAfter), piece, pause, () => isOver || text !== '');
  if (leaveAfter < Infinity) {
    socket.destroy();
    return text;
  }
  const timer = new AbortController();
  await Promise.race([over, sleep(most, undefined, { signal: timer.signal }).catch(() => undefined)]);
  timer.abort();
  socket.destroy();
  return text;
}

async function sendSlowly(socket: Socket, bytes: Uint8Array, piece: number, pause: number, isDone: () => boolean) {
  for (let at = 0; at < bytes.length && !isDone(); at += piece) {
    socket.write(bytes.subarray(at, at + piece));
    if (pause > 0) await sleep(pause);
  }
}
