// How a version of a model is opened: what is asked for, and what comes of it. Who opens is an argument of the repository.

import type { ServedModel } from '../served.js';
import type { VersionKind } from './folder.js';
import type { BatchSettings } from './load-config.js';

/** A version that is to be opened. */
export interface OpenRequest {
  readonly name: string;
  readonly version: string;
  /** A bundle's or run's folder, a folder with `model.onnx`, or a network's file. */
  readonly path: string;
  readonly settings: BatchSettings;
  /** For the facts: what it is loaded with, as a client may read it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Raised when nobody waits for it any more: the time for loading is over, or the server ends. */
  readonly signal: AbortSignal;
}

/** A model that answers until it is closed. */
export interface OpenedModel extends ServedModel {
  /** Takes nothing more, finishes what waits and runs, then ends its processes. */
  close(): Promise<void>;
}

/** Opens a version and runs it once or more, so that its first request is as fast as others. */
export type OpenVersion = (request: OpenRequest) => Promise<OpenedModel>;

/** A version as it lies on disk. */
export interface FoundVersion {
  /** A positive number, as text. */
  readonly version: string;
  readonly path: string;
  readonly kind: VersionKind;
  /** Changes when the version was replaced: identity, size and time of the file that makes it one. */
  readonly mark: string;
  /** Changes when anything in its folder did. */
  readonly whole: string;
  /** Why it must not be loaded. */
  readonly fault?: string;
}
