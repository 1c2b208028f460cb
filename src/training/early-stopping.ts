// Early stopping, as a function from run to run. What it decides by stands in the events themselves, so that a resumed
// run stops where an unbroken one does.

import { errors } from './errors.js';
import { abandon, type StopReason, type TrainingEvent, type TrainingRun } from './events.js';

/**
 * Stops a run when validation was no better for so many epochs. Whatever stops a run, it gives the best weights it had.
 *
 * @param patience epochs without a better one before the run ends, from 1 on
 * @param run a run with validation pictures; without, it is walked to its end
 * @example
 * for await (const event of untilFlat(10, trainingRun(options))) console.error(event.kind);
 */
export async function* untilFlat(patience: number, run: TrainingRun): TrainingRun {
  if (!Number.isSafeInteger(patience) || patience < 1)
    throw errors.OPTION({ option: 'patience', found: patience, wanted: 'a whole number from 1' });
  let ended = false;
  try {
    let answer: StopReason | undefined;
    for (;;) {
      const { done, value } = await run.next(answer);
      if (done) {
        ended = true;
        return value;
      }
      const asked = yield value;
      answer = asked ?? (isFlat(value, patience) ? 'flat' : undefined);
    }
  } finally {
    if (!ended) await abandon(run);
  }
}

function isFlat(event: TrainingEvent, patience: number): boolean {
  const isTold = event.kind === 'epoch' || event.kind === 'resumed';
  return isTold && hasEnded(event, patience);
}

/** Whether so many epochs have passed since the best one; never with a patience of 0. */
export const hasEnded = (
  { epoch, best }: { readonly epoch: number; readonly best?: { readonly epoch: number } | undefined },
  patience: number,
): boolean => patience > 0 && best !== undefined && epoch - best.epoch >= patience;
