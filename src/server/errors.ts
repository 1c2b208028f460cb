// The codes of the server and their HTTP statuses (docs/serving.md). Codes of files and pictures come from the rooms that
// throw them; their status follows from their kind or from the table in statuses.ts.

import { defineErrors, printable } from '../serving.js';

interface Said {
  /** What is at fault, what was found, what was wanted: one sentence without paths or values of the host. */
  readonly reason: string;
}
const said = ({ reason }: Said): string => printable(reason);
const input = { kind: 'input', message: said } as const;
const missing = { kind: 'missing', message: said } as const;
const busy = { kind: 'busy', message: said } as const;
const limit = { kind: 'limit', message: said } as const;
const unsupported = { kind: 'unsupported', message: said } as const;

/** What a request is refused for; `errors.BAD_SHAPE({ reason: 'input x: …' })`. */
export const errors = defineErrors('', {
  BAD_REQUEST: input,
  BAD_JSON: input,
  BAD_NAME: input,
  BAD_SHAPE: input,
  BAD_DATATYPE: input,
  BAD_DATA: input,
  BAD_BINARY: input,
  BAD_PARAMETER: input,
  UNKNOWN_INPUT: input,
  MISSING_INPUT: input,
  DUPLICATE_INPUT: input,
  UNKNOWN_OUTPUT: input,
  DUPLICATE_OUTPUT: input,
  UNAUTHENTICATED: input,
  FORBIDDEN: input,
  NOT_FOUND: missing,
  MODEL_NOT_FOUND: missing,
  VERSION_NOT_FOUND: missing,
  METHOD_NOT_ALLOWED: input,
  REQUEST_TIMEOUT: limit,
  IN_USE: busy,
  LOAD_CONFLICT: busy,
  TOO_LARGE: limit,
  UNSUPPORTED_MEDIA: unsupported,
  EXPECTATION_FAILED: unsupported,
  HEADERS_TOO_LARGE: limit,
  MODEL_INVALID: input,
  RATE_LIMITED: busy,
  INTERNAL: {
    kind: 'internal',
    message: () => 'the server failed; its log has the details under this request id',
  },
  RUN_FAILED: { kind: 'internal', message: said },
  MODEL_NOT_READY: busy,
  QUEUE_FULL: busy,
  QUEUE_TIMEOUT: busy,
  DRAINING: busy,
  WORKER_LOST: busy,
  MEMBER_FAILED: busy,
  RUN_TIMEOUT: limit,
});
