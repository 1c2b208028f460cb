// What a request brought: its body as bytes, the kind of it, and whether its sender is still there.

import { setMaxListeners } from 'node:events';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errors } from '../errors.js';

/** The body as it came, unpacked; empty where there is none. */
export function bodyOf({ body }: FastifyRequest): Uint8Array {
  if (body === undefined || body === null) return new Uint8Array(0);
  if (body instanceof Uint8Array) return body;
  throw errors.UNSUPPORTED_MEDIA({ reason: 'the body was not taken as bytes' });
}

/** The media type without its parameters, in small letters; empty where none was sent. */
export const mediaOf = ({ headers }: FastifyRequest): string =>
  (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();

/** Raised when the client leaves before its answer is written. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  // each picture of a request listens
  setMaxListeners(0, gone.signal);
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort(errors.REQUEST_TIMEOUT({ reason: 'the client has gone' }));
  });
  return gone.signal;
}
