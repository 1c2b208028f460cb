// A server, put together: models in their processes, pictures in theirs, routes on an app that guards them, a page, and a
// good end.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { version } from '../serving.js';
import {
  buildApp,
  checkAddress,
  createLog,
  drainable,
  readKeys,
  type Access,
  type Drain,
  type LineSink,
} from './http/index.js';
import { createMetrics } from './metrics.js';
import { openRepository, type OpenedRepository } from './models/repository.js';
import { versionOpener } from './models/open-version.js';
import { errors } from './options-errors.js';
import { checkNumbers, limitsOf, namedPaths, versionPolicy, type ServeOptions } from './options.js';
import { registerRoutes, type Asset } from './routes/index.js';
import type { ModelStateName, PictureWorkers } from './served.js';
import { openPictureWorkers } from './workers/index.js';

/** A server that listens. */
export interface Server {
  /** Such as `http://127.0.0.1:8000`. */
  readonly url: string;
  /** The app, for requests without a socket: `await server.app.inject('/v2/health/live')`. */
  readonly app: FastifyInstance;
  /** Ends when all that is loaded at start has been loaded or has failed. */
  readonly started: Promise<void>;
  /** Names that should answer and do not. */
  notReady(): readonly string[];
  /** Ends well: not ready, still answering, finishing; a second call ends at once. Gives the exit status. */
  drain(): Promise<number>;
  /** Ends when the server has; its exit status. */
  readonly finished: Promise<number>;
  /** Ends it now. */
  close(): Promise<void>;
}

/** What else a server may be given by a program. */
export interface ServeParts {
  /** Where lines of the log go. @default standard output */
  readonly sink?: LineSink;
  /** Files of the page. @default the page of this package */
  readonly assets?: ReadonlyMap<string, Asset>;
  /** @default that of the process */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Most milliseconds that what was drained takes to close: with the limits of draining it is over within 28 s. */
const closeTime = 2_000;

/**
 * Serves models over HTTP.
 *
 * @throws SERVE_…: options that do not go together, keys that are too weak, an address that cannot be listened at
 * @example
 * const server = await serve({ models: ['run/bundle'], port: 0 });
 * const { models } = await (await fetch(`${server.url}/v2/models`)).json();
 * await server.close();
 */
export async function serve(options: ServeOptions, parts: ServeParts = {}): Promise<Server> {
  const { host = '127.0.0.1', port = 8000, models = [], repository, insecureNoAuth = false } = options;
  checkNumbers(options);
  if (models.length === 0 && repository === undefined) throw errors.NO_MODELS(undefined);
  const log = createLog({ level: options.logLevel ?? 'info', ...(parts.sink ? { sink: parts.sink } : {}) });
  const access = readKeys({ file: options.apiKeys, env: parts.env ?? process.env, warn: text => log.warn(text) });
  checkAddress({ host, hasKeys: access.keys.length > 0, isInsecureAllowed: insecureNoAuth });
  const opened = await openAll(options, { access, log, assets: parts.assets });
  const { app, drain, close } = opened;
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await close();
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw errors.ADDRESS({ address: `${host}:${port}`, reason: code }, cause);
  }
  const { port: taken } = app.server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${options.tlsCert === undefined ? 'http' : 'https'}://${shown}:${taken}`,
    app,
    started: opened.models.started,
    notReady: () => opened.models.notReady(),
    drain: async () => {
      const status = await drain.begin();
      // runs and loads that do not end are not waited for: their processes end with this one
      await Promise.race([close(), pause(closeTime, undefined, { ref: false })]);
      return status;
    },
    finished: drain.finished,
    close,
  };
}

interface Opened {
  readonly app: FastifyInstance;
  readonly models: OpenedRepository;
  readonly drain: Drain;
  close(): Promise<void>;
}

async function openAll(
  options: ServeOptions,
  at: { readonly access: Access; readonly log: ReturnType<typeof createLog>; readonly assets: ServeParts['assets'] },
): Promise<Opened> {
  const { instances = 1, threads = 1, maxBatch = 32, cache = 0, deadlineMs, modelControl = 'none' } = options;
  const { log, access } = at;
  const limits = limitsOf(options.limits);
  const metrics = createMetrics();
  const now = () => new Date().getTime();
  const app = buildApp({
    limits,
    access,
    log,
    ...(options.corsOrigin ? { cors: options.corsOrigin } : {}),
    ...(options.rateLimit === undefined ? {} : { rateLimit: options.rateLimit }),
    ...tlsOf(options),
    onAnswered: facts => metrics.http(facts),
    onInFlight: delta => metrics.inFlight(delta),
  });
  const drain = drainable(app, { limits, onDrain: () => log.info({}, 'draining') });
  const processes = options.pictureProcesses ?? Math.max(1, Math.floor(availableParallelism() / 2));
  const pictures: PictureWorkers = await openPictureWorkers({
    processes,
    queue: limits.queue,
    picture: limits.picture,
    memoryLimit: limits.workerMemory,
    log,
    telemetry: metrics,
  });
  const opener = { limits, instances, threads, cacheBytes: cache, log, telemetry: metrics, now };
  const versions = versionOpener({ ...opener, ...(deadlineMs === undefined ? {} : { deadline: deadlineMs }) });
  let models: OpenedRepository;
  try {
    models = await openRepository({
      models: namedPaths(options.models ?? []),
      ...(options.repository === undefined ? {} : { folder: options.repository }),
      policy: versionPolicy(options.versions ?? 'latest'),
      load: options.load ?? 'all',
      isWatching: options.watch ?? false,
      pollMs: options.poll ?? 2000,
      limits,
      maxBatch,
      batchDelay: limits.batchDelay,
      log,
      telemetry: metrics,
      open: versions.open,
    });
  } catch (error) {
    await pictures.close();
    throw error;
  }
  metrics.watch({
    models: () => models.loaded().map(({ facts }) => facts),
    states: () => {
      const counts = new Map<ModelStateName, number>();
      for (const { state } of models.index()) counts.set(state, (counts.get(state) ?? 0) + 1);
      return counts;
    },
    queues: () => versions.queues(),
    workers: () => versions.workers() + processes,
  });
  registerRoutes(app, {
    models,
    pictures,
    metrics,
    limits,
    isModelControlOn: modelControl === 'explicit',
    isMetricsOpen: options.openMetrics ?? false,
    isDraining: () => drain.isDraining(),
    version,
    log,
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(options.page === false ? {} : { assets: at.assets ?? (await pageFiles()) }),
  });
  const close = async (): Promise<void> => {
    await app.close();
    await Promise.all([models.close(), pictures.close()]);
  };
  return { app, models, drain, close };
}

/** The page is read when a server starts, and by nobody else. */
async function pageFiles(): Promise<ReadonlyMap<string, Asset>> {
  const { pageAssets } = await import('../page/assets.js');
  return pageAssets();
}

function tlsOf({ tlsCert, tlsKey }: ServeOptions): { readonly tls?: { readonly key: string; readonly cert: string } } {
  if (tlsCert === undefined && tlsKey === undefined) return {};
  if (tlsCert === undefined || tlsKey === undefined)
    throw errors.TLS({ reason: 'only one of certificate and key is named' });
  const read = (path: string, what: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
      throw errors.TLS({ reason: `the ${what} cannot be read: ${code}` }, cause);
    }
  };
  return { tls: { cert: read(tlsCert, 'certificate'), key: read(tlsKey, 'key') } };
}
