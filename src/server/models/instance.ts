// A loaded version as it is handed out. It counts the runs it is in, so that what takes its place can wait for the last of
// them; who found it before and asks after is answered by what took its place, where that takes the same inputs.

import { errors } from '../errors.js';
import type { ModelFacts, ModelStatistics, RunAnswer, RunRequest, ServedModel } from '../served.js';
import type { OpenedModel } from './opened-model.js';
import { addStatistics } from './statistics-sum.js';

/** One opened model, from its opening to its end. */
export class Instance implements ServedModel {
  readonly explain: ServedModel['explain'];
  readonly #opened: OpenedModel;
  #running = 0;
  #isRetired = false;
  #isClosed = false;
  #whenIdle: (() => void) | undefined;
  #successor: Instance | undefined;
  /** What was counted by those that it took the place of. */
  #before: () => ModelStatistics | undefined = () => undefined;

  constructor(
    opened: OpenedModel,
    /** The folder or file it was opened from. */
    readonly path: string,
  ) {
    this.#opened = opened;
    const { explain } = opened;
    if (explain) this.explain = (...at) => this.#held(() => explain.apply(opened, at));
  }

  get facts(): ModelFacts {
    return this.#opened.facts;
  }

  get state(): ServedModel['state'] {
    return this.#isClosed ? { isReady: false, reason: 'unloaded' } : this.#opened.state;
  }

  get statistics(): ModelStatistics {
    return addStatistics(this.#opened.statistics, this.#before());
  }

  get waiting(): number {
    return this.#opened.waiting ?? 0;
  }

  announce(): () => void {
    return this.#opened.announce?.() ?? (() => undefined);
  }

  run(request: RunRequest): Promise<RunAnswer> {
    if (!this.#isClosed) return this.#held(() => this.#opened.run(request));
    const next = this.#successor;
    const takesSame = next && JSON.stringify(next.facts.inputs) === JSON.stringify(this.facts.inputs);
    if (takesSame) return next.run(request);
    return Promise.reject(errors.MODEL_NOT_READY({ reason: `model ${this.facts.name} was unloaded; ask again` }));
  }

  refused(): void {
    (this.#isClosed && this.#successor ? this.#successor : this.#opened).refused();
  }

  /** Ends it when its last run is over. No new one must be handed out any more. */
  async retire(successor?: Instance): Promise<void> {
    this.#isRetired = true;
    this.#successor = successor;
    if (successor) successor.#before = () => this.statistics;
    if (this.#running > 0)
      await new Promise<void>(resolve => {
        this.#whenIdle = resolve;
      });
    await this.end();
    if (!successor) return;
    const last = this.statistics;
    successor.#before = () => last;
  }

  /** Ends it at once. */
  async end(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#opened.close();
  }

  async #held<T>(work: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      if (this.#running === 0 && this.#isRetired) this.#whenIdle?.();
    }
  }
}
