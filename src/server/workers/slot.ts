// A place that a process has: it is started, asked one thing at a time, ended where it takes too long or too much memory, and
// replaced when it is gone, whatever it died of. Only what it was asked just then is lost.

import { errorOf, GraftError, type ErrorData } from '../../serving.js';
import { errors } from '../errors.js';
import type { Log } from '../served.js';
import { kinds, type Frame, type SentFrame } from './frame.js';
import { startWorker, type Program, type Worker } from './spawn.js';

/** What is asked of a process; ids are the slot's. */
export type Question = Omit<SentFrame, 'id'>;

export interface SlotOptions {
  readonly program: Program;
  readonly log: Log;
  /** Most bytes of the process. */
  readonly memoryLimit: number;
  /** Milliseconds of a clock that only goes on. */
  readonly now: () => number;
  /** What it is told first, by which it becomes ready. */
  opening(ask: (question: Question, at: Ask) => Promise<Frame>): Promise<void>;
  /** It is ready, or ready again. */
  ready(): void;
  /** It has died, of what; whether it is to be replaced. */
  died(reason: string): boolean;
  /** It could not be made ready; its process may still be there. */
  failed(error: unknown): void;
}

export interface Ask {
  /** Milliseconds; then the process is ended. */
  readonly limit: number;
  /** What the question fails with then. */
  readonly late: () => GraftError;
  /** Another frame on the way to the answer. */
  readonly meanwhile?: (frame: Frame) => void;
}

interface Asked extends Ask {
  readonly id: number;
  resolve(frame: Frame): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout;
}

/** Milliseconds before the next start, after so many deaths in a row. */
const pauseAfter = (deaths: number): number => (deaths <= 1 ? 0 : Math.min(30_000, 500 * 2 ** (deaths - 1)));
/** A process that lived so long died of something else. */
const calm = 60_000;

/** One process and those that come after it. */
export class Slot {
  /** `waiting`: for its next start, after deaths in a row. */
  state: 'starting' | 'idle' | 'busy' | 'waiting' | 'down' = 'starting';
  readonly #options: SlotOptions;
  #worker: Worker | undefined;
  #asked: Asked | undefined;
  #ids = 0;
  #deaths = 0;
  #killedFor: string | undefined;
  #isClosing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#worker?.pid;
  }

  get memory(): number {
    return this.#worker?.memory() ?? 0;
  }

  /** Starts the process and makes it ready. */
  async start(): Promise<void> {
    const { program, log, memoryLimit, now, opening, ready, failed } = this.#options;
    this.state = 'starting';
    const born = now();
    this.#killedFor = undefined;
    let worker: Worker;
    try {
      worker = startWorker(program, {
        log,
        heap: memoryLimit / 2,
        frame: frame => this.#told(frame),
        // its exit is told a little later: nobody is given it in between
        gone: () => (this.state = 'down'),
      });
    } catch (error) {
      this.#gone('start', 0);
      if (!this.#timer) failed(error);
      return;
    }
    this.#worker = worker;
    void worker.ended.then(how => this.#ended(worker, how, now() - born));
    try {
      await opening((question, at) => this.#ask(question, at));
      this.state = 'idle';
      ready();
    } catch (error) {
      // one that died on the way is replaced, or not, by #ended
      if (this.#worker === worker && !this.#isClosing) failed(error);
    }
  }

  /** Asks; the slot must be idle. */
  async ask(question: Question, at: Ask): Promise<Frame> {
    this.state = 'busy';
    try {
      return await this.#ask(question, at);
    } finally {
      if (this.state === 'busy') this.state = 'idle';
    }
  }

  /** Ends the process now; what it was asked fails. Nobody is given it in between. */
  kill(reason: string): void {
    if (!this.#worker) return;
    this.#killedFor ??= reason;
    this.state = 'down';
    this.#worker.kill();
  }

  /** Ends it for good: at first by closing its channel. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    this.state = 'down';
    if (!worker) return;
    worker.channel.close();
    const timer = setTimeout(() => worker.kill(), 2000);
    await worker.ended;
    clearTimeout(timer);
  }

  #ask(question: Question, at: Ask): Promise<Frame> {
    const worker = this.#worker;
    return new Promise<Frame>((resolve, reject) => {
      if (!worker) {
        reject(errors.WORKER_LOST({ reason: 'its process is not there' }));
        return;
      }
      const id = this.#ids++ >>> 0;
      const timer = setTimeout(() => {
        this.kill('time limit');
        this.#settle(asked => asked.reject(at.late()));
      }, at.limit);
      this.#asked = { ...at, id, resolve, reject, timer };
      worker.channel.send({ ...question, id });
    });
  }

  #told(frame: Frame): void {
    const asked = this.#asked;
    if (frame.id !== asked?.id) return;
    if (frame.kind === kinds.opened) asked.meanwhile?.(frame);
    else if (frame.kind === kinds.failed)
      this.#settle(one => one.reject(errorOf(JSON.parse(frame.text!) as ErrorData)));
    else this.#settle(one => one.resolve(frame));
  }

  #settle(how: (asked: Asked) => void): void {
    const asked = this.#asked;
    if (!asked) return;
    this.#asked = undefined;
    clearTimeout(asked.timer);
    how(asked);
  }

  #ended(worker: Worker, how: string, lived: number): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const reason = this.#killedFor ?? how;
    worker.channel.close();
    this.state = 'down';
    const lost = () =>
      errors.WORKER_LOST({ reason: `the process of this request ended (${reason}); it is safe to ask again` });
    this.#settle(asked => asked.reject(lost()));
    this.#gone(reason, lived);
  }

  #gone(reason: string, lived: number): void {
    this.#timer = undefined;
    if (this.#isClosing) return;
    this.#deaths = lived > calm ? 1 : this.#deaths + 1;
    if (!this.#options.died(reason)) return;
    const pause = pauseAfter(this.#deaths);
    this.state = pause === 0 ? 'starting' : 'waiting';
    this.#timer = setTimeout(() => void this.start(), pause);
  }
}
