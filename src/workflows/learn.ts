// The learning of a transfer: a head on frozen features, or a trunk and a head together. Both give the same: a network
// from the picture tensor to features, a head, and its logits on the validation pictures.

import { join } from 'node:path';
import type { GraftError, Tensor } from '../base/index.js';
import type { Graph } from '../graph/index.js';
import type { Duplicate, Item, PictureSet } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import type { Backbone } from './backbone.js';
import { errors } from './errors.js';
import { fineTune } from './fine-tune.js';
import { fitHead, type FittedHead } from './fit-head.js';
import { withBatchNorm } from './insert-batch-norm.js';
import { headLogits } from './measure.js';
import { writeArtifacts } from './run-files.js';
import { setFeatures, type SetFeatures } from './set-features.js';
import { setRows, type SetRows } from './set-rows.js';
import type { TransferOptions } from './transfer.js';
import { trunkOf, type Trunk } from './trunk.js';
import { resolveTune } from './tune-options.js';

/** The pictures of a split that were read. */
export interface ReadPictures {
  readonly items: readonly Item[];
  /** SHA-256 of each picture's bytes. */
  readonly hashes: readonly string[];
  readonly labels: Tensor;
  readonly count: number;
}

/** What was learnt. */
export interface Learnt {
  readonly head: FittedHead;
  /** Of a run by epochs: the weights by their names in its checkpoints. */
  readonly trained?: ReadonlyMap<string, Tensor>;
  /** From the picture tensor to the features, with the weights as they are now. */
  readonly graph: Graph;
  readonly train: ReadPictures;
  readonly validation: ReadPictures;
  /** Of the validation pictures, [count, classes]. */
  readonly logits: Float32Array;
  readonly errors: readonly { readonly file: string; readonly error: GraftError }[];
  readonly duplicates: readonly Duplicate[];
  readonly cached: number;
  /** Of a trunk that trained. */
  readonly tuned?: Tuned;
}

/** What a trunk's training was. */
export interface Tuned {
  /** The value behind which it trained. */
  readonly behind: string;
  /** Weights of the trunk that trained, and the numbers in them. */
  readonly weights: number;
  readonly numbers: number;
  /** Share of validation pictures that the head alone had right. */
  readonly headAccuracy: number;
}

export interface LearnOptions extends TransferOptions {
  readonly pictures: string;
}

/** A head on frozen features. */
export async function learnHead(
  runtime: Runtime,
  backbone: Backbone,
  set: PictureSet,
  options: LearnOptions,
): Promise<Learnt> {
  const { out, resume = false, pictures } = options;
  const features = await setFeatures(runtime, backbone, set, options);
  checkAny(pictures, features);
  const task = { classes: set.classes.length, task: set.task };
  const head = await fitHead(runtime, features, task, { ...options, folder: out, resume });
  return headLearnt(runtime, backbone, set, { head, features, out });
}

/** What a head has learnt, on the pictures that it trained on and those that it is judged by; its artifacts are written. */
export async function headLearnt(
  runtime: Runtime,
  backbone: Backbone,
  set: PictureSet,
  { head, features, out }: { readonly head: FittedHead; readonly features: SetFeatures; readonly out: string },
): Promise<Learnt> {
  const logits = await headLogits(runtime, head, features.validation, set.classes.length);
  await writeArtifacts(join(out, 'artifacts'), head, set.task === 'single' ? 'cross-entropy' : 'sigmoid-cross-entropy');
  const named = head.epoch === undefined ? {} : { trained: head.trained };
  return { head, ...named, graph: backbone.graph, logits, ...features };
}

/** A trunk before it trains, and the rows that it trains on. Close the rows in `finally`. */
export interface OpenedTrunk {
  readonly trunk: Trunk;
  readonly rows: SetRows;
}

interface TrunkOptions extends LearnOptions {
  readonly unfreeze: string | readonly string[];
}

/** What lies behind a cut, and a head, together. */
export async function learnTrunk(
  runtime: Runtime,
  backbone: Backbone,
  set: PictureSet,
  options: TrunkOptions,
): Promise<Learnt> {
  const opened = await openTrunk(runtime, backbone, set, options);
  try {
    checkAny(options.pictures, opened.rows);
    return await tuneTrunk(runtime, set, opened, options);
  } finally {
    await opened.rows.close();
  }
}

/** Parts the trunk from the frozen part, and runs the pictures of a set through the latter. */
export async function openTrunk(
  runtime: Runtime,
  backbone: Backbone,
  set: PictureSet,
  options: TrunkOptions,
): Promise<OpenedTrunk> {
  const trunk = trunkOf(backbone, options.unfreeze);
  const { memory } = resolveTune(options);
  const kept = { memory: memory * 2 ** 20, scratch: join(options.out, 'scratch') };
  return { trunk, rows: await setRows(runtime, trunk.frozen, trunk.shape, set, { ...options, ...kept }) };
}

/** Fine-tunes an opened trunk. */
export async function tuneTrunk(
  runtime: Runtime,
  set: PictureSet,
  { trunk: plain, rows }: OpenedTrunk,
  options: TrunkOptions,
): Promise<Learnt> {
  const { out, resume = false } = options;
  const task = { classes: set.classes.length, task: set.task };
  const trunk = resolveTune(options).insertBatchNorm ? await withBatchNorm(runtime, plain, rows.train) : plain;
  const tuned = await fineTune(runtime, trunk, rows, task, { ...options, folder: out, resume });
  const sizes = trunk.names.map(name => tuned.trunk.get(name)!).map(({ shape }) => shape.reduce((a, b) => a * b, 1));
  return {
    head: tuned.head,
    trained: tuned.trained,
    graph: trunk.whole(tuned.trunk),
    logits: tuned.logits,
    train: rows.train,
    validation: rows.validation,
    errors: rows.errors,
    duplicates: rows.duplicates,
    cached: rows.cached,
    tuned: {
      behind: trunk.input,
      weights: sizes.length,
      numbers: sizes.reduce((a, b) => a + b, 0),
      headAccuracy: tuned.headAccuracy,
    },
  };
}

/** Refuses a set of which no picture that trains, or none that is judged by, could be read. */
export function checkAny(
  folder: string,
  read: Pick<Learnt, 'errors'> & Record<'train' | 'validation', { readonly count: number }>,
): void {
  for (const split of ['train', 'validation'] as const)
    if (read[split].count === 0) throw errors.NOTHING_LEFT({ folder, unreadable: read.errors.length });
}
