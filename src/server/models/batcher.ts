// Requests to one network, put together and run. While all processes are busy requests pile up, and the next free one takes
// as many of the next ones as may be one run. With a free process nobody waits, but for requests that are on their way and
// then at most `batchDelay`. Who waits is served in order: a run takes from the front of the queue, and ends at the first
// request that cannot join it.

import { GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import type { Limits } from '../limits.js';
import type { RunRequest } from '../served.js';
import type { WireTensor } from '../tensors.js';
import { bytesOf, joinKey, joinRows, rowsOf, splitRows } from './batch.js';
import type { ServedNetwork } from './network-contract.js';
import { RequestQueue, type Ticket } from './queue.js';
import type { RungTimes } from './rung.js';
import type { RunTimes } from './statistics.js';

type Tensors = ReadonlyMap<string, WireTensor>;

export interface BatcherOptions {
  readonly name: string;
  readonly network: ServedNetwork;
  readonly limits: Pick<Limits, 'queue' | 'queueTime' | 'runTime' | 'tensors'>;
  /** Most rows of a run of several requests. */
  readonly maxBatch: number;
  /** Milliseconds. */
  readonly batchDelay: number;
  readonly rungs: RungTimes;
  /** A request begins to run after so many milliseconds. */
  readonly waited: (milliseconds: number) => void;
  /** A run of so many requests gave something. */
  readonly ran: (requests: number, rows: number, times: RunTimes, milliseconds: number) => void;
}

/** What came of a request. */
export interface BatchAnswer {
  readonly outputs: Tensors;
  /** 0 is the whole model. */
  readonly rung: number;
}

/** What waits: a request to run, or other work that takes a process. */
interface Entry {
  /** Missing for other work. */
  readonly request?: RunRequest;
  readonly work: (() => Promise<unknown>) | undefined;
  readonly rows: number;
  readonly bytes: number;
  /** Of those that may be one run; nothing where it runs alone. */
  readonly key: string | undefined;
  readonly arrived: number;
  /** When an answer of fewer members is better than a later one; `Infinity` where it never is. */
  readonly deadline: number;
  ticket: Ticket<Entry> | undefined;
  /** Whether a run that it shared failed: the next one is its own. */
  isAgain: boolean;
  /** Whether it was answered, or its client has gone. */
  isSettled: boolean;
  settle(end: Settled): void;
}

type Settled = { readonly value: unknown } | { readonly error: unknown };

/** Most milliseconds that priority 1 goes before priority 0; less where the queue is shorter than that. */
const ageing = 1000;

/** Puts requests together and runs them. */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #queue: RequestQueue<Entry>;
  readonly #inputs: readonly string[];
  /** Whether rows of several requests may be one run: what the facts say, until an output shows otherwise. */
  #mayJoin: boolean;
  #rowsWaiting = 0;
  #running = 0;
  #onTheirWay = 0;
  #isPlanned = false;
  #holdTimer: NodeJS.Timeout | undefined;
  #whenDrained: (() => void) | undefined;

  constructor(options: BatcherOptions) {
    const { network, limits, maxBatch, name } = options;
    this.#options = options;
    this.#inputs = network.facts.inputs.map(input => input.name);
    this.#mayJoin = network.facts.canBatch && maxBatch > 1;
    this.#queue = new RequestQueue({
      most: limits.queue,
      ageing: Math.min(ageing, limits.queueTime / 2),
      timedOut: entry => {
        this.#left(entry);
        const waited = Math.round(performance.now() - entry.arrived);
        entry.settle({ error: errors.QUEUE_TIMEOUT({ reason: `model ${name}: no process was free within ${waited} ms` }) }); // prettier-ignore
      },
    });
    network.onFree(() => {
      this.#plan();
    });
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Says that a request is being read. Call what it gives when it is queued or refused. */
  announce(): () => void {
    this.#onTheirWay++;
    let isHere = false;
    return () => {
      if (isHere) return;
      isHere = true;
      this.#onTheirWay--;
      if (this.#onTheirWay === 0 && this.#holdTimer) this.#plan();
    };
  }

  /**
   * @param rows that it counts for
   * @param deadline milliseconds from now; none where nothing is said
   * @throws QUEUE_FULL, QUEUE_TIMEOUT; what the run throws; the reason of the signal
   */
  run(request: RunRequest, rows: number, deadline: number | undefined): Promise<BatchAnswer> {
    const { inputs, outputs, priority = 0, queueLimit = Infinity, signal } = request;
    const mayJoin = this.#mayJoin && rows > 0 && rows < this.#options.maxBatch && rowsOf(inputs) === rows;
    const key = mayJoin ? joinKey(inputs, this.#inputs, outputs) : undefined;
    return this.#wait<BatchAnswer>({ request, work: undefined, rows, bytes: bytesOf(inputs), key, deadline }, priority, queueLimit, signal); // prettier-ignore
  }

  /** Other work that takes a free process: it waits its turn as a request does. */
  work<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return this.#wait<T>({ work, rows: 0, bytes: 0, key: undefined, deadline: undefined }, 0, Infinity, signal);
  }

  /** Waits until nothing waits and nothing runs. */
  async drained(): Promise<void> {
    if (this.#queue.size === 0 && this.#running === 0) return;
    await new Promise<void>(resolve => {
      this.#whenDrained = resolve;
    });
  }

  #wait<T>(
    given: Omit<Entry, 'arrived' | 'deadline' | 'ticket' | 'isAgain' | 'isSettled' | 'settle'> & {
      deadline: number | undefined;
    },
    priority: number,
    queueLimit: number,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const now = performance.now();
    const { limits, name } = this.#options;
    return new Promise<T>((resolve, reject) => {
      const gone = (): void => {
        if (entry.ticket && this.#queue.remove(entry.ticket)) this.#left(entry);
        entry.settle({ error: signal?.reason });
      };
      const entry: Entry = {
        ...given,
        arrived: now,
        deadline: given.deadline === undefined ? Infinity : now + given.deadline,
        ticket: undefined,
        isAgain: false,
        isSettled: false,
        settle: end => {
          entry.isSettled = true;
          signal?.removeEventListener('abort', gone);
          if ('value' in end) resolve(end.value as T);
          else reject(end.error);
        },
      };
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      entry.ticket = this.#queue.push(entry, { priority, limit: Math.min(queueLimit, limits.queueTime), now });
      if (!entry.ticket) {
        reject(errors.QUEUE_FULL({ reason: `model ${name}: ${limits.queue} requests wait already` }));
        return;
      }
      signal?.addEventListener('abort', gone, { once: true });
      this.#rowsWaiting += entry.rows;
      this.#plan();
    });
  }

  /** Requests that come in one go may be one run: they are looked at when all are there. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    clearTimeout(this.#holdTimer);
    this.#holdTimer = undefined;
    const { network } = this.#options;
    for (let first = this.#queue.first; first && network.idle > 0; first = this.#queue.first) {
      const wait = this.#heldFor(first);
      if (wait > 0) {
        this.#holdTimer = setTimeout(() => {
          this.#holdTimer = undefined;
          this.#plan();
        }, wait);
        return;
      }
      const { entries, rung } = this.#take();
      void this.#execute(entries, rung);
    }
  }

  /** Milliseconds that a run is still held back for requests on their way. */
  #heldFor({ key, isAgain, arrived }: Entry): number {
    const { maxBatch, batchDelay } = this.#options;
    const isReady = this.#onTheirWay === 0 || key === undefined || isAgain || this.#rowsWaiting >= maxBatch;
    return isReady ? 0 : Math.max(0, arrived + batchDelay - performance.now());
  }

  /** Out of the queue come the first one and those behind it that may be one run with it, on the same rung. */
  #take(): { readonly entries: readonly Entry[]; readonly rung: number } {
    const { rungs, maxBatch, limits } = this.#options;
    const now = performance.now();
    const head = this.#out();
    const entries = [head];
    let { rows, bytes, deadline } = head;
    const rung = rungs.choose(rows, deadline - now);
    if (head.key === undefined || head.isAgain || !this.#mayJoin) return { entries, rung };
    for (let next = this.#queue.first; next && next.key === head.key && !next.isAgain; next = this.#queue.first) {
      rows += next.rows;
      bytes += next.bytes;
      deadline = Math.min(deadline, next.deadline);
      if (rows > maxBatch || bytes > limits.tensors) break;
      // a run of more rows takes longer: nobody may come too late for it
      if (rungs.choose(rows, next.deadline - now) !== rung || rungs.choose(rows, deadline - now) !== rung) break;
      entries.push(this.#out());
    }
    return { entries, rung };
  }

  #out(): Entry {
    const entry = this.#queue.shift()!;
    this.#rowsWaiting -= entry.rows;
    return entry;
  }

  #left({ rows }: Entry): void {
    this.#rowsWaiting -= rows;
    this.#lookWhetherDrained();
  }

  async #execute(entries: readonly Entry[], rung: number): Promise<void> {
    const start = performance.now();
    this.#running++;
    try {
      const [{ work }] = entries as [Entry];
      if (work) entries[0]!.settle({ value: await work() });
      else await this.#runTogether(entries, rung, start);
    } catch (error) {
      this.#failed(entries, error);
    } finally {
      this.#running--;
      this.#plan();
      this.#lookWhetherDrained();
    }
  }

  async #runTogether(entries: readonly Entry[], rung: number, start: number): Promise<void> {
    const { network, limits, rungs, waited, ran } = this.#options;
    const requests = entries.map(({ request }) => request!);
    const rows = entries.map(entry => entry.rows);
    const total = rows.reduce((a, b) => a + b, 0);
    for (const { arrived, isAgain } of entries) if (!isAgain) waited(start - arrived);
    const inputs = requests.length === 1 ? requests[0]!.inputs : joinRows(requests.map(request => request.inputs));
    const joined = performance.now();
    const at = { ...(rung > 0 ? { rung } : {}), timeLimit: limits.runTime };
    const answer = await network.run(inputs, requests[0]!.outputs, at);
    const answered = performance.now();
    const parts = entries.length === 1 ? [answer.outputs] : splitRows(answer.outputs, rows);
    if (!parts) {
      // rows do not come out as they went in: this network cannot be asked for several requests at once
      this.#mayJoin = false;
      this.#again(entries);
      return;
    }
    const end = performance.now();
    const times = { inputNs: answer.inputNs + (joined - start) * 1e6, inferNs: answer.inferNs, outputNs: answer.outputNs + (end - answered) * 1e6 }; // prettier-ignore
    rungs.measured(rung, total, end - start);
    ran(entries.length, total, times, end - start);
    entries.forEach(({ settle }, i) => {
      settle({ value: { outputs: parts[i]!, rung } });
    });
  }

  /** What failed by one request of several is run once more, each alone, so that only that one fails. */
  #failed(entries: readonly Entry[], error: unknown): void {
    const isOfInput = error instanceof GraftError && (error.code === 'RUN_FAILED' || error.kind === 'input');
    if (entries.length > 1 && isOfInput) this.#again(entries);
    else for (const { settle } of entries) settle({ error });
  }

  #again(entries: readonly Entry[]): void {
    const now = performance.now();
    for (const entry of entries) {
      if (entry.isSettled) continue;
      entry.isAgain = true;
      entry.ticket = this.#queue.putBack(entry.ticket!, { limit: this.#options.limits.queueTime, now });
      this.#rowsWaiting += entry.rows;
    }
  }

  #lookWhetherDrained(): void {
    if (this.#queue.size === 0 && this.#running === 0) this.#whenDrained?.();
  }
}
