// The learning of several members: the pictures go through the backbone once, then each member learns on its part of
// the features. Heads that are trained by epochs learn in one graph, all at once; heads by L-BFGS and trunks one after
// the other.

import { join } from 'node:path';
import type { PictureSet } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import { rowsOf } from '../training/index.js';
import type { Backbone } from './backbone.js';
import { fitHead, type FittedHead } from './fit-head.js';
import { fitMembers } from './fit-members.js';
import { resolveHead } from './head-options.js';
import { wantsEpochs } from './kept-options.js';
import { checkAny, headLearnt, openTrunk, tuneTrunk, type Learnt, type LearnOptions } from './learn.js';
import { sharesOf, type MemberPlan, type MemberShare } from './member-shares.js';
import { featuresOf, featuresSeen, rowsSeen } from './member-split.js';
import type { Progress } from './progress.js';
import type { RunFolder } from './run-folder.js';
import { setFeatures, type SetFeatures, type SplitFeatures } from './set-features.js';

/** A member that is to learn, with its run's folder open. */
export interface Learner {
  readonly plan: MemberPlan;
  readonly run: RunFolder;
  /** Whether its run was begun before. */
  readonly isBegun: boolean;
}

/** What the members learn on. */
export interface MembersTask {
  readonly runtime: Runtime;
  readonly backbone: Backbone;
  readonly set: PictureSet;
  /** All members, in order. */
  readonly plans: readonly MemberPlan[];
  /** Opens the run of a member that is not complete; undefined where it is. */
  readonly open: (plan: MemberPlan) => Promise<Learner | undefined>;
}

/** Weights of all members beyond which a step waits for memory: ten in one graph then take longer than ten in turn. */
const mostWeights = 1 << 20;

/** Whether the heads of options learn in one graph. */
function learnAtOnce(options: LearnOptions, plans: readonly MemberPlan[], features: number, classes: number): boolean {
  // snapshots, averages and kept epochs are of runs that walk by themselves
  if (wantsEpochs(options)) return false;
  const { optimizerName, name, hidden } = resolveHead(options);
  // Linear heads start at zero and drop nothing: what tells their seeds apart is the order, which one graph shares.
  if (optimizerName === 'lbfgs' || (name === 'linear' && plans.some(({ kind }) => kind === 'run'))) return false;
  const widths = [features, ...(name === 'linear' ? [] : hidden), classes];
  const weights = widths.slice(1).reduce((sum, width, i) => sum + width * widths[i]!, 0);
  return plans.length * weights <= mostWeights;
}

/**
 * Gives what each member that is not complete has learnt, one at a time.
 *
 * @throws GRAFT_MEMBERS, and what a single run throws
 */
export async function* learnMembers(
  at: MembersTask,
  options: LearnOptions,
): AsyncGenerator<{ readonly learner: Learner; readonly learnt: Learnt }, void, undefined> {
  const { unfreeze } = options;
  if (unfreeze !== undefined) yield* trunks(at, { ...options, unfreeze });
  else yield* heads(at, options);
}

async function* heads({ runtime, backbone, set, plans, open }: MembersTask, options: LearnOptions) {
  const features = await setFeatures(runtime, backbone, set, options);
  checkRead(set, features, options);
  const shares = sharesOf(plans, sharedPictures(set, features.train), options.seed);
  const task = { classes: set.classes.length, task: set.task };
  const learnt = async (member: number, { run }: Learner, fit: (seen: SetFeatures) => Promise<FittedHead>) => {
    const seen = { ...features, ...featuresSeenBy(features, shares[member]!) };
    return headLearnt(runtime, backbone, set, { head: await fit(seen), features: seen, out: run.path });
  };
  if (!learnAtOnce(options, plans, features.train.width, task.classes)) {
    for (const [member, plan] of plans.entries()) {
      const learner = await open(plan);
      if (!learner) continue;
      const own = { ...ownOptions(options, learner, member, plans.length), folder: learner.run.path };
      yield { learner, learnt: await learnt(member, learner, seen => fitHead(runtime, seen, task, own)) };
    }
    return;
  }
  const learners: (Learner | undefined)[] = [];
  for (const plan of plans) learners.push(await open(plan));
  const members = plans.map(({ folder, seed }, member) => ({
    folder: join(options.out, folder),
    seed,
    share: shares[member]!,
    isComplete: learners[member] === undefined,
  }));
  const resume = learners.every(learner => learner?.isBegun ?? true);
  const fitted = await fitMembers(runtime, features, members, task, { ...options, resume });
  for (const [member, learner] of learners.entries())
    if (learner) yield { learner, learnt: await learnt(member, learner, () => Promise.resolve(fitted[member]!)) };
}

async function* trunks(
  { runtime, backbone, set, plans, open }: MembersTask,
  options: LearnOptions & { readonly unfreeze: string | readonly string[] },
) {
  const { trunk, rows } = await openTrunk(runtime, backbone, set, options);
  try {
    checkRead(set, rows, options);
    const shares = sharesOf(plans, sharedPictures(set, rows.train), options.seed);
    for (const [member, plan] of plans.entries()) {
      const learner = await open(plan);
      if (!learner) continue;
      const own = { ...ownOptions(options, learner, member, plans.length), unfreeze: options.unfreeze };
      const { times, judged } = shares[member]!;
      const seen = {
        ...rows,
        train: rowsSeen(rows.train, times),
        validation: judged ? rowsSeen(rows.train, onceEach(judged, times.length)) : rows.validation,
      };
      yield { learner, learnt: await tuneTrunk(runtime, set, { trunk, rows: seen }, own) };
    }
  } finally {
    await rows.close();
  }
}

/** The features that a member trains on and those that it is judged by. */
function featuresSeenBy({ train, validation }: SetFeatures, { times, judged }: MemberShare) {
  return { train: featuresSeen(train, times), validation: judged ? featuresOf(train, judged) : validation };
}

const onceEach = (pictures: readonly number[], count: number): Uint8Array => {
  const times = new Uint8Array(count);
  for (const picture of pictures) times[picture] = 1;
  return times;
};

/** What parts the training pictures: their own rows come first. */
const sharedPictures = (set: PictureSet, { labels, hashes }: Pick<SplitFeatures, 'labels' | 'hashes'>) => ({
  ...set,
  hashes,
  labels: rowsOf(labels, [...hashes.keys()]),
});

/** The options of one member's run; its progress is a part of that of all. */
function ownOptions(options: LearnOptions, { plan, run, isBegun }: Learner, member: number, members: number) {
  const { onProgress } = options;
  const told = (at: Progress) => {
    const note = [`member ${member + 1} of ${members}`, ...(at.note === undefined ? [] : [at.note])].join(', ');
    onProgress?.({ ...at, done: member * at.total + at.done, total: members * at.total, note });
  };
  return { ...options, out: run.path, seed: plan.seed, resume: isBegun, onProgress: told };
}

/** Refuses a set of which nothing could be read. Folds without validation pictures are judged by pictures that train. */
function checkRead(
  { splits }: PictureSet,
  read: Pick<Learnt, 'errors'> & Record<'train' | 'validation', { readonly count: number }>,
  { pictures }: LearnOptions,
): void {
  checkAny(pictures, splits.has('validation') ? read : { ...read, validation: read.train });
}
