// Several heads of one kind, trained by epochs over the same features in one graph: folds and bootstraps are weights of
// the pictures, other seeds other first weights and dropout masks. Batches, their order and the standardisation of the
// features (of all training pictures, without their labels) are common to all.

import { join } from 'node:path';
import { elements, Random } from '../base/index.js';
import {
  crossEntropy,
  membersLoss,
  sigmoidCrossEntropy,
  stacked,
  standardised,
  trainHead,
  type HeadArtifacts,
} from '../artifacts/index.js';
import { encodeModel } from '../codec/index.js';
import type { Runtime } from '../runtime/index.js';
import {
  finish,
  membersRun,
  scaleInto,
  standardise,
  type TrainingEvent,
  type WeighedFeatures,
} from '../training/index.js';
import { checkpoints, history, newestOfAll } from '../training/node.js';
import { balancedWeights, lossOf, type FitHeadOptions, type FittedHead, type Task } from './fit-head.js';
import { resolveHead, type ResolvedHead } from './head-options.js';
import type { MemberShare } from './member-shares.js';
import { featuresOf } from './member-split.js';
import type { SplitFeatures } from './set-features.js';

/** One of the heads. */
export interface MemberToFit {
  /** The folder of its run, for its checkpoints and its history. */
  readonly folder: string;
  /** Of its first weights. */
  readonly seed: number;
  readonly share: MemberShare;
  /** Whether its run is complete: its history is left as it is. */
  readonly isComplete: boolean;
}

/** Features of all members. */
interface MembersFeatures {
  readonly train: SplitFeatures;
  readonly validation: SplitFeatures;
}

/** Epochs from checkpoint to checkpoint: an epoch of heads takes less time than a file. */
const checkpointEvery = 10;

/**
 * Trains the heads of all members at once. `options.seed` is that of the order of pictures and of the masks.
 *
 * @throws GRAFT_HEAD where the options do not go together; TRAINING_…; the signal's reason where it was stopped
 */
export async function fitMembers(
  runtime: Runtime,
  features: MembersFeatures,
  members: readonly MemberToFit[],
  task: Task,
  { resume = false, onProgress, onWarning, signal, ...options }: Omit<FitHeadOptions, 'folder'>,
): Promise<FittedHead[]> {
  const resolved = resolveHead(options);
  const { train } = features;
  const { seed, epochs, batch, rate, schedule, halfLife, patience } = resolved;
  const scaled = new Float32Array(train.features.length);
  const scale = standardise(train, scaled);
  const { weighed, judged } = weighedFeatures(features, members, task, resolved);
  const alike = new Float32Array(judged.features.length);
  scaleInto(scale, judged.features, alike);
  const alone = members.map(({ share }) => artifactsOf(train, share, task, resolved));
  const files = members.map(({ folder }) => checkpoints(join(folder, 'checkpoints')));
  const logs = members.map(({ folder }) => history(join(folder, 'history.jsonl')));
  const found = resume ? await newestOfAll(files, patience) : undefined;
  for (const { path, cause } of found?.damaged ?? []) onWarning?.(`${path} is passed over: ${cause.message}`);
  for (const [member, { isComplete }] of members.entries())
    if (!isComplete) await logs[member]!.rewind(found?.checkpoints?.[member]?.epoch ?? 0);
  const run = membersRun({
    runtime,
    artifacts: stackedArtifacts(train, members.length, task, resolved),
    initialStates: members.map((member, i) => alone[i]!.initialState(new Random(member.seed))),
    train: { ...weighed, features: scaled },
    validation: { ...judged, features: alike },
    epochs,
    batch,
    rate,
    schedule,
    halfLife,
    patience,
    seed,
    checkpointEvery,
    ...(signal ? { signal } : {}),
    ...(found?.checkpoints ? { resumeFrom: found.checkpoints } : {}),
  });
  const trainLosses = new Map<number, number>();
  let told = 0;
  // What is told is written together with the checkpoint that follows it.
  const untold = members.map((): TrainingEvent[] => []);
  const tell = async (member: number) => {
    if (!members[member]!.isComplete) await logs[member]!.append(...untold[member]!.splice(0));
  };
  const results = await finish(run, async ({ member, event }) => {
    untold[member]!.push(event);
    if (event.kind === 'checkpoint') {
      await tell(member);
      if (!members[member]!.isComplete) await files[member]!.save(event.checkpoint);
    }
    if (event.kind !== 'epoch') return;
    trainLosses.set(member, event.trainLoss);
    if (event.epoch === told) return;
    told = event.epoch;
    onProgress?.({ what: `training ${members.length} heads at once`, done: event.epoch, total: epochs });
  });
  for (const member of members.keys()) await tell(member);
  signal?.throwIfAborted();
  return results.map((result, member): FittedHead => {
    const trainLoss = trainLosses.get(member);
    return {
      head: standardised(resolved.head, scale.mean, scale.deviation),
      name: resolved.name,
      optimizer: resolved.optimizerName,
      trained: result.trained,
      crossValidation: [],
      epoch: result.epoch,
      ...(trainLoss === undefined ? {} : { trainLoss }),
      artifacts: alone[member]!,
      scale,
      last: result.last,
    };
  });
}

