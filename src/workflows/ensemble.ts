// graft ensemble: several members to one bundle.
//   open the members → find the pictures that choose → ask the members once → judge ways to combine them, crosswise
//   → fit the best to all pictures → fuse into one graph, hold it to what was computed → ship with its report

import {
  checkDisjoint,
  ensembleRows,
  ensembleVerdict,
  type CalibratorKind,
  type EnsembleTable,
  type Evaluation,
  type Truth,
} from '../evaluation/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Asked } from './ensemble-answers.js';
import { askingOf } from './ensemble-ask.js';
import { choicesOf } from './ensemble-candidates.js';
import {
  judge,
  partsOf,
  settle,
  topOf,
  withCalibrator,
  winnerOf,
  type Candidate,
  type Judged,
  type JudgeOptions,
  type Parts,
} from './ensemble-choose.js';
import { isMember, leavesOf, type LeafNode } from './ensemble-leaves.js';
import { openNetworks, type Networks } from './ensemble-networks.js';
import { choosingPictures, type ChoosingPictures } from './ensemble-pictures.js';
import { shipEnsemble, type Shipped } from './ensemble-ship.js';
import { flopsOfTree } from './ensemble-cost.js';
import type { EnsembleOptions } from './ensemble-options.js';
import { errors } from './errors.js';
import type { OpenedMember } from './members.js';

/** What an ensemble is, and what it is worth. */
export interface EnsembleResult extends Shipped {
  /** Members and combinations, cross-fitted on the pictures that choose; the one shipped is `chosen`. */
  readonly table: EnsembleTable;
  /** In a sentence: whether averaging helped. */
  readonly verdict: string;
  readonly chosen: string;
  /** Of the one shipped, cross-fitted; calibrated, and as pooled. */
  readonly evaluation: Evaluation;
  readonly uncalibrated: Evaluation;
  /** Whether members are calibrated before they are pooled, and how the pool is. */
  readonly calibration: { readonly memberFirst: boolean; readonly kind: CalibratorKind };
  /** Pictures that chose, and that calibrated; the same where figures are cross-fitted alone. */
  readonly counts: { readonly select: number; readonly calibrate: number; readonly isShared: boolean };
  /** Out-of-fold answers stand for all members: nothing could be compared. */
  readonly isOutOfFold: boolean;
}

/**
 * Combines members into one bundle.
 *
 * @param members bundles, runs, checkpoints of runs (`run@snapshots`); empty with a recipe
 * @throws GRAFT_NO_MEMBER, GRAFT_MEMBERS_DIFFER, GRAFT_NOTHING_COMMON, RECIPE_…, ENSEMBLE_…, EVALUATION_…, DISK_…
 * @example
 * const { verdict } = await ensemble(['run-a', 'run-b'], { out: 'ensemble' }, nodeRuntime());
 */
