// A training run over a head's artifacts, from its options: what is asked for is checked, settled and handed to the
// loop. The same options, the same pictures and the same seed give the same bits, broken off and resumed or not.

import { tensor, type Tensor } from '../base/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Checkpoint } from './checkpoint.js';
import { untilFlat } from './early-stopping.js';
import { errors } from './errors.js';
import type { TrainingRun } from './events.js';
import { measure } from './figures.js';
import { checkLabelled, type LabelledFeatures } from './labelled-features.js';
import { averagingOf, checkCounts, checkIdentity, checkRate, identityOf, planOf } from './run-plan.js';
import { oneCycle, type Schedule } from './schedules.js';
import { checkState, type StateLayout } from './state-layout.js';
import { walkEpochs, type Judge } from './walk-epochs.js';
import { epochAtOnce, stepByStep, type Walker } from './walkers.js';

/** Encoded graphs of a run that walks an epoch at once. */
export interface EpochArtifacts extends StateLayout {
  readonly epoch: Uint8Array;
  readonly evaluation: Uint8Array;
}

/** Encoded graphs of a run that walks step by step. */
export interface StepArtifacts extends StateLayout {
  readonly training: Uint8Array;
  readonly optimizer: Uint8Array;
  readonly evaluation: Uint8Array;
}

export interface TrainingRunOptions<Artifacts extends StateLayout = EpochArtifacts> {
  readonly runtime: Runtime;
  readonly artifacts: Artifacts;
  /** `P`, `P.m`, `P.average` …, float32; not read where the run is resumed. */
  readonly initialState: ReadonlyMap<string, Tensor>;
  readonly train: LabelledFeatures;
  /** Chooses the best epoch; without, the last one is given. */
  readonly validation?: LabelledFeatures;
  readonly epochs: number;
  /** Learning rate at the peak of the schedule. */
  readonly rate: number;
  /** Most pictures in a step. @default 32 */
  readonly batch?: number;
  /** @default oneCycle() */
  readonly schedule?: Schedule;
  /** Half-life of the Polyak average in epochs, where the artifacts have one. @default 1 */
  readonly halfLife?: number;
  /** Epochs without a better one after which the run ends; 0: all epochs are run. @default 0 */
  readonly patience?: number;
  /** Epochs after which the weights go into an average of equal parts (SWA). @default none */
  readonly averageAfter?: readonly number[];
  /** Epochs from checkpoint to checkpoint; there is always one at the end. @default 1 */
  readonly checkpointEvery?: number;
  /** @default 0 */
  readonly seed?: number;
  /** Ends the run after the epoch in hand. */
  readonly signal?: AbortSignal;
  readonly resumeFrom?: Checkpoint;
}

const defaults = { batch: 32, halfLife: 1, patience: 0, checkpointEvery: 1, seed: 0 } as const;

/**
 * Trains a head, an epoch at once. Nothing happens before the first event is asked for.
 *
 * @throws `TRAINING_OPTION`, `TRAINING_DATA`, `TRAINING_STATE`, `TRAINING_OTHER_RUN` at once; while it goes
 *   `TRAINING_DIVERGED` and the runtime's own
 * @example
 * const run = trainingRun({ runtime, artifacts, initialState, train, validation, epochs: 30, rate: 1e-3 });
 * const { trained } = await finish(run, event => console.error(event));
 */
export function trainingRun(options: TrainingRunOptions): TrainingRun {
  const { runtime, artifacts, train } = options;
  return begin(options, artifacts.evaluation, () => epochAtOnce(runtime, artifacts.epoch, train));
}

/** The same run with the same bits, a step at a time: slower, and open to a look at each gradient. */
export function stepByStepRun(options: TrainingRunOptions<StepArtifacts>): TrainingRun {
  const { runtime, artifacts, train } = options;
  return begin(options, artifacts.evaluation, () => stepByStep(runtime, artifacts, train));
}

function begin(
  options: TrainingRunOptions<StateLayout>,
  evaluation: Uint8Array,
  openWalker: () => Promise<Walker>,
): TrainingRun {
  const resolved: Resolved = { ...defaults, schedule: oneCycle(), ...options };
  const { epochs, batch, checkpointEvery, patience } = resolved;
  checkCounts({ epochs, batch, checkpointEvery });
  if (!Number.isSafeInteger(patience) || patience < 0)
    throw errors.OPTION({ option: 'patience', found: patience, wanted: 'a whole number from 0' });
  checkRate(resolved.rate);
  checkLabelled('train', options.train);
  if (options.validation) checkLabelled('validation', options.validation);
  const plan = planOf(resolved);
  const identity = identityOf(resolved, plan);
  const { resumeFrom } = options;
  if (resumeFrom) checkIdentity(identity, resumeFrom);
  checkState(options.artifacts, resumeFrom?.state ?? options.initialState);
  const { runtime, artifacts, validation, signal } = resolved;
  const openJudge = validation && (() => judgeBy(runtime, evaluation, validation));
  const run = walkEpochs({
    runtime,
    layout: artifacts,
    plan,
    epochs,
    checkpointEvery,
    identity,
    from: resumeFrom ?? { epoch: 0, state: options.initialState },
    isResumed: resumeFrom !== undefined,
    signal,
    openWalker,
    openJudge,
    averaging: averagingOf(resolved),
    hasLongWindows: false,
  });
  return patience === 0 ? run : untilFlat(patience, run);
}

/** Judges by one run of the evaluation graph over all pictures. */
async function judgeBy(
  runtime: Runtime,
  evaluation: Uint8Array,
  { features, count, width, labels }: LabelledFeatures,
): Promise<Judge> {
  const session = await runtime.open(evaluation);
  const measured = {
    features: runtime.tensor(tensor('float32', [count, width], features)),
    labels: runtime.tensor(labels),
    truth: labels,
  };
  return {
    judgesLast: true,
    figures: parameters => measure(session, measured, parameters),
    async close() {
      measured.features.dispose();
      measured.labels.dispose();
      await session.close();
    },
  };
}

type Resolved = TrainingRunOptions<StateLayout> &
  Required<Pick<TrainingRunOptions, keyof typeof defaults | 'schedule'>>;
