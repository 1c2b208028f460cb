// Asks several at once and waits: for all of them, or until one fails where that is not to be borne, or until the time is
// over and one at least has answered. Who is not waited for any more is told so by its signal.

/** What came back. */
export interface Gathered<T> {
  /** In the order of those asked; nothing where there is no answer. */
  readonly answers: readonly (T | undefined)[];
  readonly failures: ReadonlyMap<number, unknown>;
  /** Those that had not answered when the time was over. */
  readonly late: readonly number[];
}

export interface GatherOptions {
  /** Milliseconds from now. @default none */
  readonly deadline?: number | undefined;
  /** Whether the first failure ends it. */
  readonly failsAtOnce: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** @throws the reason of `signal` */
export function gather<T>(
  asked: readonly ((signal: AbortSignal) => Promise<T>)[],
  { deadline, failsAtOnce, signal }: GatherOptions,
): Promise<Gathered<T>> {
  return new Promise((resolve, reject) => {
    const own = new AbortController();
    const answers: (T | undefined)[] = asked.map(() => undefined);
    const open = new Set(asked.keys());
    const failures = new Map<number, unknown>();
    let isOver = false;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', gone);
      settle();
      own.abort(new Error('no longer waited for'));
    };
    const gone = (): void => {
      end(() => {
        reject(signal?.reason);
      });
    };
    const look = (): void => {
      const hasAnswer = answers.some(one => one !== undefined);
      const isDone = open.size === 0 || (isOver && hasAnswer) || (failsAtOnce && failures.size > 0);
      if (isDone) end(() => { resolve({ answers: [...answers], failures: new Map(failures), late: isOver ? [...open] : [] }); }); // prettier-ignore
    };
    const timer = deadline === undefined ? undefined : setTimeout(() => { isOver = true; look(); }, deadline); // prettier-ignore
    if (signal?.aborted) {
      gone();
      return;
    }
    signal?.addEventListener('abort', gone, { once: true });
    asked.forEach((ask, i) => {
      ask(own.signal)
        .then(
          answer => {
            answers[i] = answer;
          },
          (error: unknown) => {
            failures.set(i, error);
          },
        ) // prettier-ignore
        .finally(() => {
          open.delete(i);
          if (!own.signal.aborted) look();
        });
    });
  });
}
