// Who runs the batches: the first session, on the calling thread, and others in threads of their own that are opened
// only while the network is what everything waits for. Opening one costs about 100 ms of CPU and the network's memory.

import type { Session } from '../runtime/index.js';

/** Who runs what, and how many may. */
export interface CrewOptions<Turn, Values> {
  readonly session: Session;
  /** Runs one batch; the same whichever session does it. */
  readonly run: (session: Session, turn: Turn) => Promise<Values>;
  readonly openBeside?: (() => Promise<Session>) | undefined;
  /** Sessions beside the first, at most. */
  readonly most: number;
  /** Batches in all, where that is known. */
  readonly turns?: number | undefined;
}

interface Job<Turn, Values> {
  readonly turn: Turn;
  values?: Values;
  failed?: { readonly cause: unknown };
  running: Promise<void>;
}

/** Batches between two decisions; milliseconds of work that must be left to open another session. */
const between = 4;
const worthwhile = 1000;

/** Takes batches as they come and gives what came of them, in the same order. */
export class Crew<Turn, Values> {
  readonly #jobs: Job<Turn, Values>[] = [];
  readonly #beside: { readonly session: Session; busy: number }[] = [];
  #opening: Promise<void> | undefined;
  #taken = 0;
  // since the last decision
  #from = performance.now();
  #waited = 0;
  #since = 0;

  constructor(readonly options: CrewOptions<Turn, Values>) {}

  /** Tells how long the caller waited for pictures. */
  waited(milliseconds: number): void {
    this.#waited += milliseconds;
  }

  /** Hands over a batch: to a session beside, which goes on by itself, or else to the first, which is waited for. */
  async take(turn: Turn): Promise<void> {
    // two each: one is run, and one lies ready while the calling thread is inside a run of its own
    const free = this.#beside.find(({ busy }) => busy < 2);
    if (free) free.busy++;
    const job: Job<Turn, Values> = { turn, running: Promise.resolve() };
    this.#jobs.push(job);
    job.running = this.options
      .run(free?.session ?? this.options.session, turn)
      .then(
        values => void (job.values = values),
        (cause: unknown) => void (job.failed = { cause }),
      )
      .finally(() => {
        if (free) free.busy--;
      });
    if (!free) await job.running;
    this.#taken++;
    this.#since++;
    this.#decide();
  }

  /** What is ready, up to the first batch that is not; a batch that failed throws what it threw. */
  *ready(): Generator<readonly [Turn, Values]> {
    for (let job = this.#jobs[0]; job && (job.failed || job.values !== undefined); job = this.#jobs[0]) {
      this.#jobs.shift();
      if (job.failed) throw job.failed.cause;
      yield [job.turn, job.values!];
    }
  }

  /** Waits until every batch is ready or has failed. */
  async finish(): Promise<void> {
    await Promise.all(this.#jobs.map(({ running }) => running));
  }

  /** Closes the sessions beside; the first is the caller's. */
  async close(): Promise<void> {
    await this.finish();
    await this.#opening;
    for (const { session } of this.#beside) await session.close();
  }

  #decide(): void {
    const { openBeside, most, turns = Infinity } = this.options;
    if (!openBeside || this.#opening || this.#since < between) return;
    const passed = performance.now() - this.#from;
    const left = ((turns - this.#taken) * passed) / this.#since;
    const busy = this.#waited < passed / 5;
    this.#from = performance.now();
    this.#waited = 0;
    this.#since = 0;
    if (!busy || left < worthwhile || this.#beside.length >= most) return;
    this.#opening = openBeside().then(
      session => {
        this.#beside.push({ session, busy: 0 });
        this.#opening = undefined;
      },
      () => undefined, // one session does all, then; nothing is opened again
    );
  }
}
