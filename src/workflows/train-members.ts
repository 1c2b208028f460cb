// graft train --folds, --runs, --bagging: several members from one command, each a complete run in `members/` below the
// folder of the whole. The pictures are read and featurized once; run.json on top names the members.

import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { GraftError } from '../base/index.js';
import type { Manifest } from '../bundle/index.js';
import { readBundle } from '../bundle/node.js';
import { readSource, type Duplicate, type PictureSet, type Stray } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import { openBackbone } from './backbone.js';
import { completeRun } from './complete-run.js';
import { errors } from './errors.js';
import { resolveHead } from './head-options.js';
import { learnMembers, type Learner } from './learn-members.js';
import { membersOf, type MemberPlan, type MembersOptions } from './member-shares.js';
import { openRunFolder, type RunFolder } from './run-folder.js';
import { runJson, type TransferOptions } from './transfer.js';

/** Options of {@link trainMembers}: those of a single run, and one of `folds`, `runs` and `bagging`. */
export interface TrainMembersOptions extends TransferOptions, MembersOptions {
  /** Told of each member as it is complete. */
  readonly onMember?: (at: TrainedMember) => void;
}

/** A member that was trained. */
export interface TrainedMember extends MemberPlan {
  /** The bundle's folder. */
  readonly bundle: string;
  /** Different pictures that it trained on, and those that chose its epoch, strength and temperature. */
  readonly counts: { readonly train: number; readonly validation: number };
  /** Figures on the latter. */
  readonly metrics: Manifest['metrics'];
}

/** What came of several members. */
export interface TrainMembersResult {
  readonly out: string;
  readonly members: readonly TrainedMember[];
  readonly classes: readonly string[];
  readonly errors: readonly { readonly file: string; readonly error: GraftError }[];
  readonly stray: readonly Stray[];
  readonly duplicates: readonly Duplicate[];
}

/**
 * Trains several members of an ensemble, each into a run folder of its own, `out/members/1` and so on.
 *
 * Folds part the training pictures, with every class in each part in its share and pictures of equal content together.
 * Where the pictures have a validation folder it judges all members, and each trains without one of the parts; where
 * they have none, that part is what its member is judged by. Runs and bootstraps hold out what a single run of the same
 * seed would, the same pictures for all. Member i has the seed `seed + i − 1`.
 *
 * @param pictures as of a single run
 * @throws GRAFT_MEMBERS where the options do not go together or would give equal members; what a single run throws
 * @example
 * const { members } = await trainMembers('pictures/', { backbone: 'squeezenet1.1.onnx', out: 'folds', folds: 5 }, nodeRuntime());
 */
export async function trainMembers(
  pictures: string,
  options: TrainMembersOptions,
  runtime: Runtime,
): Promise<TrainMembersResult> {
  const { onMember, ...own } = options;
  const { out, force = false, resume = false, validation = 0.2, seed = 0 } = options;
  const plans = membersOf(options, seed);
  checkDifferent(plans, options);
  const source = await readSource(pictures, { validation, seed });
  const set = plans[0]!.kind === 'fold' && !source.hasOwnValidation ? withoutHoldOut(source) : source;
  const backbone = openBackbone(options.backbone, options);
  const said = runJson(pictures, own, backbone, runtime);
  const whole = await openRunFolder(out, { ...said, members: plans }, { force, resume });
  const opened: RunFolder[] = [];
  try {
    if (!resume) await clear(out);
    const complete = await completeMembers(whole);
    const open = async (plan: MemberPlan): Promise<Learner | undefined> => {
      if (complete.has(plan.folder)) return undefined;
      const path = join(out, plan.folder);
      // what has no epochs has nothing to go on from
      const isBegun = hasEpochs(options) && (await isThere(join(path, 'run.json')));
      const member = { ...runJson(pictures, { ...own, seed: plan.seed }, backbone, runtime), member: plan };
      const run = await openRunFolder(path, member, isBegun ? { resume: true } : { force: true });
      opened.push(run);
      return { plan, run, isBegun };
    };
    const members = new Map<string, TrainedMember>();
    const told = (member: TrainedMember) => {
      members.set(member.folder, member);
      onMember?.(member);
    };
    for (const plan of plans) {
      if (!complete.has(plan.folder)) continue;
      const bundle = join(out, plan.folder, 'bundle');
      told(trainedMember(plan, bundle, (await readBundle(bundle)).manifest));
    }
    let failed: TrainMembersResult['errors'] = [];
    let duplicates: readonly Duplicate[] = [];
    const task = { runtime, backbone, set, plans, open };
    if (complete.size < plans.length)
      for await (const { learner, learnt } of learnMembers(task, { ...own, pictures })) {
        const { plan, run } = learner;
        ({ errors: failed, duplicates } = learnt);
        const ofMember = { ...own, out: run.path, seed: plan.seed, force: true };
        const { bundle, manifest } = await completeRun(run, { set, backbone, learnt, options: ofMember, runtime });
        await whole.record({ kind: 'member', folder: plan.folder });
        told(trainedMember(plan, bundle, manifest));
      }
    const inOrder = plans.map(({ folder }) => members.get(folder)!);
    return { out, members: inOrder, classes: set.classes, errors: failed, stray: set.stray, duplicates };
  } finally {
    for (const run of opened) await run.release();
    await whole.release();
  }
}

const hasEpochs = (options: TrainMembersOptions): boolean =>
  options.unfreeze !== undefined || resolveHead(options).optimizerName !== 'lbfgs';

/** Refuses members that would all be equal. */
function checkDifferent(plans: readonly MemberPlan[], options: TrainMembersOptions): void {
  const [first] = plans;
  if (!first) throw errors.MEMBERS({ found: 'a single run', wanted: 'one of --folds, --runs and --bagging' });
  if (first.kind !== 'run' || hasEpochs(options)) return;
  throw errors.MEMBERS({
    found: `--runs ${plans.length} of a linear head by L-BFGS, which ends at the same weights whatever the seed`,
    wanted: '--head mlp, another --optimizer or --unfreeze; or --folds or --bagging, whose members see other pictures',
  });
}

/** All pictures that train or were held out, as those that train, in the order of their names. */
function withoutHoldOut(set: PictureSet): PictureSet {
  const all = (['train', 'validation'] as const).flatMap(split => set.splits.get(split) ?? []);
  const train = all.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  return { ...set, splits: new Map([['train', train]]) };
}

/** Removes what a run that was there before has left: it would pass for a part of this one. */
async function clear(out: string): Promise<void> {
  for (const name of ['members', 'bundle', 'predictions', 'artifacts', 'report.html'])
    await rm(join(out, name), { recursive: true, force: true });
}

/** The folders of members that are complete, as the history of the whole tells. */
async function completeMembers({ path }: RunFolder): Promise<Set<string>> {
  const text = await readFile(join(path, 'history.jsonl'), 'utf8').catch(() => '');
  const events = text.split('\n').flatMap(line => {
    try {
      return [JSON.parse(line) as { kind?: unknown; folder?: unknown }];
    } catch {
      return []; // cut off while it was written
    }
  });
  return new Set(events.flatMap(({ kind, folder }) => (kind === 'member' ? [String(folder)] : [])));
}

function trainedMember(plan: MemberPlan, bundle: string, { data, metrics }: Manifest): TrainedMember {
  const { train, validation } = data;
  return {
    ...plan,
    bundle,
    counts: { train: train.length, validation: validation.length },
    metrics,
  };
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
