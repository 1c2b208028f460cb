// A network as routes see it: requests are checked for room, found in the cache, queued, put together, run on the rung that
// their deadline leaves time for, and counted; each has exactly one outcome.

import { GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import type { Heat, ModelFacts, ModelStatistics, Outcome, RunAnswer, RunRequest, ServedMember, ServedModel, Telemetry } from '../served.js'; // prettier-ignore
import { rowsOf } from './batch.js';
import { Batcher } from './batcher.js';
import { ResponseCache } from './cache.js';
import { factsOf } from './facts.js';
import { askingMembers, fusedMembers, hasFusedMembers } from './fused-members.js';
import type { ServedNetwork } from './network-contract.js';
import { RungTimes } from './rung.js';
import { ModelCounts } from './statistics.js';

/** Under which name a network is served, and how. */
export interface ServedModelOptions {
  readonly name: string;
  /** A positive number, as text. */
  readonly version: string;
  /** For the facts: what it was loaded with, as clients may read it. @default nothing */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Of them `queue`, `queueTime`, `runTime`, and `tensors` for the inputs of requests that are one run. */
  readonly limits: Pick<Limits, 'queue' | 'queueTime' | 'runTime' | 'tensors'>;
  /** Most rows of a run of several requests; a request of more rows runs alone. @default 32 */
  readonly maxBatch?: number;
  /** Most milliseconds that a run is held back for requests that are on their way. @default 2 */
  readonly batchDelay?: number;
  /** Bytes of answers that are kept; 0 keeps none. @default 0 */
  readonly cacheBytes?: number;
  /** Milliseconds, where a request names no deadline. @default none */
  readonly deadlineDefault?: number;
  readonly telemetry: Pick<Telemetry, 'queued' | 'ran' | 'answered' | 'degraded'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** A served network, until it is closed. */
export interface ServedNetworkModel extends ServedModel {
  /** Requests that wait. */
  readonly waiting: number;
  announce(): () => void;
  /** Takes nothing more, finishes what waits and runs, then closes the network. */
  close(): Promise<void>;
}

/**
 * Serves a network.
 *
 * @throws PREPROCESSING_INVALID
 * @example
 * const model = servedModel(network, { name: 'cats', version: '1', limits, telemetry, now });
 * const { outputs } = await model.run({ inputs });
 */
export const servedModel = (network: ServedNetwork, options: ServedModelOptions): ServedNetworkModel =>
  new NetworkModel(network, options);

class NetworkModel implements ServedNetworkModel {
  readonly facts: ModelFacts;
  readonly explain: ServedModel['explain'];
  readonly #network: ServedNetwork;
  readonly #options: ServedModelOptions;
  readonly #inputs: readonly string[];
  readonly #rungs: RungTimes;
  readonly #batcher: Batcher;
  readonly #counts: ModelCounts;
  readonly #cache: ResponseCache | undefined;
  #closing: Promise<void> | undefined;

  constructor(network: ServedNetwork, options: ServedModelOptions) {
    const { name, version, config = {}, limits, maxBatch = 32, batchDelay = 2, cacheBytes = 0, telemetry } = options;
    const facts = factsOf(network.facts, { name, version, maxBatch, config });
    const rungs = new RungTimes(facts.rungs);
    const counts = new ModelCounts(options.now);
    this.facts = facts;
    this.#network = network;
    this.#options = options;
    this.#inputs = facts.inputs.map(input => input.name);
    this.#rungs = rungs;
    this.#counts = counts;
    this.#cache = cacheBytes > 0 ? new ResponseCache(cacheBytes, facts.sha256) : undefined;
    this.#batcher = new Batcher({
      name,
      network,
      limits,
      maxBatch,
      batchDelay,
      rungs,
      waited: milliseconds => {
        counts.waited(milliseconds * 1e6);
        telemetry.queued(facts, milliseconds / 1000);
      },
      ran: (requests, rows, times, milliseconds) => {
        counts.ran(requests, rows, times);
        telemetry.ran(facts, rows, milliseconds / 1000);
      },
    });
    if (facts.explains && network.explain) this.explain = (...at) => this.#explain(...at);
  }

  get state(): ServedModel['state'] {
    if (this.#closing) return { isReady: false, reason: 'unloaded' };
    const { isReady, reason } = this.#network;
    return { isReady, reason };
  }

  get statistics(): ModelStatistics {
    return this.#counts.statistics(this.#network.memory);
  }

  get waiting(): number {
    return this.#batcher.waiting;
  }

  announce(): () => void {
    return this.#batcher.announce();
  }

  async run(request: RunRequest): Promise<RunAnswer> {
    const { telemetry } = this.#options;
    const start = performance.now();
    const rows = this.#rowsOf(request);
    try {
      this.#checkReady();
      const answer = await this.#answer(request, rows);
      this.#counts.succeeded((performance.now() - start) * 1e6);
      if (answer.degraded) telemetry.degraded(this.facts);
      telemetry.answered(this.facts, 'ok', rows);
      return answer;
    } catch (error) {
      const { signal } = request;
      const outcome = signal?.aborted && error === signal.reason ? 'cancelled' : outcomeOf(error);
      // who has gone was not answered
      if (outcome !== 'cancelled') this.#counts.failed((performance.now() - start) * 1e6);
      telemetry.answered(this.facts, outcome, 0);
      throw error;
    }
  }

  refused(): void {
    this.#counts.failed(0);
    this.#options.telemetry.answered(this.facts, 'bad_request', 0);
  }

  close(): Promise<void> {
    this.#closing ??= this.#batcher.drained().then(() => this.#network.close());
    return this.#closing;
  }

  /** A request to a network of a fixed batch is one inference, as at Triton. */
  #rowsOf({ inputs }: RunRequest): number {
    if (!this.#network.facts.canBatch) return 1;
    return rowsOf(inputs) ?? Math.max(1, ...[...inputs.values()].map(({ shape }) => shape[0] ?? 1));
  }

  #checkReady(): void {
    const { isReady, reason } = this.state;
    if (!isReady) throw errors.MODEL_NOT_READY({ reason: `model ${this.facts.name} is not ready: ${reason}` });
  }

  async #answer(request: RunRequest, rows: number): Promise<RunAnswer> {
    const { deadline = this.#options.deadlineDefault, priority, queueLimit, signal } = request;
    const cache = this.#cache;
    const key = cache?.keyOf(request, this.#inputs);
    if (!cache || key === undefined) return this.#runOnce(request, rows, deadline);
    const kept = cache.get(key);
    if (kept) {
      signal?.throwIfAborted();
      this.#counts.waited(0);
      return kept;
    }
    const runAndKeep = async (own: AbortSignal | undefined): Promise<RunAnswer> => {
      const answer = await this.#runOnce({ ...request, ...(own ? { signal: own } : {}) }, rows, deadline);
      cache.set(key, answer);
      return answer;
    };
    // one whose time is short may be answered by fewer members: that answer is its own
    if (deadline !== undefined && this.facts.rungs) return runAndKeep(undefined);
    const shared = await cache.share(`${key} ${priority ?? 0} ${queueLimit ?? ''}`, signal, runAndKeep);
    if (shared.isCached) this.#counts.waited(0);
    return shared;
  }

  async #runOnce(request: RunRequest, rows: number, deadline: number | undefined): Promise<RunAnswer> {
    const isByMembers = request.members === true && hasFusedMembers(this.facts);
    const { outputs, rung } = await this.#batcher.run(isByMembers ? askingMembers(request) : request, rows, deadline);
    const members = isByMembers ? fusedMembers(outputs, this.#membersOf(rung)) : undefined;
    return {
      outputs,
      ...(members ? { members } : {}),
      ...(rung === 0 ? {} : { degraded: { reason: 'deadline', missing: this.#rungs.missing(rung) } }),
    };
  }

  /** Members that a rung asks, in its order. */
  #membersOf(rung: number): readonly ServedMember[] {
    const { members = [], rungs } = this.facts;
    const way = rung === 0 ? undefined : rungs?.[rung];
    return way ? way.members.map((name, i) => ({ name, weight: way.weights[i]! })) : members;
  }

  async #explain(pixels: Uint8Array, label: number, signal?: AbortSignal): Promise<Heat> {
    this.#checkReady();
    return this.#batcher.work(() => this.#network.explain!(pixels, label), signal);
  }
}

const rejected = new Set(['QUEUE_FULL', 'MODEL_NOT_READY', 'DRAINING']);

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof GraftError)) return 'error';
  if (error.code.endsWith('_TIMEOUT')) return 'timeout';
  if (rejected.has(error.code)) return 'rejected';
  return error.kind === 'input' ? 'bad_request' : 'error';
}
