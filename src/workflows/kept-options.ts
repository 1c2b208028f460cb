// What a run by epochs keeps for an ensemble beside its best epoch: the ends of cycles of the rate (snapshots), an average
// of the weights at the ends of late epochs (SWA), the last epochs. Whole runs are walked for the first two: a run that
// ended early would have neither its last cycle nor its average.

import { averagingPhase, averagingSchedule, cosineRestarts, cycleEnds, type Schedule } from '../training/index.js';
import type { CheckpointsOptions } from '../training/node.js';
import { errors } from './errors.js';

/** What a run by epochs keeps; any of it makes a linear head train by epochs. */
export interface KeptOptions {
  /**
   * Cycles of the rate, each from its peak down along half a cosine; the weights at the end of each are members of an
   * ensemble, `run@snapshots`. All epochs are run.
   * @default none
   */
  readonly snapshots?: number;
  /** Length of each cycle as a multiple of that of the one before it, above 0. @default 1 */
  readonly cycleMultiplier?: number;
  /**
   * Share of the epochs after which the rate stays high and the weights at the ends of epochs are averaged with equal
   * weight, `run@swa`; above 0 and below 1. All epochs are run.
   * @default none
   */
  readonly swa?: number;
  /** The rate of that phase, or that at the beginning of its cycles, as a share of the peak. @default 0.5 */
  readonly swaRate?: number;
  /** Epochs of a cycle in which that rate falls to a hundredth, with one point of the average each; 0: it is constant. @default 0 */
  readonly swaCycle?: number;
  /** Checkpoints of so many of the last epochs stay, `run@checkpoints`; at least 2. @default 2 */
  readonly keep?: number;
}

/** Every option with its value; 0 snapshots, or swa 0: none. */
export type ResolvedKept = Required<KeptOptions>;

/** Whether options ask for what only runs by epochs have. */
export const wantsEpochs = ({ snapshots, swa, keep }: KeptOptions): boolean =>
  snapshots !== undefined || swa !== undefined || keep !== undefined;

/**
 * Fills in the defaults.
 *
 * @throws GRAFT_HEAD where they do not go together
 */
export function resolveKept(
  options: KeptOptions & { readonly schedule?: string; readonly patience?: number },
): ResolvedKept {
  const { snapshots = 0, cycleMultiplier = 1, swa = 0, swaRate = 0.5, swaCycle = 0, keep = 2 } = options;
  const refuse = (found: string, wanted: string): never => {
    throw errors.HEAD({ found, wanted });
  };
  const isCyclic = options.snapshots !== undefined;
  const isAveraged = options.swa !== undefined;
  if (isCyclic && snapshots === 0) refuse('snapshots 0', 'a whole number from 1');
  if (isAveraged && swa === 0) refuse('swa 0', 'a share above 0 and below 1');
  if (isCyclic && isAveraged)
    refuse('snapshots and swa in one run', 'one of them: the average of snapshots is a soup of run@snapshots');
  if (isCyclic && options.schedule !== undefined && options.schedule !== 'cosine')
    refuse(`schedule ${options.schedule} with snapshots`, 'none: each cycle is half a cosine');
  if ((isCyclic || isAveraged) && (options.patience ?? 0) > 0)
    refuse(`patience with ${isCyclic ? 'snapshots' : 'swa'}`, 'none: all epochs are run');
  if (!isCyclic && options.cycleMultiplier !== undefined) refuse('a multiplier of cycles', 'snapshots beside it');
  if (!isAveraged && (options.swaRate ?? options.swaCycle) !== undefined)
    refuse('a rate or cycle of swa', 'swa beside it');
  if (!Number.isSafeInteger(keep) || keep < 2) refuse(`keep ${keep}`, 'a whole number from 2');
  return { snapshots, cycleMultiplier, swa, swaRate, swaCycle, keep };
}

/** What a run's options come to, in epochs. */
export interface KeptEpochs {
  /** Ends of cycles. */
  readonly snapshots: readonly number[];
  /** After which the weights are averaged. */
  readonly averaged: readonly number[];
  /** Which checkpoints stay. */
  readonly files: Pick<CheckpointsOptions, 'last' | 'keptFor'>;
}

/**
 * The epochs that a run keeps.
 *
 * @param points whether the points of an average stay too, each by itself
 * @throws TRAINING_OPTION where they do not fit into the epochs
 */
export function keptEpochs(
  { snapshots, cycleMultiplier, swa, swaCycle, keep, epochs }: ResolvedKept & { readonly epochs: number },
  points: boolean,
): KeptEpochs {
  const isCyclic = snapshots !== 0;
  const ends = isCyclic ? cycleEnds(epochs, { cycles: snapshots, multiplier: cycleMultiplier }) : [];
  const averaged = swa === 0 ? [] : averagingPhase({ from: swa, epochs, cycle: swaCycle }).averaged;
  const keptFor = (epoch: number) => {
    if (ends.includes(epoch)) return 'snapshot';
    return points && averaged.includes(epoch) ? 'swa' : undefined;
  };
  return { snapshots: ends, averaged, files: { last: keep, keptFor } };
}

/**
 * The schedule of a run.
 *
 * @param usual without cycles and averages
 * @param rising steps in which the rate of the first cycle rises
 * @throws TRAINING_OPTION where cycles or averages do not fit into the epochs
 */
export function keptSchedule(
  usual: Schedule,
  { snapshots, cycleMultiplier, swa, swaRate, swaCycle }: ResolvedKept,
  { epochs, rising }: { readonly epochs: number; readonly rising: number },
): Schedule {
  if (snapshots !== 0) return cosineRestarts({ cycles: snapshots, multiplier: cycleMultiplier, epochs, rising });
  if (swa === 0) return usual;
  const { start } = averagingPhase({ from: swa, epochs, cycle: swaCycle });
  return averagingSchedule(usual, { start, epochs, share: swaRate, cycle: swaCycle });
}
