// From features to a trained head. A linear head is fitted full-batch by L-BFGS, its strength by cross-validation;
// everything else walks epochs over the epoch graph, with checkpoints, a Polyak average and early stopping.

import { join } from 'node:path';
import { elements, Random, type Tensor } from '../base/index.js';
import {
  crossEntropy,
  sigmoidCrossEntropy,
  standardised,
  trainHead,
  type Head,
  type HeadArtifacts,
} from '../artifacts/index.js';
import { encodeModel } from '../codec/index.js';
import type { Runtime } from '../runtime/index.js';
import {
  finish,
  fitLogistic,
  scaleInto,
  standardise,
  trainingRun,
  type AveragedWeights,
  type Checkpoint,
  type Scale,
  type StrengthFigures,
} from '../training/index.js';
import { checkpoints, history, saveSwa } from '../training/node.js';
import { resolveHead, type HeadOptions, type ResolvedHead } from './head-options.js';
import { keptEpochs } from './kept-options.js';
import type { Progress } from './progress.js';
import type { SplitFeatures } from './set-features.js';

/** A trained head and how it came about. */
export interface FittedHead {
  readonly head: Head;
  readonly name: string;
  readonly optimizer: string;
  readonly trained: ReadonlyMap<string, Tensor>;
  /** Of L-BFGS: what cross-validation said of each strength, strong to weak, and the one chosen. */
  readonly crossValidation: readonly StrengthFigures[];
  readonly strength?: number;
  /** Of epochs: the one that the weights are of. */
  readonly epoch?: number;
  readonly trainLoss?: number;
  readonly artifacts: HeadArtifacts;
  /** Of epochs: the ends of the cycles, where there were any. */
  readonly snapshots?: readonly number[];
  /** Of epochs: the average of the weights, where it was asked for. */
  readonly swa?: SwaFigures;
  /** Of epochs: the features were standardised by this. */
  readonly scale?: Scale;
  /** Of epochs: the whole state where they ended, and the steps done. */
  readonly last?: Pick<Checkpoint, 'state' | 'step'>;
}

/** What stochastic weight averaging came to. */
export interface SwaFigures extends Pick<AveragedWeights, 'count' | 'validation'> {
  /**
   * Stored statistics of BatchNormalization: estimated anew from the pictures that train; not moved since they did not
   * train; or there are none.
   */
  readonly statistics: 'estimated' | 'frozen' | 'none';
}

