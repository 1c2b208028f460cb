export { decodeCheckpoint, encodeCheckpoint, type Best, type Checkpoint, type KeptFor } from './checkpoint.js';
export { cosineRestarts, cycleEnds, type CosineRestartsOptions, type CycleOptions } from './cycles.js';
export { untilFlat } from './early-stopping.js';
export type { Dropout } from './epoch-plan.js';
export {
  finish,
  type Answer,
  type AveragedEvent,
  type AveragedWeights,
  type BestEvent,
  type BestUntilNow,
  type CheckpointEvent,
  type EpochEvent,
  type InitialEvent,
  type ResumedEvent,
  type StepsEvent,
  type StoppedEvent,
  type StopReason,
  type TrainingEvent,
  type TrainingResult,
  type TrainingRun,
} from './events.js';
export { figuresOf, type Figures } from './figures.js';
export { bootstrapOf, foldsOf } from './folds.js';
export { graphObjective, packed, unpacked, type Parameters } from './graph-objective.js';
export type { LabelledFeatures } from './labelled-features.js';
export { lbfgs, lbfgsNow, type Evaluated, type LbfgsOptions, type Minimum, type Objective } from './lbfgs.js';
export type { LogisticFit, LogisticOptions, StrengthFigures } from './logistic-options.js';
export { fitLogistic } from './logistic.js';
export { solveLogistic, type SolveOptions } from './solve-logistic.js';
export { membersRun, type MemberEvent, type MembersRun, type MembersRunOptions } from './members-run.js';
export type { WeighedFeatures } from './member-walkers.js';
export { networkRun, type NetworkArtifacts, type NetworkRunOptions, type PictureRows } from './network-run.js';
export { polyak, type Averaging } from './polyak.js';
export type { RunningMean } from './running-mean.js';
export { stepByStepRun, trainingRun, type EpochArtifacts, type StepArtifacts, type TrainingRunOptions } from './run.js';
export {
  constant,
  cosine,
  oneCycle,
  warmUp,
  type CosineOptions,
  type OneCycleOptions,
  type Schedule,
} from './schedules.js';
export type { StateLayout } from './state-layout.js';
export { scaleInto, standardise, type Scale } from './standardise.js';
export { rowsOf } from './walkers.js';
export {
  averagingPhase,
  averagingSchedule,
  type AveragingPhase,
  type AveragingPhaseOptions,
  type AveragingScheduleOptions,
} from './weight-averaging.js';
