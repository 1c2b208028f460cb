// What picture-stream.ts and its threads say to each other.

import type { ErrorData } from '../base/index.js';
import type { AllowedFormat } from './decode.js';
import type { Preprocessing } from './preprocessing.js';

/** What a thread is started with. */
export interface DecodeTask {
  readonly files: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly allowFormats: readonly AllowedFormat[];
  /** How pictures are shown; without it all are as they are. */
  readonly augment?: AugmentTask | undefined;
  /** Pictures that may be ready beyond what was taken. */
  readonly ahead: number;
  /** int32: next number to decode, numbers taken so far, 1 to stop, 1 once the decoder is open. */
  readonly control: SharedArrayBuffer;
}

/** Augmentation, in words that cross to a thread. */
export interface AugmentTask {
  readonly text: string;
  readonly seed: number | string;
  /** For each file the epoch it is shown in; 0: as it is. */
  readonly epochs: readonly number[];
}

/** Places in the control array. */
export const control = { next: 0, taken: 1, stopped: 2, opened: 3 } as const;

/** What a thread says of one picture. */
export type Decoded =
  | { readonly index: number; readonly sha256: string; readonly pixels: Uint8Array }
  | { readonly index: number; readonly error: ErrorData };
