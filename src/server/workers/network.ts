// A model version in its processes. It queues nothing: who asks while none is idle made a mistake.

import { GraftError } from '../../serving.js';
import { errors } from '../errors.js';
import type { Heat, Log, Telemetry } from '../served.js';
import type { SentTensor, WireTensor } from '../tensors.js';
import type { NetworkFacts, OpenTask } from './description.js';
import { kinds, type Frame } from './frame.js';
import { Slot, type Ask, type Question } from './slot.js';

export interface NetworkOptions {
  /** A bundle's or run's folder, a folder with `model.onnx`, or a network's file. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** @default 1 */
  readonly instances?: number;
  /** Threads inside one operator. @default 1 */
  readonly threads?: number;
  /** Whether cheaper ways are opened too. @default false */
  readonly rungs?: boolean;
  /** Most bytes of a process. */
  readonly memoryLimit: number;
  /** Milliseconds. */
  readonly loadTime: number;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, 'workerRestarted'>;
  /** Milliseconds of a clock that only goes on. @default performance.now */
  readonly now?: () => number;
}

export interface NetworkAnswer {
  readonly outputs: Map<string, WireTensor>;
  readonly inputNs: number;
  readonly inferNs: number;
  readonly outputNs: number;
}

/** A loaded network. */
export interface Network {
  readonly facts: NetworkFacts;
  /** Processes that are free now. */
  readonly idle: number;
  readonly isReady: boolean;
  /** Why it does not answer. */
  readonly reason: string;
  /** Bytes of its processes. */
  readonly memory: number;
  /** Its processes. */
  readonly pids: readonly number[];
  /**
   * Takes a process that is free: who asks while `idle` is 0 made a mistake. Inputs must stay as they are until the answer.
   *
   * @param outputs all where nothing is said
   * @throws RUN_TIMEOUT, RUN_FAILED, WORKER_LOST; MODEL_NOT_READY where no process is free
   */
  run(
    inputs: ReadonlyMap<string, SentTensor>,
    outputs: readonly string[] | undefined,
    at: { readonly rung?: number; readonly timeLimit: number },
  ): Promise<NetworkAnswer>;
  explain(pixels: Uint8Array, label: number): Promise<Heat>;
  /** Told each time a process becomes free, or the network becomes ready or down. */
  onFree(listener: () => void): void;
  close(): Promise<void>;
}

/** A first run that takes longer is no warm-up. */
const trialLimit = 5000;
/** So many deaths within so many milliseconds take the network down. */
const [mostDeaths, window] = [5, 60_000];
/** Most milliseconds of a heat map. */
const explainLimit = 30_000;
const monotonic = (): number => performance.now();
/** How often memory is looked at. */
const memoryInterval = 500;

/**
 * Opens a network in its processes, runs it once, and tries whether rows may be joined. A process that dies is replaced, the
 * first at once, those after it after 1 s, 2 s, … 30 s; five deaths within a minute take the network down.
 *
 * @throws the codes of the files, MODEL_INVALID where it is not opened in time or its process dies over it
 * @example
 * const network = await openNetwork({ path: 'run/bundle', name: 'cats', version: '1', memoryLimit, loadTime, log, telemetry });
 * const { outputs } = await network.run(inputs, ['probabilities'], { timeLimit: 30_000 });
 */
export async function openNetwork(options: NetworkOptions): Promise<Network> {
  const network = new Processes(options);
  try {
    await network.open();
    return network;
  } catch (error) {
    await network.close();
    throw error;
  }
}

