// What a training run tells while it goes, and what it gives in the end. Runs are async generators of events, stop
// rules are functions from run to run, and whoever reads the events prints, draws and saves.

import type { Tensor } from '../base/index.js';
import type { Checkpoint } from './checkpoint.js';
import type { Figures } from './figures.js';

/** The run goes on from a checkpoint. */
export interface ResumedEvent {
  readonly kind: 'resumed';
  /** Epochs done. */
  readonly epoch: number;
  readonly best?: BestUntilNow;
}

/** The best epoch until now; 0 where no epoch was better than the weights that the run began with. */
export interface BestUntilNow {
  readonly epoch: number;
  /** Its validation loss: at the best temperature where figures tell that, or else as it is. */
  readonly loss: number;
}

/** What the weights are worth that the run begins with, where that was told. */
export interface InitialEvent {
  readonly kind: 'initial';
  readonly epoch: 0;
  readonly validation: Figures;
}

/** An epoch is over. */
export interface EpochEvent {
  readonly kind: 'epoch';
  /** From 1 on. */
  readonly epoch: number;
  /** Steps done since the beginning of the run. */
  readonly step: number;
  /** Learning rate of its last step. */
  readonly rate: number;
  /** Mean over its pictures, each at its own step. */
  readonly trainLoss: number;
  /** Of the weights that the run will give: averaged, where it averages. */
  readonly validation?: Figures;
  /** Of the weights after the last step, where the run averages. */
  readonly validationOfLast?: Figures;
  readonly best?: BestUntilNow;
}

/** Some steps of an epoch are over; told where steps take long. */
export interface StepsEvent {
  readonly kind: 'steps';
  /** The epoch in hand, from 1 on. */
  readonly epoch: number;
  /** Steps done since the beginning of the run, and steps of the whole run. */
  readonly step: number;
  readonly of: number;
  /** Learning rate and loss of the last of them. */
  readonly rate: number;
  readonly loss: number;
}

/** The epoch just told is the best until now. */
export interface BestEvent {
  readonly kind: 'best';
  readonly epoch: number;
  readonly validation: Figures;
}

/** The weights are averaged (SWA), after the last epoch. */
export interface AveragedEvent {
  readonly kind: 'swa';
  readonly epoch: number;
  /** How many weights were averaged. */
  readonly count: number;
  readonly validation?: Figures;
}

/** Here the run may be resumed. */
export interface CheckpointEvent {
  readonly kind: 'checkpoint';
  readonly epoch: number;
  readonly checkpoint: Checkpoint;
}

/** The run ends before its last epoch. */
export interface StoppedEvent {
  readonly kind: 'stopped';
  /** Epochs done. */
  readonly epoch: number;
  readonly reason: StopReason;
}

/** `flat`: validation got no better; `asked`: by its signal. */
export type StopReason = 'flat' | 'asked';

export type TrainingEvent =
  ResumedEvent | InitialEvent | StepsEvent | EpochEvent | BestEvent | AveragedEvent | CheckpointEvent | StoppedEvent;

/** What a run gives. */
export interface TrainingResult {
  /** The parameters of the best epoch, or those at the beginning; without validation those of the last. Averaged, where the run averages. */
  readonly trained: ReadonlyMap<string, Tensor>;
  /** The epoch that `trained` is of; 0 before the first. */
  readonly epoch: number;
  readonly validation?: Figures;
  /** The averaged weights of a run that averages at the ends of epochs and came to its last. */
  readonly swa?: AveragedWeights;
  readonly reason: 'finished' | StopReason;
  /** Where the run ended. */
  readonly last: Checkpoint;
}

/** Averaged weights and what they are worth. */
export interface AveragedWeights {
  /** How many were averaged. */
  readonly count: number;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly validation?: Figures;
}

/** What a run hears after an event. */
// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- `for await` answers with nothing
export type Answer = StopReason | undefined | void;

/** A run. Answering an event with a reason ends it after the epoch in hand. */
export type TrainingRun = AsyncGenerator<TrainingEvent, TrainingResult, Answer>;

/**
 * Walks a run to its end.
 *
 * @param run the run
 * @param onEvent sees each event before the run goes on; may save, print, or throw
 * @example
 * const { trained } = await finish(trainingRun(options), event => console.error(event.kind));
 */
export async function finish<Event = TrainingEvent, Result = TrainingResult>(
  run: AsyncGenerator<Event, Result, Answer>,
  onEvent: (event: Event) => void | Promise<void> = () => undefined,
): Promise<Result> {
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await run.next();
      if (done) {
        ended = true;
        return value;
      }
      await onEvent(value);
    }
  } finally {
    if (!ended) await abandon(run);
  }
}

/** Ends a run that nobody walks on, so that it closes what it opened. */
export async function abandon(run: { return(result: never): Promise<unknown> }): Promise<void> {
  // The result is for callers who wait for one; here is none.
  await run.return(undefined as never);
}