export async function ensemble(
  members: readonly string[],
  options: EnsembleOptions,
  runtime: Runtime,
): Promise<EnsembleResult> {
  const { metric = 'negativeLogLikelihood', seed = 0, calibrate = 'auto', onProgress, onWarning } = options;
  const choices = await choicesOf(members, options);
  const first = leavesIn(choices.singles, choices.leaves);
  const networks = first.flatMap(leaf => leaf.networks);
  checkSame(networks);
  const chosenBy = await choosingPictures(networks, options);
  const asked = askedOf(networks[0]!, chosenBy);
  const parts = partsOf(asked, seed);
  checkParts(networks, chosenBy, parts);
  const ask = askingOf(runtime, networks, chosenBy, asked, options);
  const open = async (of: readonly LeafNode[]) =>
    openNetworks(of, { asked, ask, seed, ...(onWarning ? { onWarning } : {}) });
  const kind = calibrate === 'auto' ? 'temperature' : calibrate;
  const judgeAll = async (candidates: readonly Candidate[], judging: JudgeOptions) => {
    const judged: Judged[] = [];
    for (const candidate of candidates) {
      options.signal?.throwIfAborted();
      judged.push(await judge(candidate, asked, kind, judging));
      onProgress?.({ what: 'judging', done: judged.length, total: candidates.length, note: candidate.name });
    }
    return judged;
  };

  const judgingBy = ({ measured, frame }: Networks): JudgeOptions => ({
    metric,
    seed,
    parts,
    measured,
    costOf: fusion => flopsOfTree(fusion, frame),
  });
  const singles = await judgeAll(choices.singles, judgingBy(await open(first)));
  // out of fold every member has the same answers: nothing to compare
  const combined = choices
    .combined(topOf(singles, chosenBy.owners ? undefined : options.top, metric))
    .filter(({ name }) => !chosenBy.owners || name === 'average' || name === 'recipe');
  const all = leavesIn([...choices.singles, ...combined], []);
  const judging = judgingBy(await open(all));
  const judged = [...singles, ...(await judgeAll(combined, judging))];
  const winner = chosenBy.owners ? judged.at(-1)! : winnerOf(judged, metric);
  const best = calibrate === 'auto' ? await withCalibrator(winner, asked, judging) : winner;
  const table = ensembleRows(
    judged.map(one => ({
      name: one.name,
      kind: isMember(one.node) ? 'member' : 'combination',
      predictions: one.name === best.name ? best.predictions : one.predictions,
      cost: one.cost,
    })),
    { chosen: judged.indexOf(winner), seed },
  );
  // the picture of the one that ships may be smaller than that of all
  const own = await open(leavesOf(best.node));
  const final = await settle(best, asked, judgingBy(own));
  const shipped = await shipEnsemble(runtime, { asked, networks: leavesOf(best.node).flatMap(leaf => leaf.networks), chosenBy, parts, best, final, frame: own.frame, identities: own.identities, table, judged, options }); // prettier-ignore
  return {
    ...shipped,
    table,
    verdict: ensembleVerdict(table),
    chosen: best.name,
    evaluation: best.evaluation,
    uncalibrated: best.uncalibrated,
    calibration: { memberFirst: best.memberFirst, kind: best.kind },
    counts: { select: parts.select.length, calibrate: parts.calibrate.length, isShared: parts.isShared },
    isOutOfFold: chosenBy.owners !== undefined,
  };
}

/** Every network of candidates, once. */
const leavesIn = (candidates: readonly Candidate[], more: readonly LeafNode[]): LeafNode[] => [
  ...new Set([...candidates.flatMap(({ node }) => leavesOf(node)), ...more]),
];

/** Members that go together tell the same labels apart. */
function checkSame(networks: readonly OpenedMember[]): void {
  const [first] = networks as [OpenedMember];
  for (const { name, bundle } of networks) {
    const { labels, task } = bundle.manifest;
    const differ = (what: string, firstHas: string, secondHas: string) =>
      errors.MEMBERS_DIFFER({ what, first: first.name, firstHas, second: name, secondHas });
    const wanted = first.bundle.manifest;
    if (task !== wanted.task) throw differ('the task', wanted.task, task);
    if (labels.join('\n') !== wanted.labels.join('\n'))
      throw differ('the labels', wanted.labels.slice(0, 8).join(', '), labels.slice(0, 8).join(', '));
  }
}

/** The pictures and their truth, as arrays. */
function askedOf({ bundle }: OpenedMember, { labels, files }: ChoosingPictures): Asked {
  const { labels: classes, task } = bundle.manifest;
  return { classes, task, truth: truthOf(labels, classes.length, task), count: files.length };
}

function truthOf(labels: ChoosingPictures['labels'], K: number, task: Asked['task']): Truth {
  if (task === 'single') return { labels: labels as readonly number[] };
  const targets = new Float32Array(labels.length * K);
  labels.forEach((list, row) => {
    for (const place of [list].flat()) targets[row * K + place] = 1;
  });
  return { targets };
}

/** No picture trains, chooses and calibrates: held by content. */
function checkParts(networks: readonly OpenedMember[], { hashes, owners }: ChoosingPictures, parts: Parts): void {
  if (owners) return; // each member was held to its own part
  const at = (rows: readonly number[]) => rows.map(row => hashes[row]!);
  const train = new Set(networks.flatMap(({ bundle }) => bundle.manifest.data.train));
  const chooses: [string, readonly string[]][] = parts.isShared
    ? [['validation', hashes]]
    : [['select', at(parts.select)], ['calibrate', at(parts.calibrate)]]; // prettier-ignore
  checkDisjoint(new Map([['train', [...train]], ...chooses]));
}
