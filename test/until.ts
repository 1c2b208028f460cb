// Waiting for what another process, a timer or the system does. No test sleeps for as long as something should take: a
// machine may be slow or busy, so it waits for the thing itself, and only what never comes fails.

import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds after which something never comes. */
export const patience = 120_000;

/** Waits until something is so. @throws Error, with `what` it said last, where it never is */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: () => string = () => isSo.toString(),
): Promise<void> {
  // prettier-ignore
  for (const end = performance.now() + patience; !(await isSo()); await pause(10))
    if (performance.now() > end) throw new Error(`not within ${patience / 1000} s: ${what()}`);
}
