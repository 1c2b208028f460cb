// Bodies as bytes: which kinds are taken, unpacked with a running count, gathered in one buffer however small the chunks.
// What is in them is read elsewhere; nothing but bytes is made here.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib';
import { GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';

/** From here on a packed body must not grow by more than the ratio. */
const ratioFrom = 1024 * 1024;

/** The app takes bytes of these kinds; forms are taken by the routes that register a parser for them. */
export function takeBodies(app: FastifyInstance, limits: Limits): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    checkMedia(request);
    return readBody(payload, limits);
  });
}

const bytesForm = /^(?:application\/(?:octet-stream|vnd\.graft[a-z0-9.+-]*)|image\/[a-z0-9.+-]+)$/;

/**
 * JSON in UTF-8, bytes, pictures. `curl -d` says `application/x-www-form-urlencoded` of whatever it sends, and other
 * clients say nothing: under /v2 both are read as JSON, which a form of a page never is.
 */
function checkMedia({ headers, routeOptions: { url = '' } }: FastifyRequest): void {
  const sent = headers['content-type'];
  const [media = '', ...parameters] = (sent ?? '').split(';').map(part => part.trim().toLowerCase());
  if (media === '' || bytesForm.test(media)) return;
  if (media !== 'application/json' && !(media === 'application/x-www-form-urlencoded' && /^\/v2(\/|$)/.test(url)))
    throw errors.UNSUPPORTED_MEDIA({ reason: `${media.slice(0, 100)} is not taken here` });
  for (const parameter of parameters) {
    const [, charset] = /^charset\s*=\s*"?([^"]*)"?$/.exec(parameter) ?? [];
    if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')
      throw errors.UNSUPPORTED_MEDIA({ reason: `JSON is UTF-8, not ${charset.slice(0, 100)}` });
  }
}

/** @throws TOO_LARGE where the announced length is over the limit: before a byte is read */
export function checkLength({ headers }: IncomingMessage, limits: Limits): void {
  if (Number(headers['content-length'] ?? 0) > limits.body) throw tooLarge(limits);
}

const tooLarge = (limits: Limits) => errors.TOO_LARGE({ reason: `the body is larger than ${limits.body} bytes` });

/**
 * All of a body, unpacked.
 *
 * @throws TOO_LARGE, UNSUPPORTED_MEDIA for an unknown coding, BAD_REQUEST for one that is broken or cut
 */
export async function readBody(payload: IncomingMessage, limits: Limits): Promise<Buffer> {
  const coding = (payload.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const announced = Number(payload.headers['content-length'] ?? NaN);
  if (coding === 'identity' || coding === '') {
    const gathered = new Gathered(limits, announced);
    await eachChunk(payload, chunk => gathered.add(chunk));
    return gathered.bytes();
  }
  if (coding !== 'gzip' && coding !== 'x-gzip' && coding !== 'deflate')
    throw errors.UNSUPPORTED_MEDIA({ reason: 'the content codings taken are gzip and deflate' });
  return unpack(payload, coding === 'deflate' ? createInflate() : createGunzip(), limits);
}

async function unpack(payload: IncomingMessage, decoder: Gunzip | Inflate, limits: Limits): Promise<Buffer> {
  const gathered = new Gathered(limits, NaN);
  let taken = 0;
  const unpacked = eachChunk(decoder, chunk => {
    gathered.add(chunk);
    if (gathered.length > ratioFrom && gathered.length > limits.ratio * taken)
      throw errors.TOO_LARGE({ reason: `the body grows by more than ${limits.ratio} when it is unpacked` });
  });
  // its end is awaited below; until then it must not count as unhandled
  unpacked.catch(() => undefined);
  try {
    await eachChunk(payload, chunk => {
      taken += chunk.length;
      if (taken > limits.body) throw tooLarge(limits);
      // awaits the decoder: what is in memory is a chunk and what it unpacks to
      return decoder.writableEnded || decoder.destroyed ? unpacked : written(decoder, chunk, unpacked);
    });
    decoder.end();
    await unpacked;
    if (decoder.bytesWritten !== taken) throw new Error('bytes after the end');
  } catch (cause) {
    if (cause instanceof GraftError) throw cause;
    throw errors.BAD_REQUEST({ reason: 'the body is not what its Content-Encoding says' }, cause);
  } finally {
    decoder.destroy();
  }
  return gathered.bytes();
}

const written = (decoder: Gunzip | Inflate, chunk: Buffer, ended: Promise<void>): Promise<void> =>
  Promise.race([new Promise<void>(resolve => void decoder.write(chunk, () => resolve())), ended]);

/** A stream without an iterator's object for each chunk: a million one-byte chunks are an ordinary body. */
function eachChunk(stream: IncomingMessage | Gunzip | Inflate, take: (chunk: Buffer) => void | Promise<void>) {
  return new Promise<void>((resolve, reject) => {
    const stop = (cause: unknown): void => {
      stream.off('data', onData).off('end', onEnd).off('close', onClose);
      stream.pause();
      reject(cause);
    };
    const onData = (chunk: Buffer): void => {
      try {
        const wait = take(chunk);
        if (!wait) return;
        stream.pause();
        wait.then(() => stream.resume(), stop);
      } catch (cause) {
        stop(cause);
      }
    };
    const onEnd = (): void => {
      stream.off('data', onData).off('close', onClose);
      resolve();
    };
    const onClose = (): void => stop(errors.BAD_REQUEST({ reason: 'the body was cut' }));
    stream.on('data', onData).once('end', onEnd).once('close', onClose).on('error', stop);
  });
}

/** What is announced is believed up to here; more is made room for as it comes. */
const believed = 256 * 1024;

/** Bytes in one buffer: of the announced length where that is small, or else one that doubles. */
class Gathered {
  length = 0;
  private room: Buffer;
  constructor(
    private readonly limits: Limits,
    private readonly announced: number,
  ) {
    this.room = Buffer.allocUnsafeSlow(Math.min(announced >= 0 ? announced : 4096, believed));
  }

  /** @throws TOO_LARGE */
  add(chunk: Buffer): void {
    const length = this.length + chunk.length;
    if (length > this.limits.body) throw tooLarge(this.limits);
    if (length > this.room.length) {
      const wanted = Math.max(length, this.room.length * 2);
      const grown = Buffer.allocUnsafeSlow(this.announced >= length ? Math.min(wanted, this.announced) : wanted);
      this.room.copy(grown, 0, 0, this.length);
      this.room = grown;
    }
    chunk.copy(this.room, this.length);
    this.length = length;
  }

  bytes(): Buffer {
    return this.room.subarray(0, this.length);
  }
}
