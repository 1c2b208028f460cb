// Connections of a server: which requests of each are still being answered, one last answer where a request breaks off, and
// an end that lets the client read it. After a connection is to end, nothing that comes over it is run or answered.

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import type { GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import { rawAnswer } from './answers.js';
import { chunkSizes } from './chunk-sizes.js';
import { parserError } from './strict-http.js';

/** How long a connection that ends is still read, so that its client gets to the answer before it hears of the end. */
const lingerTime = 1_000;

interface Connection {
  /** Requests without a whole answer, in order. */
  readonly open: Map<IncomingMessage, ServerResponse>;
  isEnding: boolean;
  first?: IncomingMessage;
  last?: IncomingMessage;
  /** What was answered past the app, and in place of which request. */
  error?: GraftError;
  broken?: IncomingMessage;
}

/** All connections of a server. */
export interface Connections {
  /** Whether a request is to be answered; those after the end of their connection are not. */
  take(request: IncomingMessage, response: ServerResponse): boolean;
  /** Answers the request that is still arriving over this connection, whatever the app does with it, and ends it. */
  fail(socket: Duplex, error: GraftError): void;
  /** What a request was refused with past the app. */
  errorOf(request: IncomingMessage): GraftError | undefined;
  /** Ends a connection with the answer of this request. */
  endAfter(request: IncomingMessage): void;
  /** Destroys connections over which nothing is being answered. */
  dropIdle(): void;
}

/** Watches a server; `broken` hears of requests that never reached the app. */
export function watchConnections(
  server: Server,
  largestChunk: number,
  broken: (error: GraftError, id: string) => void,
): Connections {
  const sockets = new Set<Duplex>();
  const states = new WeakMap<Duplex, Connection>();
  const stateOf = (socket: Duplex): Connection => {
    let state = states.get(socket);
    if (!state) states.set(socket, (state = { open: new Map(), isEnding: false }));
    return state;
  };

  const fail = (socket: Duplex, error: GraftError): void => {
    const state = stateOf(socket);
    if (state.isEnding && state.open.size === 0) return;
    if (state.error) return;
    state.error = error;
    state.isEnding = true;
    const last = [...state.open].at(-1);
    const answer = (): void => {
      if (!last || last[0].complete) broken(error, idOf(last?.[0]));
      if (socket.writable) socket.end(rawAnswer(error, idOf(last && !last[0].complete ? last[0] : undefined)));
      linger(socket);
    };
    if (!last) answer();
    else if (!last[0].complete) {
      state.broken = last[0];
      // the broken request itself: its answer is this one, unless the app has begun one already
      if (!last[1].headersSent && state.open.size === 1) answer();
      else if (last[1].writableEnded) last[1].once('close', () => linger(socket));
      else socket.destroy();
    } else last[1].once('close', answer);
  };

  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    watchChunks(socket, stateOf(socket), largestChunk, fail);
  });
  server.on('clientError', (cause: Error, socket: Duplex) => {
    // what follows a request that is the last of its connection is dropped
    if ('code' in cause && cause.code === 'HPE_CLOSED_CONNECTION' && stateOf(socket).open.size > 0) {
      stateOf(socket).isEnding = true;
      return;
    }
    const error = parserError(cause);
    if (error === undefined || socket.destroyed) socket.destroy();
    else fail(socket, error);
  });
  // without a listener Node closes the connection without a word
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => socket.destroy());
    fail(socket, errors.BAD_REQUEST({ reason: 'this is no proxy' }));
  });
  for (const event of ['checkContinue', 'checkExpectation'] as const)
    server.on(event, (request, response) => server.emit('request', request, response));

  return {
    take: (request, response) => {
      const { socket } = request;
      const state = stateOf(socket);
      if (state.isEnding) return false;
      state.open.set(request, response);
      response.once('close', () => state.open.delete(request));
      if (state.first === undefined) softenEnd(socket, state);
      state.first ??= request;
      state.last = request;
      return true;
    },
    fail,
    errorOf: request => {
      const state = states.get(request.socket);
      return state?.broken === request ? state.error : undefined;
    },
    endAfter: ({ socket }) => {
      stateOf(socket).isEnding = true;
    },
    dropIdle: () => {
      for (const socket of sockets) if (stateOf(socket).open.size === 0) socket.destroy();
    },
  };
}

/** Node's own listener comes before this one: what it made of the bytes is known here. */
function watchChunks(socket: Duplex, state: Connection, largest: number, fail: Connections['fail']): void {
  const sizes = chunkSizes(() => {
    if (state.first === undefined) return 'none';
    return state.first.headers['transfer-encoding'] === undefined ? 'other' : 'chunked';
  }, largest);
  const look = (bytes: Buffer): void => {
    const found = sizes.add(bytes);
    if (found === 'more') return;
    socket.off('data', look);
    if (found === 'too large')
      fail(socket, errors.TOO_LARGE({ reason: `a chunk is larger than the limit of a body, ${largest} bytes` }));
  };
  socket.on('data', look);
}

/** Node would close at once, and a client that is still sending would hear of that before it read its answer. */
function softenEnd(socket: Socket, state: Connection): void {
  const soon = socket.destroySoon.bind(socket);
  socket.destroySoon = () => {
    state.isEnding = true;
    if (state.last?.complete !== false) return soon();
    socket.end();
    linger(socket);
  };
}

/** Ends a connection soon, not at once; what still comes is dropped. */
function linger(socket: Duplex): void {
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerTime);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

const ids = new WeakMap<IncomingMessage, string>();
const idForm = /^[A-Za-z0-9._-]{1,128}$/;

/** The client's id of a request, or one of ours; the same whenever it is asked for. */
export function idOf(request: IncomingMessage | undefined): string {
  if (!request) return randomUUID();
  let id = ids.get(request);
  if (id === undefined) {
    const sent = request.headers['x-request-id'];
    id = typeof sent === 'string' && idForm.test(sent) ? sent : randomUUID();
    ids.set(request, id);
  }
  return id;
}
