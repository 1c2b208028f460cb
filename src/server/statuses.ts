// HTTP statuses of errors: by code where the protocol fixes it, or else by the error's kind. Only the server knows statuses.

import { GraftError, type ErrorKind } from '../serving.js';

const byKind: Readonly<Record<ErrorKind, number>> = {
  usage: 400,
  input: 422,
  missing: 404,
  unsupported: 422,
  limit: 413,
  disk: 500,
  locked: 409,
  check: 422,
  busy: 503,
  internal: 500,
};

const groups: readonly (readonly [status: number, codes: string])[] = [
  [400, 'BAD_REQUEST BAD_JSON BAD_NAME BAD_SHAPE BAD_DATATYPE BAD_DATA BAD_BINARY BAD_PARAMETER UNKNOWN_INPUT'],
  [400, 'MISSING_INPUT DUPLICATE_INPUT UNKNOWN_OUTPUT DUPLICATE_OUTPUT IMAGE_CORRUPT'],
  [401, 'UNAUTHENTICATED'],
  [403, 'FORBIDDEN'],
  [404, 'MODEL_NOT_FOUND VERSION_NOT_FOUND NOT_FOUND'],
  [405, 'METHOD_NOT_ALLOWED'],
  [408, 'REQUEST_TIMEOUT'],
  [409, 'IN_USE LOAD_CONFLICT'],
  [413, 'TOO_LARGE IMAGE_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA IMAGE_UNSUPPORTED'],
  [417, 'EXPECTATION_FAILED'],
  [422, 'MODEL_INVALID'],
  [429, 'RATE_LIMITED'],
  [431, 'HEADERS_TOO_LARGE'],
  [500, 'INTERNAL RUN_FAILED'],
  [503, 'MODEL_NOT_READY QUEUE_FULL QUEUE_TIMEOUT DRAINING WORKER_LOST MEMBER_FAILED'],
  [504, 'RUN_TIMEOUT'],
];
const byCode = new Map(groups.flatMap(([status, codes]) => codes.split(' ').map(code => [code, status] as const)));

/** The status of an error. */
export const statusOf = ({ code, kind }: GraftError): number => byCode.get(code) ?? byKind[kind];
