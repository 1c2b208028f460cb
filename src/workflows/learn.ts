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
import { setFeatures } from './set-features.js';
import { setRows } from './set-rows.js';
import type { TransferOptions } from './transfer.js';
import { trunkOf } from './trunk.js';
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

interface LearnOptions extends TransferOptions {
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
  const logits = await headLogits(runtime, head, features.validation, set.classes.length);
  await writeArtifacts(join(out, 'artifacts'), head, set.task === 'single' ? 'cross-entropy' : 'sigmoid-cross-entropy');
  return { head, graph: backbone.graph, logits, ...features };
}

/** What lies behind a cut, and a head, together. */
export async function learnTrunk(
  runtime: Runtime,
  backbone: Backbone,
  set: PictureSet,
  options: LearnOptions & { readonly unfreeze: string | readonly string[] },
): Promise<Learnt> {
  const { out, resume = false, pictures } = options;
  const plain = trunkOf(backbone, options.unfreeze);
  const { memory, insertBatchNorm } = resolveTune(options);
  const rows = await setRows(runtime, plain.frozen, plain.shape, set, {
    ...options,
    memory: memory * 2 ** 20,
    scratch: join(out, 'scratch'),
  });
  try {
    checkAny(pictures, rows);
    const task = { classes: set.classes.length, task: set.task };
    const trunk = insertBatchNorm ? await withBatchNorm(runtime, plain, rows.train) : plain;
    const tuned = await fineTune(runtime, trunk, rows, task, { ...options, folder: out, resume });
    const sizes = trunk.names.map(name => tuned.trunk.get(name)!).map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    return {
      head: tuned.head,
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
  } finally {
    await rows.close();
  }
}

function checkAny(
  folder: string,
  read: Pick<Learnt, 'errors'> & Record<'train' | 'validation', { readonly count: number }>,
): void {
  for (const split of ['train', 'validation'] as const)
    if (read[split].count === 0) throw errors.NOTHING_LEFT({ folder, unreadable: read.errors.length });
}
