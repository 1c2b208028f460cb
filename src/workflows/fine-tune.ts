// Fine-tuning: the trunk behind a cut and the head on it, trained together. The frozen part has run once over every
// picture; the head is fitted first, on features as they were; then both train, the trunk at a lower rate.

import { join } from 'node:path';
import { elementCount, floats, tensor, type Tensor } from '../base/index.js';
import {
  graft,
  headNetwork,
  networkEvaluationModel,
  networkState,
  networkStepsModel,
  networkTrainingModel,
  optimizerModel,
  trainBatchNorm,
  trainableNetwork,
  withWeights,
  type Grafted,
  type Loss,
  type TrainableNetwork,
} from '../artifacts/index.js';
import { encodeModel } from '../codec/index.js';
import type { Model } from '../graph/index.js';
import { fasterForward, fasterStep } from '../passes/index.js';
import type { Runtime } from '../runtime/index.js';
import {
  figuresOf,
  finish,
  networkRun,
  rowsOf,
  type Checkpoint,
  type Figures,
  type NetworkArtifacts,
  type PictureRows,
} from '../training/index.js';
import { checkpoints, history, saveSwa } from '../training/node.js';
import { errors } from './errors.js';
import { figuresOfSwa, fitHead, lossOf, type FittedHead, type SwaFigures, type Task } from './fit-head.js';
import type { HeadOptions } from './head-options.js';
import { keptEpochs } from './kept-options.js';
import { firstNotFinite } from './not-finite.js';
import { writePlainArtifacts } from './plain-artifacts.js';
import type { EpochTold, Progress } from './progress.js';
import { reEstimate } from './re-estimate.js';
import type { SplitFeatures } from './set-features.js';
import type { SetRows, SplitRows } from './set-rows.js';
import type { Trunk } from './trunk.js';
import { headOnly, resolveTune, type ResolvedTune, type TuneOptions } from './tune-options.js';

