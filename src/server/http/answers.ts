// What refusals look like: `{"error", "code", "request_id"}`, with the status of statuses.ts and the headers that go with
// it. Faults of ours say a fixed text; Fastify's own errors get our codes.

import { STATUS_CODES } from 'node:http';
import { GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import { statusOf } from '../statuses.js';

/** A refusal, ready to be sent. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Set where the log should say more than the answer does. */
  readonly fault?: unknown;
  readonly code: string;
}

/** Headers of every answer. */
export const commonHeaders = (id: string): Record<string, string> => ({
  'x-request-id': id,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
});

const jsonType = 'application/json; charset=utf-8';

/** An error as it is answered. */
export function refusalOf(thrown: unknown, id: string): Refusal {
  const own = ownError(thrown);
  const said = statusOf(own) === 500 && own.code !== 'RUN_FAILED' ? errors.INTERNAL(undefined) : own;
  const status = statusOf(said);
  return {
    status,
    code: said.code,
    headers: { 'content-type': jsonType, ...extraHeaders(status, own) },
    body: JSON.stringify({ error: said.message, code: said.code, request_id: id }),
    ...(status >= 500 && status !== 503 ? { fault: thrown } : {}),
  };
}

function extraHeaders(status: number, { details }: GraftError): Record<string, string> {
  if (status === 401) return { 'www-authenticate': 'Bearer' };
  if (status !== 503 && status !== 429) return {};
  const seconds = Math.ceil(Number(details['retryAfter'] ?? 1));
  return { 'retry-after': String(Math.min(30, Math.max(1, Number.isFinite(seconds) ? seconds : 1))) };
}

const ofFastify = new Map([
  ['FST_ERR_CTP_BODY_TOO_LARGE', errors.TOO_LARGE],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', errors.UNSUPPORTED_MEDIA],
  ['FST_ERR_ROUTE_MISSING_CONTENT_TYPE', errors.UNSUPPORTED_MEDIA],
  ['FST_ERR_MAX_PARAM_LENGTH', errors.HEADERS_TOO_LARGE],
]);

function ownError(thrown: unknown): GraftError {
  if (thrown instanceof GraftError) return thrown;
  if (
    thrown instanceof Error &&
    'code' in thrown &&
    typeof thrown.code === 'string' &&
    thrown.code.startsWith('FST_')
  ) {
    const status = 'statusCode' in thrown ? Number(thrown.statusCode) : 500;
    const make = ofFastify.get(thrown.code);
    if (make) return make({ reason: reasonOf(thrown.message) }, thrown);
    if (thrown.code === 'FST_ERR_BAD_URL')
      return errors.BAD_REQUEST({ reason: 'the path is not percent-encoded UTF-8' }, thrown);
    if (status >= 400 && status < 500) return errors.BAD_REQUEST({ reason: reasonOf(thrown.message) }, thrown);
  }
  return errors.INTERNAL(undefined, thrown);
}

const reasonOf = (message: string): string => message.slice(0, 200);

/** A refusal as the bytes of a whole HTTP answer, after which the connection ends. */
export function rawAnswer(error: GraftError, id: string): Buffer {
  const { status, headers, body } = refusalOf(error, id);
  const lines = Object.entries({
    ...commonHeaders(id),
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`);
}
