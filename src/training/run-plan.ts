// What every run settles before its first step: what may be asked for, the plan of its epochs, and what it must be
// resumed with.

import { Random } from '../base/index.js';
import type { Checkpoint } from './checkpoint.js';
import { stepsPerEpoch, type Plan } from './epoch-plan.js';
import { errors } from './errors.js';
import { polyak } from './polyak.js';
import type { Schedule } from './schedules.js';
import type { StateLayout } from './state-layout.js';
import type { Averaging } from './walk-epochs.js';

/** What runs over heads and over networks have in common, every option with its value. */
export interface RunFacts {
  readonly artifacts: StateLayout;
  readonly train: { readonly count: number };
  readonly validation?: { readonly count: number };
  readonly epochs: number;
  readonly batch: number;
  /** Learning rate at the peak of the schedule. */
  readonly rate: number;
  readonly schedule: Schedule;
  readonly halfLife: number;
  readonly seed: number;
  /** Epochs after which weights go into an average of equal parts. */
  readonly averageAfter?: readonly number[];
}

/** Refuses options that are no counts from 1 on. */
export function checkCounts(options: Readonly<Record<string, number>>): void {
  for (const [option, found] of Object.entries(options))
    if (!Number.isSafeInteger(found) || found < 1)
      throw errors.OPTION({ option, found, wanted: 'a whole number from 1' });
}

/** Refuses a learning rate that is no number above 0. */
export function checkRate(rate: number): void {
  if (!(rate > 0 && Number.isFinite(rate)))
    throw errors.OPTION({ option: 'rate', found: rate, wanted: 'a number above 0' });
}

/** The plan of a run's epochs. */
export function planOf({ train, batch, artifacts, seed, rate, schedule, halfLife, epochs }: RunFacts): Plan {
  // An average with a longer memory than the run is mostly of its beginning.
  if (halfLife > epochs)
    throw errors.OPTION({ option: 'halfLife', found: halfLife, wanted: `at most the ${epochs} epochs of the run` });
  const { count } = train;
  const perEpoch = stepsPerEpoch({ count, batch });
  const total = perEpoch * epochs;
  return {
    count,
    batch,
    classes: artifacts.classes,
    dropouts: artifacts.dropouts,
    random: new Random(seed),
    rateAt: step => rate * schedule(step - 1, total),
    averagingAt: polyak(halfLife, perEpoch),
  };
}

/** The averaging of a run's weights, where it was asked for. */
export function averagingOf({
  averageAfter = [],
  epochs,
  settle,
}: Pick<RunFacts, 'averageAfter' | 'epochs'> & Pick<Averaging, 'settle'>): Averaging | undefined {
  for (const found of averageAfter)
    if (!Number.isSafeInteger(found) || found < 1 || found > epochs)
      throw errors.OPTION({ option: 'averageAfter', found, wanted: `a whole number from 1 to ${epochs}` });
  if (averageAfter.length === 0) return undefined;
  return { epochs: averageAfter, ...(settle ? { settle } : {}) };
}

/** What the steps of a run depend on beside its graphs; functions are told by some of their values. */
export function identityOf(
  { train, validation, epochs, batch, halfLife, seed, averageAfter = [] }: RunFacts,
  plan: Plan,
): Map<string, string> {
  const total = stepsPerEpoch(plan) * epochs;
  const rates = Array.from({ length: 17 }, (_, i) => plan.rateAt(1 + Math.round((i * (total - 1)) / 16)));
  const facts = { pictures: train.count, validation: validation?.count ?? 0, epochs, batch, rates, halfLife, seed };
  const averaged = averageAfter.length > 0 ? { averageAfter } : {};
  return new Map(Object.entries({ ...facts, ...averaged }).map(([name, value]) => [name, String(value)]));
}

/** Refuses a checkpoint of another run. */
export function checkIdentity(wanted: ReadonlyMap<string, string>, { run }: Checkpoint): void {
  for (const [field, value] of wanted)
    if (run.get(field) !== value) throw errors.OTHER_RUN({ field, found: run.get(field) ?? 'not told', wanted: value });
}
