// Opening takes its time: few at once, and none for ever. What is opened after nobody waits for it any more is closed.

import { errors } from '../errors.js';
import type { OpenedModel } from './opened-model.js';

/** Lets so many pieces of work run at once. */
export function bounded(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async work => {
    if (running < most) running++;
    else
      await new Promise<void>(resolve => {
        waiting.push(resolve);
      });
    try {
      return await work();
    } finally {
      // the place goes to the next one as it is
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

/**
 * Opens within a time.
 *
 * @param ending raised when the server ends
 * @throws MODEL_INVALID when the time is over; what opening throws
 */
export async function opening(
  open: (signal: AbortSignal) => Promise<OpenedModel>,
  limit: number,
  ending: AbortSignal,
): Promise<OpenedModel> {
  const over = errors.MODEL_INVALID({ reason: `it was not loaded within ${limit} ms` });
  const control = new AbortController();
  const stop = (): void => {
    control.abort(errors.DRAINING({ reason: 'the server ends' }));
  };
  const timer = setTimeout(() => {
    control.abort(over);
  }, limit);
  if (ending.aborted) stop();
  ending.addEventListener('abort', stop, { once: true });
  const { signal } = control;
  const stopped = new Promise<undefined>(resolve => {
    signal.addEventListener('abort', () => { resolve(undefined); }, { once: true }); // prettier-ignore
  });
  try {
    signal.throwIfAborted();
    const opened = open(signal);
    const first = await Promise.race([opened, stopped]);
    if (first && !signal.aborted) return first;
    // the failure has been told already
    void opened.then(late => late.close(), () => undefined).catch(() => undefined); // prettier-ignore
    throw signal.reason;
  } finally {
    clearTimeout(timer);
    ending.removeEventListener('abort', stop);
  }
}
