// What a process that runs a network is told to open, and what it then says of it: once a load, as JSON.

import type { Manifest } from '../../serving.js';
import type { Signature } from '../tensors.js';

/** What is opened. */
export interface OpenTask {
  readonly path: string;
  /** What the files must be, where they were loaded before. */
  readonly sha256?: string;
  /** Threads inside one operator. */
  readonly threads: number;
  /** What is done before it is used: nothing, a run, or also a trial whether rows may be joined. */
  readonly trial: 'none' | 'run' | 'rows';
  /** Whether cheaper ways are opened too. */
  readonly rungs: boolean;
}

/** What was opened. */
export interface NetworkFacts {
  readonly sha256: string;
  readonly manifest?: Manifest;
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
  /** Whether rows of several requests may be one run: it was tried. */
  readonly canBatch: boolean;
  /** The whole first; each with what a picture took when it was warmed up. */
  readonly rungs?: readonly { readonly members: readonly string[]; readonly weights: readonly number[]; readonly milliseconds: number }[]; // prettier-ignore
  /** Whether it can say which places of a picture speak for a label. */
  readonly explains: boolean;
}