/** What {@link fineTune} needs beside the options of training. */
export interface FineTuneOptions extends HeadOptions, TuneOptions {
  /** The run's folder, for checkpoints, history and artifacts. */
  readonly folder: string;
  /** Go on from the newest checkpoint. @default false */
  readonly resume?: boolean;
  readonly onProgress?: (at: Progress) => void;
  /** Told of each epoch; of the head alone as epoch 0. */
  readonly onEpoch?: (at: EpochTold) => void;
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** A trunk and a head that have trained together. */
export interface FineTuned {
  /** The head, with its trained weights. */
  readonly head: FittedHead;
  /** The trained weights of the trunk. */
  readonly trunk: ReadonlyMap<string, Tensor>;
  /** All trained weights by their names in checkpoints. */
  readonly trained: ReadonlyMap<string, Tensor>;
  /** Of the validation pictures, [n, K], row by row. */
  readonly logits: Float32Array;
  readonly epoch: number;
  readonly trainLoss?: number;
  /** Share of validation pictures that the head alone had right, before the trunk trained. */
  readonly headAccuracy: number;
  readonly optimizer: string;
}

/**
 * Fine-tunes.
 *
 * @throws GRAFT_TUNE, GRAFT_HEAD; TRAINING_…, TRAINING_NOT_FINITE with the layer; AUTODIFF_NO_GRADIENT; the signal's
 *   reason where it was stopped
 */
export async function fineTune(
  runtime: Runtime,
  trunk: Trunk,
  rows: SetRows,
  task: Task,
  options: FineTuneOptions,
): Promise<FineTuned> {
  const resolved = resolveTune(options);
  checkNormalization(trunk, resolved);
  const { head: first, features } = await headFirst(runtime, trunk, rows, task, options);
  const grafted = graft(trunk.model.graph, { head: first.head, trained: first.trained, classes: task.classes });
  const { network, loss } = networkOf(trunk, grafted, rows.train, task, resolved);
  const stepping = resolved.batchNorm === 'train' ? trainBatchNorm(network) : network;
  const artifacts = artifactsOf(network, stepping, loss, task, resolved, runtime);
  const alone = await worthOfHead(runtime, first, features.validation, task, loss);

  const { folder, resume = false, onProgress, onEpoch, onWarning, signal } = options;
  const kept = keptEpochs(resolved, false);
  const files = checkpoints(join(folder, 'checkpoints'), kept.files);
  const log = history(join(folder, 'history.jsonl'));
  const found = resume ? await files.newest() : undefined;
  for (const { path, cause } of found?.damaged ?? []) onWarning?.(`${path} is passed over: ${cause.message}`);
  await log.rewind(found?.checkpoint.epoch ?? -1);
  const { epochs, batch, rate, schedule, halfLife, patience, seed } = resolved;
  // Logits of the epoch judged last, and of the best one as far as this process judged it.
  let judged: Float32Array | undefined;
  let best = found ? undefined : alone.logits;
  const run = networkRun({
    runtime,
    artifacts,
    initialState: networkState(stepping, artifacts.slots),
    train: rows.train,
    validation: rows.validation,
    initial: alone.figures,
    onJudged: logits => (judged = logits),
    epochs,
    batch: batch * resolved.accumulate,
    rate,
    schedule,
    halfLife,
    patience,
    averageAfter: kept.averaged,
    settle: weights => withNewStatistics(runtime, grafted.model, stepping, weights, rows.train, { epochs, signal }),
    seed,
    stepsAtOnce: stepsAtOnce(rows.train, resolved),
    ...(signal ? { signal } : {}),
    ...(found ? { resumeFrom: found.checkpoint } : {}),
    diagnose: (weights, of) => firstNotFinite(runtime, withWeights(grafted.model, weights), trunk.input, of),
  });
  let trainLoss: number | undefined;
  const result = await finish(run, async event => {
    if (event.kind === 'steps') {
      const note = `epoch ${event.epoch} of ${epochs}, loss ${event.loss.toFixed(3)}`;
      onProgress?.({ what: 'training', done: event.step, total: event.of, note });
      return;
    }
    if (event.kind === 'checkpoint') await files.save(event.checkpoint);
    else await log.append(event);
    if (event.kind === 'epoch') trainLoss = event.trainLoss;
    if (event.kind === 'best') best = judged;
    if ((event.kind === 'epoch' || event.kind === 'initial') && event.validation) {
      const { epoch, validation } = event;
      const isBest = event.kind === 'initial' || event.best?.epoch === epoch;
      onEpoch?.({ epoch, of: epochs, validation, isBest, ...(trainLoss === undefined ? {} : { trainLoss }) });
    }
  });
  signal?.throwIfAborted();
  await writeArtifacts(join(folder, 'artifacts'), network, stepping, loss, resolved, result.last);
  const { swa } = result;
  if (swa) await saveSwa(join(folder, 'checkpoints'), { epoch: epochs, ...swa });
  const statistics = statisticsOf(network, stepping);
  if (swa && statistics === 'none')
    onWarning?.('there is no BatchNormalization behind the cut: the averaged weights need no new statistics');
  const own = new Map([...grafted.headNames].map(([name, inside]) => [name, result.trained.get(inside)!]));
  const parts = new Set(grafted.headNames.values());
  return {
    head: {
      ...first,
      trained: own,
      optimizer: resolved.optimizerName,
      epoch: result.epoch,
      ...(trainLoss === undefined ? {} : { trainLoss }),
      ...(kept.snapshots.length > 0 ? { snapshots: kept.snapshots } : {}),
      ...(swa ? { swa: { ...figuresOfSwa(swa), statistics } } : {}),
    },
    trained: result.trained,
    trunk: new Map([...result.trained].filter(([name]) => !parts.has(name))),
    logits: best ?? (await logitsOf(runtime, artifacts.evaluation(result.trained), trunk.input, rows.validation)),
    epoch: result.epoch,
    ...(trainLoss === undefined ? {} : { trainLoss }),
    headAccuracy: alone.figures.accuracy,
    optimizer: resolved.optimizerName,
  };
}

/** Steps of a run: 8, or as many as a quarter of the memory for rows holds the rows of. Weights do not depend on it. */
function stepsAtOnce({ shape }: PictureRows, { batch, accumulate, memory }: ResolvedTune): number {
  const bytes = 4 * elementCount(shape) * batch * accumulate;
  return Math.min(8, Math.max(1, Math.floor((memory * 2 ** 20) / 4 / bytes)));
}

/** BatchNormalization can only train where there is one. */
function checkNormalization({ model, frozen }: Trunk, { batchNorm }: ResolvedTune): void {
  if (batchNorm !== 'train' || model.graph.nodes.some(({ op }) => op === 'BatchNormalization')) return;
  const isFolded = frozen.inspection.batchNormalization === 'folded';
  throw errors.BATCH_NORM({
    file: frozen.file.path,
    reason: isFolded
      ? 'an exporter folded it into the convolutions, or there never was one'
      : 'there is none behind the cut',
  });
}

/** The head on the features as they are, fitted as without a trunk. */
async function headFirst(
  runtime: Runtime,
  trunk: Trunk,
  rows: SetRows,
  task: Task,
  options: FineTuneOptions,
): Promise<{ readonly head: FittedHead; readonly features: Record<'train' | 'validation', SplitFeatures> }> {
  const { onProgress, signal } = options;
  const features = {
    train: await throughTrunk(runtime, trunk, rows.train, onProgress),
    validation: await throughTrunk(runtime, trunk, rows.validation, onProgress),
  };
  const told = { ...(onProgress ? { onProgress } : {}), ...(signal ? { signal } : {}) };
  return { head: await fitHead(runtime, features, task, { ...headOnly(options), ...told, resume: false }), features };
}

/** What the head alone is worth on features as they are: it is given where no epoch is better. */
async function worthOfHead(
  runtime: Runtime,
  { head, trained }: FittedHead,
  { features, count, width, labels }: SplitFeatures,
  { classes }: Task,
  loss: Loss,
): Promise<{ readonly figures: Figures; readonly logits: Float32Array }> {
  const network = trainableNetwork(headNetwork(head, { features: width, classes }, trained), {
    trainable: trained.keys(),
    logits: 'logits',
  });
  const session = await runtime.open(encodeModel(withWeights(networkEvaluationModel(network, loss), trained)));
  try {
    const fed = { features: tensor('float32', [count, width], features), labels };
    const feeds = new Map(Object.entries(fed).map(([name, value]) => [name, runtime.tensor(value)]));
    const results = await session.run(feeds, ['loss', 'logits']);
    const logits = floats(await results.get('logits')!.read()).slice();
    const [mean] = floats(await results.get('loss')!.read());
    for (const value of [...feeds.values(), ...results.values()]) value.dispose();
    return { figures: figuresOf(logits, labels, mean!), logits };
  } finally {
    await session.close();
  }
}

/** The features of pictures as they are. */
async function throughTrunk(
  runtime: Runtime,
  { model, input }: Trunk,
  rows: SplitRows,
  onProgress: FineTuneOptions['onProgress'],
): Promise<SplitFeatures> {
  // the identity as head leaves the features themselves
  const { model: flat } = graft(model.graph, { head: features => features, trained: new Map(), classes: 0 });
  const features = await logitsOf(runtime, encodeModel(flat), input, rows, done =>
    onProgress?.({ what: 'features behind the cut', done, total: rows.count }),
  );
  const { count, labels, items, hashes, groups } = rows;
  return { features, count, width: features.length / count, labels, items, hashes, ...(groups ? { groups } : {}) };
}

/** What trains, each weight at its share of the rate: the head at 1, the trunk less the deeper it lies. */
function networkOf(
  trunk: Trunk,
  { model, headNames }: Grafted,
  { labels, count }: SplitRows,
  task: Task,
  resolved: ResolvedTune,
): { readonly network: TrainableNetwork; readonly loss: Loss } {
  const { trunkRate, depthDecay } = resolved;
  const factors = new Map(trunk.names.map(name => [name, trunkRate * depthDecay ** (trunk.depths.get(name) ?? 0)]));
  const network = trainableNetwork(model, {
    trainable: [...trunk.names, ...headNames.values()],
    logits: 'logits',
    factors,
  });
  return { network, loss: lossOf({ labels, count }, task, resolved) };
}

/** The graphs of the run: `network` is what is judged and served, `stepping` what walks. */
function artifactsOf(
  network: TrainableNetwork,
  stepping: TrainableNetwork,
  loss: Loss,
  { classes }: Task,
  { optimizer, clip, accumulate }: ResolvedTune,
  runtime: Runtime,
): NetworkArtifacts {
  const evaluation = networkEvaluationModel(network, loss);
  const initial = new Map(network.parameters.map(({ name, initial: at }) => [name, at]));
  // The fast forms are those of CPUs; other devices run the plain operators.
  const lowering = / cpu\b/.test(runtime.name) ? { forward: fasterForward, step: fasterStep() } : undefined;
  return {
    classes,
    parameters: network.parameters.map(({ name, shape }) => ({ name, shape })),
    slots: [...optimizer.slots, 'average'],
    statistics: stepping.statistics.map(({ name, shape }) => ({ name, shape })),
    dropouts: [],
    input: network.inputs[0]!,
    steps: batch =>
      encodeModel(
        networkStepsModel(stepping, {
          loss,
          optimizer,
          batch,
          accumulate,
          ...(clip === undefined ? {} : { clip }),
          ...(lowering ? { lowering } : {}),
        }),
      ),
    evaluation: weights => encodeModel(withWeights(evaluation, new Map([...initial, ...weights]))),
  };
}

/** Runs pictures as they are through a network, some at a time; its `logits`, row by row. */
async function logitsOf(
  runtime: Runtime,
  model: Uint8Array,
  input: string,
  rows: PictureRows,
  onProgress?: (done: number) => void,
): Promise<Float32Array> {
  const session = await runtime.open(model);
  try {
    const all: Float32Array[] = [];
    const atOnce = 16;
    for (let from = 0; from < rows.count; from += atOnce) {
      const some = Array.from({ length: Math.min(atOnce, rows.count - from) }, (_, i) => from + i);
      const feeds = new Map([[input, runtime.tensor(await rows.read(some, 0))]]);
      // the evaluation graph wants labels for its loss
      if (session.inputs.includes('labels')) feeds.set('labels', runtime.tensor(rowsOf(rows.labels, some)));
      const results = await session.run(feeds, ['logits']);
      all.push(floats(await results.get('logits')!.read()).slice());
      for (const value of [...feeds.values(), ...results.values()]) value.dispose();
      onProgress?.(from + some.length);
    }
    const joined = new Float32Array(all.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of all) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  } finally {
    await session.close();
  }
}

/** What is to be done about stored statistics where weights are averaged. */
function statisticsOf({ graph }: TrainableNetwork, { statistics }: TrainableNetwork): SwaFigures['statistics'] {
  if (statistics.length > 0) return 'estimated';
  return graph.nodes.some(({ op }) => op === 'BatchNormalization') ? 'frozen' : 'none';
}

/** Averaged weights with the statistics that the pictures have under them, as they were shown in the last epoch. */
async function withNewStatistics(
  runtime: Runtime,
  whole: Model,
  { statistics }: TrainableNetwork,
  weights: ReadonlyMap<string, Tensor>,
  rows: PictureRows,
  { epochs, signal }: { readonly epochs: number; readonly signal: AbortSignal | undefined },
): Promise<ReadonlyMap<string, Tensor>> {
  if (statistics.length === 0) return weights;
  const moved = new Set(statistics.map(({ name }) => name));
  const layers = whole.graph.nodes
    .filter(({ op, inputs }) => op === 'BatchNormalization' && moved.has(inputs[3]!))
    .map(({ outputs }) => outputs[0]!);
  const told = { layers, ...(signal ? { signal } : {}) };
  const { model } = await reEstimate(withWeights(whole, weights), batchesOf(rows, epochs), told, runtime);
  return new Map(
    [...weights].map(([name, value]) => [name, moved.has(name) ? model.graph.initializers.get(name)! : value]),
  );
}

/** All rows, some at a time. */
async function* batchesOf(rows: PictureRows, epoch: number): AsyncGenerator<Tensor, void, undefined> {
  const atOnce = 32;
  for (let from = 0; from < rows.count; from += atOnce)
    yield rows.read(
      Array.from({ length: Math.min(atOnce, rows.count - from) }, (_, i) => from + i),
      epoch,
    );
}

/** Plain artifacts of what trained, with the state where it ended. */
async function writeArtifacts(
  folder: string,
  network: TrainableNetwork,
  stepping: TrainableNetwork,
  loss: Loss,
  { optimizer, optimizerName, batch }: ResolvedTune,
  { state, step }: Checkpoint,
): Promise<void> {
  const { parameters } = network;
  const graphs = {
    training: networkTrainingModel(stepping, loss),
    evaluation: networkEvaluationModel(network, loss),
    optimizer: optimizerModel({ optimizer }, parameters, [...optimizer.slots, 'average']),
    epoch: networkStepsModel(stepping, { loss, optimizer, batch }),
  };
  const said = { state, step, parameters, loss: loss.name, optimizerName, extra: { logits: 'logits', batch } };
  await writePlainArtifacts(folder, { ...graphs, ...said }, { force: true });
}
