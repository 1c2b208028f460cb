// The learning rate in cycles, each from the peak down along half a cosine and then up at once (SGDR, Loshchilov and
// Hutter 2017). Of T steps in M equal cycles (snapshot ensembles, Huang et al. 2017), for step t from 1 on:
//   α(t) = α₀ / 2 · (cos(π · mod(t − 1, ⌈T / M⌉) / ⌈T / M⌉) + 1)
// With a multiplier m each cycle is m times as long as the one before it. Cycles end where epochs end, and differ by
// rounding only: where M does not divide T, the last is not the short rest that the formula leaves.

import { errors } from './errors.js';
import { cosine, warmUp, type Schedule } from './schedules.js';

export interface CycleOptions {
  /** How many, from 1 to the number of epochs. */
  readonly cycles: number;
  /** Length of each cycle as a multiple of that of the one before it, above 0. @default 1 */
  readonly multiplier?: number;
}

/**
 * The epochs after which cycles end, ascending; the last is the last of the run.
 *
 * @param epochs of the run
 * @example
 * cycleEnds(7, { cycles: 3, multiplier: 2 }); // [1, 3, 7]
 */
export function cycleEnds(epochs: number, { cycles, multiplier = 1 }: CycleOptions): number[] {
  if (!(Number.isSafeInteger(cycles) && cycles >= 1 && cycles <= epochs))
    throw errors.OPTION({ option: 'cycles', found: cycles, wanted: `a whole number from 1 to the ${epochs} epochs` });
  if (!(multiplier > 0 && Number.isFinite(multiplier)))
    throw errors.OPTION({ option: 'multiplier', found: multiplier, wanted: 'a number above 0' });
  // Sums and no closed form of the geometric series, which divides by m − 1. As shares of the longest, nothing overflows.
  const lengths = Array.from({ length: cycles }, (_, i) => multiplier ** (multiplier > 1 ? i + 1 - cycles : i));
  const all = lengths.reduce((a, b) => a + b);
  let sum = 0;
  let before = 0;
  return lengths.map((length, i) => {
    sum += length;
    const end = Math.ceil((epochs * sum) / all - 1e-9);
    before = Math.min(Math.max(end, before + 1), epochs - (cycles - 1 - i));
    return before;
  });
}

export interface CosineRestartsOptions extends CycleOptions {
  /** Epochs of the run, where the cycles end. @default cycles end at any step */
  readonly epochs?: number;
  /** Share of the peak that the rate falls towards in each cycle. @default 0 */
  readonly last?: number;
  /** Steps in which the rate rises at the beginning of the first cycle. @default 0 */
  readonly rising?: number;
}

/**
 * From the peak down along half a cosine, again in every cycle: torch's CosineAnnealingWarmRestarts a step at a time, with
 * the number of cycles in the place of the length of the first.
 *
 * @throws `TRAINING_OPTION`; that there are more cycles than steps, where `epochs` is not given, when it is first asked
 * @example
 * const schedule = cosineRestarts({ cycles: 5, epochs: 40 });
 */
export function cosineRestarts({ epochs, last = 0, rising = 0, ...cycles }: CosineRestartsOptions): Schedule {
  const fall = cosine({ last });
  const first = warmUp(fall, rising);
  const endsOf = (units: number) => cycleEnds(units, cycles);
  let known = epochs === undefined ? undefined : { units: epochs, ends: endsOf(epochs) };
  return (step, total) => {
    if (epochs === undefined && known?.units !== total) known = { units: total, ends: endsOf(total) };
    const { units, ends } = known!;
    const cycle = Math.max(
      0,
      ends.findIndex(end => step * units < end * total),
    );
    const from = cycle === 0 ? 0 : (ends[cycle - 1]! * total) / units;
    const length = (ends[cycle]! * total) / units - from;
    return (cycle === 0 ? first : fall)(step - from, length);
  };
}
