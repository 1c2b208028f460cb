// Schedules of the learning rate: numbers that are fed with every step, so that no graph knows of them. With t steps
// done of T, and in one cycle the turn u and the end e:
//   cosine     last + (1 − last) · (1 + cos πt/T) / 2
//   one cycle  from `first` up to 1 at u, down to `last` at e, each half a cosine

import { errors } from './errors.js';

/**
 * The share of the peak rate that the next step takes.
 *
 * @param step steps done before it: 0 ≤ step < total
 * @param total steps of the whole run
 */
export type Schedule = (step: number, total: number) => number;

/** The peak rate, always. */
export const constant = (): Schedule => () => 1;

export interface CosineOptions {
  /** Share of the peak that the rate falls towards. @default 0 */
  readonly last?: number;
}

/** From the peak down along half a cosine, as torch.optim.lr_scheduler.CosineAnnealingLR with T_max = total. */
export function cosine({ last = 0 }: CosineOptions = {}): Schedule {
  wantShare('last', last);
  return (step, total) => between(1, last, step / total);
}

export interface OneCycleOptions {
  /** Share of the run in which the rate rises. @default 0.25 */
  readonly rising?: number;
  /** Share of the peak at the first step. @default 1/25 */
  readonly first?: number;
  /** Share of the peak at the last step. @default 1e-5 */
  readonly last?: number;
}

/**
 * Up from `first` to the peak, then down to `last`, each along half a cosine. The turns lie where
 * torch.optim.lr_scheduler.OneCycleLR has them, `step = rising · total − 1` and `total − 1`; the defaults are fastai's
 * (`pct_start`, `div`, `div_final`). PyTorch's are `{ rising: 0.3, last: 1 / 25e4 }`. A run too short to rise begins at
 * the peak.
 */
export function oneCycle({ rising = 0.25, first = 1 / 25, last = 1e-5 }: OneCycleOptions = {}): Schedule {
  wantShare('rising', rising);
  wantShare('first', first);
  wantShare('last', last);
  return (step, total) => {
    const turn = Math.max(0, rising * total - 1);
    const end = total - 1;
    if (step <= turn) return turn === 0 ? 1 : between(first, 1, step / turn);
    return between(1, last, (step - turn) / (end - turn));
  };
}

/**
 * Puts a rise before a schedule: `steps` steps in a straight line up to where it begins, then the schedule over the
 * steps that are left. The first step takes 1 / (steps + 1) of the beginning.
 *
 * @example
 * const schedule = warmUp(cosine(), 100);
 */
export function warmUp(schedule: Schedule, steps: number): Schedule {
  if (!Number.isSafeInteger(steps) || steps < 0)
    throw errors.OPTION({ option: 'steps', found: steps, wanted: 'a whole number from 0' });
  return (step, total) => {
    const rest = Math.max(1, total - steps);
    return step < steps ? (schedule(0, rest) * (step + 1)) / (steps + 1) : schedule(step - steps, rest);
  };
}

/** Along half a cosine from one value to another, `share` of the way. */
export function between(from: number, to: number, share: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
}

export /** Refuses what is no share. */
function wantShare(option: string, found: number): void {
  if (!(found >= 0 && found <= 1)) throw errors.OPTION({ option, found, wanted: '0 to 1' });
}