/** The graphs of one member by itself: what its run leaves as artifacts. */
function artifactsOf(train: SplitFeatures, { times }: MemberShare, task: Task, resolved: ResolvedHead): HeadArtifacts {
  const rows = timesOfRows(train, times);
  return trainHead({
    features: train.width,
    classes: task.classes,
    head: resolved.head,
    loss: lossOf(train, task, resolved, rows),
    optimizer: resolved.optimizer,
  });
}

/** The encoded graphs of all. */
function stackedArtifacts(train: SplitFeatures, members: number, { classes, task }: Task, resolved: ResolvedHead) {
  const { name, hidden, dropout, labelSmoothing, optimizer } = resolved;
  const base = task === 'single' ? crossEntropy({ labelSmoothing }) : sigmoidCrossEntropy({ labelSmoothing });
  const { epoch, evaluation, parameters, slots, dropouts } = trainHead({
    features: train.width,
    classes,
    head: stacked({ members, hidden: name === 'linear' ? [] : hidden, dropout }),
    loss: membersLoss(base, members),
    optimizer,
  });
  return { epoch: encodeModel(epoch), evaluation: encodeModel(evaluation), classes, parameters, slots, dropouts };
}

/** What each row weighs for each member, in training and where it is judged. */
function weighedFeatures(
  { train, validation }: MembersFeatures,
  members: readonly MemberToFit[],
  { classes, task }: Task,
  { classWeights }: ResolvedHead,
): { readonly weighed: WeighedFeatures; readonly judged: WeighedFeatures } {
  const isBalanced = classWeights === 'balanced' && task === 'single';
  const labels = isBalanced ? Array.from(elements(train.labels) as BigInt64Array, Number) : undefined;
  const weights = new Float32Array(train.count * members.length);
  for (const [member, { share }] of members.entries()) {
    const times = timesOfRows(train, share.times);
    const ofClass = labels && balancedWeights(train, classes, times);
    for (let row = 0; row < train.count; row++)
      weights[row * members.length + member] = times[row]! * (ofClass?.[labels![row]!] ?? 1);
  }
  const isOwn = members.every(({ share }) => share.judged === undefined);
  const held = isOwn ? validation : featuresOf(train, [...train.items.keys()]);
  const judging = new Float32Array(held.count * members.length).fill(Number(isOwn));
  for (const [member, { share }] of members.entries())
    for (const row of share.judged ?? []) judging[row * members.length + member] = 1;
  return { weighed: { ...train, weights }, judged: { ...held, weights: judging } };
}

/** How often each row trains: as often as its picture. */
const timesOfRows = ({ count, groups }: SplitFeatures, times: Uint32Array): Uint32Array =>
  Uint32Array.from({ length: count }, (_, row) => times[groups?.[row] ?? row]!);
