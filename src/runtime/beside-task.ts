// What beside.ts and its thread say to each other.

import type { ErrorData, Tensor } from '../base/index.js';
import type { OpenOptions } from './runtime.js';

/** What a thread is started with. */
export interface SessionTask {
  readonly provider: string;
  readonly model: Uint8Array;
  readonly options: OpenOptions;
}

/** What it is asked: a run, or to end. */
export type Question =
  | {
      readonly id: number;
      readonly feeds: readonly (readonly [string, Tensor])[];
      readonly fetches: readonly string[];
    }
  | { readonly close: true };

/** What it answers; 0 is the answer to its start. */
export type Answer =
  | {
      readonly id: number;
      readonly inputs: readonly string[];
      readonly outputs: readonly string[];
      readonly results: readonly (readonly [string, Tensor])[];
    }
  | { readonly id: number; readonly error: ErrorData };