class Processes implements Network {
  facts!: NetworkFacts;
  readonly #options: NetworkOptions;
  readonly #slots: Slot[] = [];
  readonly #deaths: number[] = [];
  readonly #listeners: (() => void)[] = [];
  readonly #watch: NodeJS.Timeout;
  #running = 0;
  #whenStill: (() => void) | undefined;
  /** Why it answers no more. */
  #over: string | undefined;
  /** What the last process died of. */
  #lastDeath = '';
  #isOpen = false;
  /** Whether it is run before it is used: not where that takes too long, or ends the process. */
  #isTried = true;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.#watch = setInterval(() => this.#checkMemory(), memoryInterval);
    this.#watch.unref();
  }

  get idle(): number {
    return this.isReady ? this.#slots.filter(({ state }) => state === 'idle').length : 0;
  }

  /** A process that ended is replaced at once as a rule, and its queue waits so long; only what waits by itself is not ready. */
  get isReady(): boolean {
    return this.#isOpen && this.#over === undefined && this.#slots.some(({ state }) => state !== 'waiting');
  }

  get reason(): string {
    if (!this.#isOpen) return 'loading';
    if (this.#over !== undefined) return this.#over;
    return this.isReady ? '' : `its process ended (${this.#lastDeath}) and is started again in a while`;
  }

  get pids(): readonly number[] {
    return this.#slots.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  get memory(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.memory, 0);
  }

  async open(): Promise<void> {
    const { instances = 1 } = this.#options;
    await this.#add();
    await Promise.all(Array.from({ length: instances - 1 }, () => this.#add()));
    this.#isOpen = true;
  }

  async run(
    inputs: ReadonlyMap<string, SentTensor>,
    outputs: readonly string[] | undefined,
    { rung = 0, timeLimit }: { readonly rung?: number; readonly timeLimit: number },
  ): Promise<NetworkAnswer> {
    const { numbers, tensors } = await this.#asked(
      { kind: kinds.run, rung, tensors: inputs, ...(outputs ? { text: outputs.join('\0') } : {}) },
      timeLimit,
    );
    const [inputNs, inferNs, outputNs] = numbers as [number, number, number];
    return { outputs: tensors as Map<string, WireTensor>, inputNs, inferNs, outputNs };
  }

  async explain(pixels: Uint8Array, label: number): Promise<Heat> {
    const held: WireTensor = { datatype: 'UINT8', shape: [pixels.length], data: pixels };
    const { numbers, tensors } = await this.#asked(
      { kind: kinds.explain, numbers: [label], tensors: new Map([['pixels', held]]) },
      explainLimit,
    );
    const [rowStart, rowStep, columnStart, columnStep] = numbers as [number, number, number, number];
    const { shape, data } = tensors!.get('heat')!;
    return {
      height: shape[0]!,
      width: shape[1]!,
      values: new Float32Array(data.slice().buffer),
      rows: { start: rowStart, step: rowStep },
      columns: { start: columnStart, step: columnStep },
    };
  }

  onFree(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#over ??= 'unloaded';
    if (this.#running > 0) await new Promise<void>(resolve => (this.#whenStill = resolve));
    clearInterval(this.#watch);
    await Promise.all(this.#slots.map(slot => slot.close()));
  }

  async #asked(question: Question, limit: number) {
    const slot = this.isReady ? this.#slots.find(({ state }) => state === 'idle') : undefined;
    if (!slot) throw errors.MODEL_NOT_READY({ reason: this.reason || 'none of its processes is free' });
    this.#running++;
    try {
      const late = () => errors.RUN_TIMEOUT({ reason: `the run took longer than ${limit} ms and was stopped` });
      return await slot.ask(question, { limit, late });
    } finally {
      this.#running--;
      if (this.#running === 0) this.#whenStill?.();
      // one that was busy when the network went down
      if (this.#over !== undefined) void slot.close();
      queueMicrotask(() => this.#tell());
    }
  }

  /** A process more, ready. */
  #add(): Promise<void> {
    const { log, memoryLimit, now = monotonic } = this.#options;
    return new Promise<void>((resolve, reject) => {
      let isFirst = true;
      let isInTrial = false;
      const slot: Slot = new Slot({
        program: 'network-child',
        log,
        memoryLimit,
        now,
        opening: async ask => {
          let timer: NodeJS.Timeout | undefined;
          const tried = (): void => {
            isInTrial = this.#isTried;
            if (isInTrial) timer = setTimeout(() => slot.kill('a first run takes too long'), trialLimit);
          };
          try {
            await this.#opening(ask, tried);
            isInTrial = false;
          } finally {
            clearTimeout(timer);
          }
        },
        ready: () => {
          isFirst = false;
          resolve();
          this.#tell();
        },
        died: reason => {
          if (isInTrial) {
            // what was made up is no good input, or it takes its time: it is opened anew and believed
            isInTrial = this.#isTried = false;
            log.warn(
              { model: this.#options.name, version: this.#options.version, reason },
              'its trial run was cut off',
            );
            return this.#over === undefined;
          }
          if (!isFirst) return this.#died(reason);
          reject(errors.MODEL_INVALID({ reason: `its process ended while it was loaded (${reason})` }));
          return false;
        },
        failed: error => {
          if (isFirst) reject(error);
          else this.#down(error instanceof GraftError ? error.message : String(error));
        },
      });
      this.#slots.push(slot);
      void slot.start();
    });
  }

  /** Tells a process what it opens; `tried` is called when it is open and run for the first time. */
  async #opening(ask: (question: Question, at: Ask) => Promise<Frame>, tried: () => void): Promise<void> {
    const { path, threads = 1, rungs = false, loadTime } = this.#options;
    const known = this.facts as NetworkFacts | undefined;
    const trial = !this.#isTried ? 'none' : known ? 'run' : 'rows';
    const task: OpenTask = { path, threads, rungs, trial, ...(known ? { sha256: known.sha256 } : {}) };
    const late = () => errors.MODEL_INVALID({ reason: `it was not loaded within ${loadTime} ms` });
    const { text } = await ask(
      { kind: kinds.open, text: JSON.stringify(task) },
      { limit: loadTime, late, meanwhile: tried },
    );
    if (!known) this.facts = JSON.parse(text!) as NetworkFacts;
  }

  /** Counts a death; whether there is to be another life. */
  #died(reason: string): boolean {
    const { log, name, version, telemetry } = this.#options;
    const now = (this.#options.now ?? monotonic)();
    this.#lastDeath = reason;
    this.#deaths.push(now);
    while (this.#deaths[0]! < now - window) this.#deaths.shift();
    queueMicrotask(() => this.#tell());
    log.warn({ model: name, version, reason }, 'a process of this model ended');
    if (this.#over !== undefined) return false;
    if (this.#deaths.length < mostDeaths) {
      telemetry.workerRestarted(reason);
      return true;
    }
    this.#down(`its processes died ${mostDeaths} times within a minute, last of: ${reason}`);
    return false;
  }

  #down(reason: string): void {
    const { log, name, version } = this.#options;
    if (this.#over !== undefined) return;
    this.#over = reason;
    log.error({ model: name, version, reason }, 'this model answers no more until it is loaded again');
    // what runs elsewhere is answered first
    for (const slot of this.#slots) if (slot.state !== 'busy') void slot.close();
    this.#tell();
  }

  #checkMemory(): void {
    const { memoryLimit } = this.#options;
    for (const slot of this.#slots) if (slot.memory > memoryLimit) slot.kill('memory limit');
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
