// What all routes are given, and what each says of itself to the hooks that surround it.

import type {} from 'fastify';
import type { Limits } from '../limits.js';
import type { Metrics } from '../metrics.js';
import type { Log, ModelRepository, PictureWorkers } from '../served.js';

/** Who may ask: anybody, a key that may infer, a key of an administrator. Without keys all may. */
export type Role = 'none' | 'infer' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** @default 'infer' */
    readonly role?: Role;
  }
}

/** A file of the page. */
export interface Asset {
  /** Its `content-type`. */
  readonly type: string;
  readonly body: Uint8Array;
}

/** What the routes stand on. */
export interface RouteContext {
  readonly models: ModelRepository;
  readonly pictures: PictureWorkers;
  readonly metrics: Metrics;
  readonly limits: Limits;
  /** Whether models may be loaded and unloaded by requests. */
  readonly isModelControlOn: boolean;
  /** Whether `/metrics` needs no key. @default false */
  readonly isMetricsOpen?: boolean;
  readonly isDraining: () => boolean;
  /** Of this package. */
  readonly version: string;
  readonly log: Log;
  /** Milliseconds by which an ensemble answers with fewer members, where a request does not say it. @default none */
  readonly deadlineMs?: number;
  /** Files of the page by name; `index.html` is what `/` gives. Without any there is no page. */
  readonly assets?: ReadonlyMap<string, Asset>;
}
