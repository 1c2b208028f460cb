// How versions are opened in the server: a network in processes of its own, and what queues and joins requests before it.

import type { Limits } from '../limits.js';
import type { Log, ModelFacts, Telemetry } from '../served.js';
import { openNetwork } from '../workers/index.js';
import type { OpenVersion } from './opened-model.js';
import { servedModel, type ServedNetworkModel } from './served-model.js';

export interface OpenVersionOptions {
  readonly limits: Limits;
  /** Processes of each model. */
  readonly instances: number;
  /** Threads inside one operator. */
  readonly threads: number;
  /** Bytes of answers that are kept. */
  readonly cacheBytes: number;
  /** Milliseconds by which ensembles answer with less rather than late. */
  readonly deadline?: number;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** What opens, and what is open. */
export interface VersionOpener {
  readonly open: OpenVersion;
  /** Waiting requests of each version. */
  queues(): (readonly [model: ModelFacts, length: number])[];
  /** Processes that run networks. */
  workers(): number;
}

/** Opens in processes. */
export function versionOpener(options: OpenVersionOptions): VersionOpener {
  const there = new Set<ServedNetworkModel>();
  const { limits, instances, threads, cacheBytes, deadline, log, telemetry, now } = options;
  const open: OpenVersion = async ({ name, version, path, settings, config, signal }) => {
    const { maxBatch, batchDelay, queue, runTime } = settings;
    const network = await openNetwork({
      path,
      name,
      version,
      instances,
      threads,
      rungs: deadline !== undefined,
      memoryLimit: limits.workerMemory,
      loadTime: limits.loadTime,
      log,
      telemetry,
    });
    if (signal.aborted) {
      await network.close();
      throw signal.reason;
    }
    const model = servedModel(network, {
      name,
      version,
      config,
      limits: { ...limits, queue, runTime },
      maxBatch,
      batchDelay,
      cacheBytes,
      ...(deadline === undefined ? {} : { deadlineDefault: deadline }),
      telemetry,
      now,
    });
    there.add(model);
    const close = model.close.bind(model);
    model.close = async () => {
      there.delete(model);
      await close();
    };
    return model;
  };
  return {
    open,
    queues: () => [...there].map(model => [model.facts, model.waiting] as const),
    workers: () => there.size * instances,
  };
}
