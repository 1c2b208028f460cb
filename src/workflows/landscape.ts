// graft landscape: loss and accuracy along the line between the weights of two networks, which tells whether a soup of
// them can work: it lies on that line. The networks of the line are asked together, so that what they share runs once.

import type { Tensor } from '../base/index.js';
import { line } from '../ensembles/index.js';
import { applyTemperature, barrierOf, evaluate, fitTemperature, negativeLogLikelihood } from '../evaluation/index.js';
import type { Model } from '../graph/index.js';
import { checkPreprocessing, testViews, type Preprocessing } from '../pictures/index.js';
import type { AllowedFormat } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import { notesOf, wordsOf, type Landscape } from './landscape-report.js';
import { memberLogits, type MeasuredMember } from './member-logits.js';
import { memberPictures, openMember, type MemberPictures, type OpenedMember } from './members.js';
import type { Progress } from './progress.js';
import { reEstimate } from './re-estimate.js';
import { errors } from './statistics-errors.js';
import { batchesOf, trainingSample } from './training-sample.js';

export interface LandscapeOptions {
  /** Networks on the line, both ends counted, 3 to 1001. @default 11 */
  readonly points?: number;
  /** Where the pictures are. @default where the first run had them */
  readonly pictures?: string;
  /** Which of the first network's pictures: those that chose it, or those that trained it. @default 'validation' */
  readonly split?: 'validation' | 'train';
  /**
   * Stored statistics of BatchNormalization that differ: mixed as weights are, or estimated anew at each inner point
   * from pictures that trained the first network. @default 'averaged'
   */
  readonly statistics?: 'averaged' | 're-estimated';
  readonly allowFormats?: readonly AllowedFormat[];
  readonly onProgress?: (at: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Pictures that statistics are estimated from, at most, and in one batch. */
const estimatedFrom = 512;
const batch = 32;
/** Weights of points that are asked together, in bytes: a network file holds 2 GiB. */
const mostBytes = 2 ** 28;

/**
 * Measures the line between two members: run folders, bundles, or checkpoints such as `run@3` and `run@last`.
 *
 * @throws ENSEMBLE_WEIGHTS where the two are not the same network; GRAFT_LANDSCAPE, GRAFT_POINTS, GRAFT_NO_MEMBER,
 *   GRAFT_PICTURES_MISSING
 * @example
 * const { out } = await trainMembers('pictures/', { backbone: 'squeezenet1.1.onnx', out: 'bags', bagging: 2 }, nodeRuntime());
 * const { verdict, words } = await landscape(`${out}/members/1`, `${out}/members/2`, {}, nodeRuntime());
 */
export async function landscape(
  from: string,
  to: string,
  options: LandscapeOptions,
  runtime: Runtime,
): Promise<Landscape> {
  const { points = 11, split = 'validation', statistics = 'averaged' } = options;
  if (!Number.isInteger(points) || points < 3 || points > 1001) throw errors.POINTS({ found: points });
  const [a, b] = [await openMember(from), await openMember(to)];
  const preprocessing = samePictures(a, b);
  const ts = Array.from({ length: points }, (_, i) => i / (points - 1));
  const { averaged, statistics: moved } = line(a.model, b.model, 0, { outputs: ['logits'] });
  if (averaged.length === 0) throw errors.LANDSCAPE({ reason: 'they have the same weights' });
  const where = options.pictures === undefined ? {} : { pictures: options.pictures };
  const pictures = await memberPictures(a, { ...where, split });
  const { labels: classes, task } = a.bundle.manifest;
  const isAnew = moved.length > 0 && statistics === 're-estimated';
  const batches = isAnew ? await someBatches(a, options) : undefined;
  const logits: Float32Array[] = [];
  for (const some of portions(ts, bytesOf(a.model, averaged))) {
    const models: Model[] = [];
    for (const t of some) {
      const { model } = line(a.model, b.model, t, { outputs: ['logits'] });
      // the ends keep the statistics that they were trained with
      const told = { layers: moved, ...(options.signal ? { signal: options.signal } : {}) };
      models.push(batches && t > 0 && t < 1 ? (await reEstimate(model, batches, told, runtime)).model : model);
    }
    logits.push(...(await logitsOf(models, { classes: classes.length, preprocessing, pictures, options, runtime })));
  }
  const judged = logits.map((at, i) => ({ t: ts[i]!, ...worth(at, pictures, classes, task) }));
  const { means, unseen: _, verdict: __, ...raw } = barrierOf(judged);
  // what is served is calibrated: a rise that a temperature takes away is none
  const cooled = barrierOf(judged.map(({ calibrated, ...point }) => ({ ...point, losses: calibrated })));
  const ofB = new Set(b.bundle.manifest.data.train);
  const trainedOn = pictures.hashes.filter(hash => ofB.has(hash)).length;
  const said = {
    from: a.name,
    to: b.name,
    split,
    count: pictures.items.length,
    trainedOn,
    statistics: moved.length === 0 ? ('none' as const) : statistics,
    different: averaged.length,
    points: judged.map(({ t, accuracy }, i) => ({ t, loss: means[i]!, calibratedLoss: cooled.means[i]!, accuracy })),
    barrier: { ...raw, calibrated: cooled.loss },
    verdict: cooled.verdict,
  };
  return { ...said, words: wordsOf(said), notes: notesOf({ ...said, unseen: cooled.unseen }) };
}

/** The recipe of pictures that both have. */
function samePictures(a: OpenedMember, b: OpenedMember): Preprocessing {
  const [one, other] = [a.bundle.manifest, b.bundle.manifest];
  if (one.task !== other.task) throw errors.LANDSCAPE({ reason: `one is ${one.task}, the other ${other.task}` });
  const place = one.labels.findIndex((label, i) => label !== other.labels[i]);
  if (place >= 0 || one.labels.length !== other.labels.length) {
    const [label, twin] = [one.labels[Math.max(0, place)], other.labels[Math.max(0, place)]];
    throw errors.LANDSCAPE({
      reason:
        place < 0 ? 'they have other labels' : `label ${place} is ${label} in one, ${twin ?? 'missing'} in the other`,
    });
  }
  const [mine, theirs] = [checkPreprocessing(one.preprocessing), checkPreprocessing(other.preprocessing)];
  const sorted = (recipe: Preprocessing) => JSON.stringify(Object.entries(recipe).sort(([x], [y]) => (x < y ? -1 : 1)));
  if (sorted(mine) !== sorted(theirs)) throw errors.LANDSCAPE({ reason: 'they see pictures prepared differently' });
  return mine;
}

/** Points whose networks are held and asked together. */
function portions(ts: readonly number[], bytes: number): number[][] {
  const together = Math.max(1, Math.floor(mostBytes / Math.max(1, bytes)));
  return Array.from({ length: Math.ceil(ts.length / together) }, (_, i) => ts.slice(i * together, (i + 1) * together));
}

const bytesOf = ({ graph }: Model, names: readonly string[]): number =>
  names.reduce((bytes, name) => bytes + (graph.initializers.get(name)?.bytes.length ?? 0), 0);

/** Pictures that trained a member, drawn by chance: of sorted ones no batch would show all classes. */
async function someBatches(
  member: OpenedMember,
  { pictures, allowFormats, signal }: LandscapeOptions,
): Promise<Tensor[]> {
  const told = {
    ...(pictures === undefined ? {} : { pictures }),
    ...(allowFormats ? { allowFormats } : {}),
    ...(signal ? { signal } : {}),
  };
  const batches: Tensor[] = [];
  for await (const one of batchesOf(await trainingSample(member, estimatedFrom, told), batch)) batches.push(one);
  return batches;
}

/** The logits of networks, [pictures, classes] each. */
async function logitsOf(
  models: readonly Model[],
  {
    classes,
    preprocessing,
    pictures,
    options,
    runtime,
  }: {
    readonly classes: number;
    readonly preprocessing: Preprocessing;
    readonly pictures: MemberPictures;
    readonly options: LandscapeOptions;
    readonly runtime: Runtime;
  },
): Promise<Float32Array[]> {
  const { views } = testViews([], preprocessing);
  const asked = { files: pictures.items.map(({ file }) => file), hashes: pictures.hashes, classes };
  // nothing is kept of points, so that they need no content of their own to be known by
  const members = models.map((model, i): MeasuredMember => {
    const name = `point ${i}`;
    return { name, model, sha256: name, group: 'line', crop: 1, views };
  });
  const { allowFormats, onProgress, signal } = options;
  const told = {
    cache: false as const,
    ...(allowFormats ? { allowFormats } : {}),
    ...(onProgress ? { onProgress } : {}),
    ...(signal ? { signal } : {}),
  };
  const found = await memberLogits(runtime, members, preprocessing, asked, told);
  return found.map(([only]) => only!);
}

/** The loss of each picture, of raw logits and at their best temperature, and the accuracy. */
function worth(
  logits: Float32Array,
  { labels }: MemberPictures,
  classes: readonly string[],
  task: 'single' | 'multi-label',
): { readonly losses: Float64Array; readonly calibrated: Float64Array; readonly accuracy: number } {
  const K = classes.length;
  const truthOf = (rows: readonly (number | readonly number[])[]) => {
    if (task === 'single') return { labels: rows as readonly number[] };
    const targets = new Float32Array(rows.length * K);
    rows.forEach((row, i) => {
      for (const place of [row].flat()) targets[i * K + place] = 1;
    });
    return { targets };
  };
  const lossesAt = (temperature: number) =>
    Float64Array.from(labels, (label, i) =>
      negativeLogLikelihood({ logits: logits.subarray(i * K, (i + 1) * K), classes, ...truthOf([label]) }, temperature),
    );
  const { temperature } = fitTemperature({ logits, classes, ...truthOf(labels) });
  const probabilities = applyTemperature({ logits, classes }, 1, task);
  const { accuracy } = evaluate({ probabilities, classes, ...truthOf(labels) }, { split: 'the line' });
  return { losses: lossesAt(1), calibrated: lossesAt(temperature), accuracy };
}
