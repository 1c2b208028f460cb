// What crosses between reader-pool.ts and reader-worker.ts.

import type { ErrorData } from '../../serving.js';
import type { Limits } from '../limits.js';
import type { ReadFacts, ReadRequest } from './json-request.js';

export interface ReaderTask {
  readonly json: Uint8Array;
  readonly tail: number | undefined;
  readonly facts: ReadFacts;
  readonly limits: Limits;
}

export type ReaderResult = { readonly request: ReadRequest } | { readonly error: ErrorData };
