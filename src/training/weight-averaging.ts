// Stochastic weight averaging (SWA, Izmailov et al. 2018): from some epoch on the rate stays high, and the weights at the
// ends of epochs are averaged, each with the same weight. With steps s done since then, of a epochs of annealing and
// cycles of c steps:
//   constant   from the rate before to `share` along half a cosine in a epochs (torch's SWALR), then `share`
//   cyclic     share · ((1 − x) + x · last),   x = (mod(s, c) + 1) / c; averaged is the end of each cycle

import { errors } from './errors.js';
import { between, wantShare, type Schedule } from './schedules.js';

export interface AveragingPhaseOptions {
  /** Share of the run after which it begins, above 0 and below 1. */
  readonly from: number;
  readonly epochs: number;
  /** Epochs of a cycle of the rate; 0: it is constant. @default 0 */
  readonly cycle?: number;
}

/** When weights are averaged. */
export interface AveragingPhase {
  /** Epochs done before it. */
  readonly start: number;
  /** The epochs after which weights go into the average. */
  readonly averaged: readonly number[];
}

/**
 * The epochs of SWA: after each from its beginning on, or at the ends of cycles, the last with the run.
 *
 * @throws `TRAINING_OPTION`, also where fewer than two epochs would be averaged
 * @example
 * averagingPhase({ from: 0.75, epochs: 10 }); // { start: 7, averaged: [8, 9, 10] }
 */
export function averagingPhase({ from, epochs, cycle = 0 }: AveragingPhaseOptions): AveragingPhase {
  if (!(from > 0 && from < 1)) throw errors.OPTION({ option: 'swa', found: from, wanted: 'above 0 and below 1' });
  if (!Number.isSafeInteger(cycle) || cycle < 0)
    throw errors.OPTION({ option: 'swaCycle', found: cycle, wanted: 'a whole number from 0' });
  const apart = Math.max(1, cycle);
  const points = Math.floor((epochs - Math.floor(from * epochs + 1e-9)) / apart);
  if (points < 2)
    throw errors.OPTION({
      option: 'swa',
      found: from,
      wanted: `so early that two of the ${epochs} epochs ${cycle > 1 ? 'end a cycle after it' : 'come after it'}`,
    });
  const start = epochs - points * apart;
  return { start, averaged: Array.from({ length: points }, (_, i) => start + (i + 1) * apart) };
}

export interface AveragingScheduleOptions {
  /** Epochs done before it. */
  readonly start: number;
  readonly epochs: number;
  /** The rate, or that at the beginning of a cycle, as a share of the peak. @default 0.5 */
  readonly share?: number;
  /** Epochs in which a constant rate is come to. @default 1 */
  readonly anneal?: number;
  /** Epochs of a cycle; 0: the rate is constant. @default 0 */
  readonly cycle?: number;
  /** The rate at the end of a cycle, as a share of that at its beginning. @default 0.01 */
  readonly last?: number;
}

/**
 * A schedule that is another one up to an epoch, and from then on that of SWA.
 *
 * @example
 * const schedule = averagingSchedule(oneCycle(), { start: 7, epochs: 10 });
 */
export function averagingSchedule(
  before: Schedule,
  { start, epochs, share = 0.5, anneal = 1, cycle = 0, last = 0.01 }: AveragingScheduleOptions,
): Schedule {
  wantShare('swaRate', share);
  wantShare('last', last);
  return (step, total) => {
    const perEpoch = total / epochs;
    const from = start * perEpoch;
    if (step < from) return before(step, total);
    const done = step - from;
    if (cycle === 0)
      return between(before(from, total), share, anneal === 0 ? 1 : Math.min(1, done / (anneal * perEpoch)));
    const length = cycle * perEpoch;
    const x = ((done % length) + 1) / length;
    return share * (1 - x + x * last);
  };
}
