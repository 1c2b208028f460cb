// Loads and unloads of one model, one after another. At most one waits: who asks for the same joins it, who asks for
// something else takes its place, so that the state at rest is that of the last call however many came at once.

import { errors } from '../errors.js';

interface Work {
  readonly kind: string;
  readonly promise: Promise<void>;
}
interface Waiting extends Work {
  start(): void;
  refuse(error: unknown): void;
}

/** The lane of one model. */
export class Lane {
  #running: Work | undefined;
  #waiting: Waiting | undefined;

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Does the work when what came before is done.
   *
   * @param kind work of the same kind is done once for all who ask while it has not ended
   * @throws LOAD_CONFLICT where something else was asked for before it began
   */
  run(kind: string, work: () => Promise<void>): Promise<void> {
    const last = this.#waiting ?? this.#running;
    if (last?.kind === kind) return last.promise;
    this.#waiting?.refuse(errors.LOAD_CONFLICT({ reason: 'a later request for the same model took its place' }));
    this.#waiting = undefined;
    if (!this.#running) return this.#begin(kind, work);
    let start = (): void => {};
    let refuse = (_error: unknown): void => {};
    const promise = new Promise<void>((resolve, reject) => {
      refuse = reject;
      start = () => {
        this.#begin(kind, work).then(resolve, reject);
      };
    });
    this.#waiting = { kind, promise, start, refuse };
    return promise;
  }

  #begin(kind: string, work: () => Promise<void>): Promise<void> {
    const promise = work().finally(() => {
      const next = this.#waiting;
      this.#running = this.#waiting = undefined;
      next?.start();
    });
    this.#running = { kind, promise };
    return promise;
  }
}