/** What {@link fitHead} needs beside the options of the head. */
export interface FitHeadOptions extends HeadOptions {
  /** The run's folder, for checkpoints and history; nothing is kept without it. */
  readonly folder?: string;
  /** Go on from the newest checkpoint. @default false */
  readonly resume?: boolean;
  readonly onProgress?: (at: Progress) => void;
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What is told apart. */
export interface Task {
  readonly classes: number;
  readonly task: 'single' | 'multi-label';
}

/**
 * Trains the head of a set's features.
 *
 * @throws GRAFT_HEAD where the options do not go together; TRAINING_…; the signal's reason where it was stopped
 */
export async function fitHead(
  runtime: Runtime,
  { train, validation }: { readonly train: SplitFeatures; readonly validation: SplitFeatures },
  task: Task,
  options: FitHeadOptions = {},
): Promise<FittedHead> {
  const resolved = resolveHead(options);
  const artifacts = trainHead({
    features: train.width,
    classes: task.classes,
    head: resolved.head,
    loss: lossOf(train, task, resolved),
    optimizer: resolved.optimizer,
  });
  return resolved.optimizerName === 'lbfgs'
    ? byLbfgs(runtime, artifacts, train, task, resolved, options)
    : byEpochs(runtime, artifacts, train, validation, resolved, options);
}

/**
 * The loss of a task, with its weights of classes.
 *
 * @param times how often each row trains. @default once
 */
export function lossOf(
  train: Pick<SplitFeatures, 'labels' | 'count'>,
  { classes, task }: Task,
  { labelSmoothing, classWeights }: Pick<ResolvedHead, 'labelSmoothing' | 'classWeights'>,
  times?: ArrayLike<number>,
) {
  if (task === 'multi-label') return sigmoidCrossEntropy({ labelSmoothing });
  const weights = classWeights === 'balanced' ? { classWeights: balancedWeights(train, classes, times) } : {};
  return crossEntropy({ labelSmoothing, ...weights });
}

async function byLbfgs(
  runtime: Runtime,
  artifacts: HeadArtifacts,
  train: SplitFeatures,
  { classes }: Task,
  { head, seed }: ResolvedHead,
  { onProgress, signal }: FitHeadOptions,
): Promise<FittedHead> {
  const training = await runtime.open(encodeModel(artifacts.training));
  const evaluation = await runtime.open(encodeModel(artifacts.evaluation));
  try {
    const fit = await fitLogistic(runtime, training, evaluation, train, classes, {
      seed,
      ...(signal ? { signal } : {}),
      onProgress: (done, total) => onProgress?.({ what: 'choosing the strength', done, total }),
    });
    signal?.throwIfAborted();
    const { trained, crossValidation, strength, loss } = fit;
    return { head, name: 'linear', optimizer: 'lbfgs', trained, crossValidation, strength, trainLoss: loss, artifacts };
  } finally {
    await training.close();
    await evaluation.close();
  }
}

async function byEpochs(
  runtime: Runtime,
  artifacts: HeadArtifacts,
  train: SplitFeatures,
  validation: SplitFeatures,
  resolved: ResolvedHead,
  { folder, resume = false, onProgress, onWarning, signal }: FitHeadOptions,
): Promise<FittedHead> {
  const { seed, epochs, batch, rate, schedule, halfLife, patience } = resolved;
  const kept = keptEpochs(resolved, true);
  const scaled = new Float32Array(train.features.length);
  const scale = standardise(train, scaled);
  const alike = new Float32Array(validation.features.length);
  scaleInto(scale, validation.features, alike);
  const files = folder === undefined ? undefined : checkpoints(join(folder, 'checkpoints'), kept.files);
  const log = folder === undefined ? undefined : history(join(folder, 'history.jsonl'));
  const found = resume ? await files?.newest() : undefined;
  for (const { path, cause } of found?.damaged ?? []) onWarning?.(`${path} is passed over: ${cause.message}`);
  await log?.rewind(found?.checkpoint.epoch ?? 0);
  const { epoch, evaluation, classes, parameters, slots, dropouts } = artifacts;
  const run = trainingRun({
    runtime,
    artifacts: { epoch: encodeModel(epoch), evaluation: encodeModel(evaluation), classes, parameters, slots, dropouts },
    initialState: artifacts.initialState(new Random(seed)),
    train: { ...train, features: scaled },
    validation: { ...validation, features: alike },
    epochs,
    batch,
    rate,
    schedule,
    halfLife,
    patience,
    averageAfter: kept.averaged,
    seed,
    ...(signal ? { signal } : {}),
    ...(found ? { resumeFrom: found.checkpoint } : {}),
  });
  let trainLoss: number | undefined;
  const result = await finish(run, async event => {
    if (event.kind === 'checkpoint') await files?.save(event.checkpoint);
    else await log?.append(event);
    if (event.kind !== 'epoch') return;
    trainLoss = event.trainLoss;
    onProgress?.({ what: 'training', done: event.epoch, total: epochs });
  });
  signal?.throwIfAborted();
  const { swa } = result;
  if (swa && folder !== undefined) await saveSwa(join(folder, 'checkpoints'), { epoch: epochs, ...swa });
  return {
    head: standardised(resolved.head, scale.mean, scale.deviation),
    name: resolved.name,
    optimizer: resolved.optimizerName,
    trained: result.trained,
    crossValidation: [],
    epoch: result.epoch,
    ...(trainLoss === undefined ? {} : { trainLoss }),
    artifacts,
    ...(kept.snapshots.length > 0 ? { snapshots: kept.snapshots } : {}),
    ...(swa ? { swa: { ...figuresOfSwa(swa), statistics: 'none' } } : {}),
    scale,
    last: result.last,
  };
}

/** What averaged weights are worth, without the weights. */
export const figuresOfSwa = ({ count, validation }: AveragedWeights): Omit<SwaFigures, 'statistics'> => ({
  count,
  ...(validation ? { validation } : {}),
});

/**
 * n / (K · n_k)
 *
 * @param times how often each row counts. @default once
 */
export function balancedWeights(
  { labels, count }: Pick<SplitFeatures, 'labels' | 'count'>,
  classes: number,
  times: ArrayLike<number> = new Uint8Array(count).fill(1),
): number[] {
  const counts = new Array<number>(classes).fill(0);
  (elements(labels) as BigInt64Array).forEach((label, row) => (counts[Number(label)]! += times[row]!));
  const all = counts.reduce((a, b) => a + b, 0);
  return counts.map(n => all / (classes * Math.max(1, n)));
}
