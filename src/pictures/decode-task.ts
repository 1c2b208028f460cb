// What picture-stream.ts and its threads say to each other.

import type { ErrorData } from '../base/index.js';
import type { AllowedFormat } from './decode.js';
import type { Preprocessing } from './preprocessing.js';

/** What a thread is started with. */
export interface DecodeTask {
  readonly files: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly allowFormats: readonly AllowedFormat[];
  /** Pictures that may be ready beyond what was taken. */
  readonly ahead: number;
  /** int32: next number to decode, numbers taken so far, 1 to stop, 1 once the decoder is open. */
  readonly control: SharedArrayBuffer;
}

/** Places in the control array. */
export const control = { next: 0, taken: 1, stopped: 2, opened: 3 } as const;

/** What a thread says of one picture. */
export type Decoded =
  | { readonly index: number; readonly sha256: string; readonly pixels: Uint8Array }
  | { readonly index: number; readonly error: ErrorData };
