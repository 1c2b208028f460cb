// How a trunk is fine-tuned, with every default in one place.

import type { Optimizer } from '../artifacts/index.js';
import type { Schedule } from '../training/index.js';
import { errors } from './errors.js';
import { resolveTraining, type HeadOptions, type ScheduleName } from './head-options.js';
import type { ResolvedKept } from './kept-options.js';

/** How later blocks, or everything, train; with {@link HeadOptions}, whose epochs, batch, rate and optimizer are then those of the trunk. */
export interface TuneOptions {
  /**
   * What trains beside the head: what lies behind a cut (`block3`, a value's name), `last:2` blocks, `all`, or names of
   * weights. The head is fitted first, on the features as they were.
   */
  readonly unfreeze?: string | readonly string[];
  /** Rate of the block before the head, as a share of the head's. @default 0.3 */
  readonly trunkRate?: number;
  /** Rate of each block, as a share of that of the block behind it. @default 0.7 */
  readonly depthDecay?: number;
  /** Largest global L2 norm of the gradients of a step. @default none */
  readonly clip?: number;
  /** `train` updates stored statistics of BatchNormalization with the pictures that train; `frozen` keeps them. @default 'frozen' */
  readonly batchNorm?: 'frozen' | 'train';
  /**
   * Puts a BatchNormalization that changes nothing behind each Conv of the trunk, where an exporter folded them away.
   * @default false
   */
  readonly insertBatchNorm?: boolean;
  /** Batches whose gradients are averaged before a step: as if a batch were so many times as large. @default 1 */
  readonly accumulate?: number;
  /** Bytes that rows of pictures may take in memory, in megabytes; beyond, they lie on disk. @default 1024 */
  readonly memory?: number;
}

/** Every option with its value. */
export interface ResolvedTune extends ResolvedKept {
  readonly optimizerName: 'adamw' | 'adam' | 'sgd';
  readonly optimizer: Optimizer;
  readonly epochs: number;
  readonly batch: number;
  readonly rate: number;
  readonly scheduleName: ScheduleName;
  readonly schedule: Schedule;
  readonly warmUp: number;
  readonly weightDecay: number;
  readonly halfLife: number;
  readonly patience: number;
  readonly labelSmoothing: number;
  readonly classWeights: 'none' | 'balanced';
  readonly trunkRate: number;
  readonly depthDecay: number;
  readonly clip: number | undefined;
  readonly batchNorm: 'frozen' | 'train';
  readonly insertBatchNorm: boolean;
  readonly accumulate: number;
  readonly memory: number;
  readonly seed: number;
}

/**
 * Fills in the defaults.
 *
 * @throws GRAFT_TUNE where an option is out of range
 */
export function resolveTune(options: HeadOptions & TuneOptions): ResolvedTune {
  if (options.optimizer === 'lbfgs')
    throw errors.TUNE({ option: 'optimizer', found: 'lbfgs', wanted: 'adamw, adam or sgd' });
  const optimizerName = options.optimizer ?? 'adamw';
  const { trunkRate = 0.3, depthDecay = 0.7, clip, memory = 1024, accumulate = 1 } = options;
  for (const [option, found] of Object.entries({
    trunkRate,
    depthDecay,
    memory,
    ...(clip === undefined ? {} : { clip }),
  }))
    if (!(found > 0 && Number.isFinite(found)))
      throw errors.TUNE({ option, found: String(found), wanted: 'a number above 0' });
  if (!Number.isInteger(accumulate) || accumulate < 1)
    throw errors.TUNE({ option: 'accumulate', found: String(accumulate), wanted: 'a whole number from 1' });
  const epochs = options.epochs ?? 10;
  return {
    optimizerName,
    ...resolveTraining(options, optimizerName, epochs),
    epochs,
    batch: options.batch ?? 16,
    rate: options.rate ?? (optimizerName === 'sgd' ? 0.01 : 0.001),
    halfLife: options.halfLife ?? 1,
    labelSmoothing: options.labelSmoothing ?? 0,
    classWeights: options.classWeights ?? 'none',
    trunkRate,
    depthDecay,
    clip,
    batchNorm: options.batchNorm ?? 'frozen',
    insertBatchNorm: options.insertBatchNorm ?? false,
    accumulate,
    memory,
    seed: options.seed ?? 0,
  };
}

/** The options of the head that is fitted before the trunk trains: those of training are the trunk's. */
export function headOnly(options: HeadOptions): HeadOptions {
  const { optimizer: _o, epochs: _e, batch: _b, rate: _r, schedule: _s, warmUp: _w, ...rest } = options;
  const { momentum: _m, nesterov: _n, weightDecay: _d, halfLife: _h, patience: _p, ...more } = rest;
  const { snapshots: _c, cycleMultiplier: _x, swa: _a, swaRate: _q, swaCycle: _y, keep: _k, ...head } = more;
  return head;
}
