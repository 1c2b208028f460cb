// graft ensemble: several members to one bundle.
//   open the members → find the pictures that choose → ask the members once → judge ways to combine them, crosswise
//   → fit the best to all pictures → fuse into one graph, hold it to what was computed → ship with its report

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkDisjoint,
  ensembleRows,
  ensembleVerdict,
  type CalibratorKind,
  type EnsembleTable,
  type Evaluation,
  type MetricName,
  type Truth,
} from '../evaluation/index.js';
import type { Fusion } from '../ensembles/index.js';
import type { Runtime } from '../runtime/index.js';
import type { Asked } from './ensemble-answers.js';
import { askingOf } from './ensemble-ask.js';
import { choicesOf, distinct } from './ensemble-candidates.js';
import { compare, leavesIn } from './ensemble-compare.js';
import { partsOf, settle, type Parts } from './ensemble-choose.js';
import { isMember, leavesOf, type LeafNode } from './ensemble-leaves.js';
import { openNetworks } from './ensemble-networks.js';
import { checkOptions, type EnsembleOptions } from './ensemble-options.js';
import { choosingPictures, type ChoosingPictures } from './ensemble-pictures.js';
import { rungsOf } from './ensemble-rungs.js';
import { shipEnsemble, type Shipped } from './ensemble-ship.js';
import { errors } from './errors.js';
import type { OpenedMember } from './members.js';
import { restating } from './training-sample.js';

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
  /** What costs are in, of one picture. */
  readonly costUnit: 'flops' | 'ms';
}

/**
 * Combines members into one bundle.
 *
 * @param members bundles, runs, checkpoints of runs (`run@snapshots`); empty with a recipe
 * @throws GRAFT_NO_MEMBER, GRAFT_MEMBERS_DIFFER, GRAFT_NOTHING_COMMON, RECIPE_…, ENSEMBLE_…, EVALUATION_…, DISK_…
 * @example
 * const { out } = await trainMembers('pictures/', { backbone: 'squeezenet1.1.onnx', out: 'members', bagging: 2 }, nodeRuntime());
 * const { verdict } = await ensemble([out], { out: 'ensemble' }, nodeRuntime());
 */
export async function ensemble(
  members: readonly string[],
  options: EnsembleOptions,
  runtime: Runtime,
): Promise<EnsembleResult> {
  const { seed = 0, metric = 'negativeLogLikelihood', out, force = false } = options;
  checkOptions(members, options);
  if (!force && (await isTaken(out))) throw errors.OUT_EXISTS({ path: out });
  const warn = tellingOnce(options.onWarning);
  const restate = restating(runtime, { ...options, onWarning: warn });
  const choices = await choicesOf(members, options, { ...options, runtime, restate });
  const networks = distinct(leavesIn(choices.singles, choices.leaves).flatMap(leaf => leaf.networks));
  checkSame(networks);
  checkTask(networks[0]!, options);
  const chosenBy = await choosingPictures(networks, { ...options, onWarning: warn });
  const asked = askedOf(networks[0]!, chosenBy);
  const parts = partsOf(asked, seed);
  checkParts(networks, chosenBy, parts);
  const isOutOfFold = chosenBy.owners !== undefined;
  const ask = askingOf(runtime, networks, chosenBy, asked, options);
  // one of several soups that is tried is no news
  const isAskedFor = options.recipe !== undefined || options.combine === 'soup';
  const open = async (of: readonly LeafNode[]) =>
    openNetworks(of, { asked, ask, seed, restate, ...(isAskedFor ? { onWarning: warn } : {}) });
  const compared = await compare(choices, { runtime, asked, parts, isOutOfFold, options, open });
  const { judged, chosen, reference, best, costs } = compared;
  const table = ensembleRows(
    judged.map((one, i) => ({
      name: i === reference && !isMember(one.node) ? `the best of ${choices.singles.length}` : one.name,
      kind: i === reference || isMember(one.node) ? 'member' : 'combination',
      predictions: i === chosen ? best.predictions : one.predictions,
      cost: one.cost,
    })),
    { chosen, reference, seed, metrics: [...new Set<MetricName>([metric, 'negativeLogLikelihood', 'accuracy'])] },
  );
  // the picture of the one that ships may be smaller than that of all
  const own = await open(leavesOf(best.node));
  const settling = { metric, seed, parts, measured: own.measured };
  const final = await settle(best, asked, { ...settling, costOf: fusion => costs.costOf(fusion, own.frame) });
  const rungs = isOutOfFold
    ? []
    : await rungsOf({ asked, compared, final, own, judging: { metric, seed, parts }, open });
  const shipped = await shipEnsemble(runtime, { asked, chosenBy, parts, final, own, table, compared, rungs, options });
  return {
    ...shipped,
    table,
    verdict: isOutOfFold ? outOfFoldVerdict(networks.length) : ensembleVerdict(table),
    chosen: table.rows[chosen]!.name,
    evaluation: best.evaluation,
    uncalibrated: best.uncalibrated,
    calibration: { memberFirst: isPooled(final.answer.fusion) && best.memberFirst, kind: final.calibration.kind },
    counts: { select: parts.select.length, calibrate: parts.calibrate.length, isShared: parts.isShared },
    isOutOfFold,
    costUnit: costs.unit,
  };
}

/** Whether something is averaged: of one network the two temperatures are one. */
const isPooled = ({ kind }: Fusion): boolean => kind !== 'member';

const outOfFoldVerdict = (count: number): string =>
  `Whether averaging helped cannot be told: every picture trained all of the ${count} members but one, and the figures are of that one's answers. The average of all is what ships.`;

/** Whether a bundle is there. */
const isTaken = (folder: string): Promise<boolean> =>
  stat(join(folder, 'manifest.json')).then(
    () => true,
    () => false,
  );

/** The same warning is not said twice. */
function tellingOnce(tell?: (text: string) => void): (text: string) => void {
  const told = new Set<string>();
  return text => {
    if (!told.has(text)) tell?.(text);
    told.add(text);
  };
}

/** What is not said of several labels is refused before anything is asked. */
function checkTask({ bundle: { manifest } }: OpenedMember, { coverage, combine, calibrate }: EnsembleOptions): void {
  const { task, labels } = manifest;
  const wrong = (option: string, found: string, wanted: string) => errors.ENSEMBLE_OPTION({ option, found, wanted });
  if (coverage !== undefined && task !== 'single') throw errors.SETS({ task });
  if (combine === 'rank' && task !== 'single') throw wrong('--combine', combine, 'another: ranks are of one label a picture'); // prettier-ignore
  if (calibrate === 'isotonic' && (task !== 'single' || labels.length !== 2)) throw wrong('--calibrate', calibrate, 'another: isotonic is of two classes'); // prettier-ignore
}

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
