// graft train: from a published network and a folder of pictures to a bundle.
//   list the pictures → open the backbone → featurize → train the head → measure and calibrate → ship in one graph

import type { GraftError } from '../base/index.js';
import type { Manifest } from '../bundle/index.js';
import type { Evaluation } from '../evaluation/index.js';
import { readSource, type AllowedFormat, type Duplicate, type Stray } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import { resolveAugment, type AugmentOptions } from './augment-options.js';
import { openBackbone, type Backbone, type BackboneOptions } from './backbone.js';
import { completeRun } from './complete-run.js';
import type { SwaFigures } from './fit-head.js';
import { resolveHead, type HeadOptions } from './head-options.js';
import { learnHead, learnTrunk, type Tuned } from './learn.js';
import type { EpochTold, Progress } from './progress.js';
import { openRunFolder } from './run-folder.js';
import { headOnly, resolveTune, type TuneOptions } from './tune-options.js';
import { versionsOf } from './version.js';

/** Options of {@link transfer}. */
export interface TransferOptions extends BackboneOptions, HeadOptions, AugmentOptions, TuneOptions {
  /** The `.onnx` network whose features are used. */
  readonly backbone: string;
  /** The folder of the run; the bundle goes into `bundle/` inside it. */
  readonly out: string;
  /** Share of each class held out where the pictures have no validation folder, above 0 and below 1. @default 0.2 */
  readonly validation?: number;
  /** The folder of the feature cache, or false for none. @default $XDG_CACHE_HOME/onnx-graft, or ~/.cache/onnx-graft */
  readonly cache?: string | false;
  /** Formats beside JPEG, PNG, WebP and GIF. @default [] */
  readonly allowFormats?: readonly AllowedFormat[];
  /** Write over a run that is there. @default false */
  readonly force?: boolean;
  /** Go on with the run in `out`, from its newest checkpoint; the options must be those it was begun with. @default false */
  readonly resume?: boolean;
  readonly onProgress?: (at: Progress) => void;
  /** Told of each epoch of a trunk that trains; of the head alone as epoch 0. */
  readonly onEpoch?: (at: EpochTold) => void;
  readonly onWarning?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What a transfer made. */
export interface TransferResult {
  /** The bundle's folder. */
  readonly bundle: string;
  readonly manifest: Manifest;
  /** Figures on the validation pictures, which also chose strength and temperature. */
  readonly evaluation: Evaluation;
  readonly classes: readonly string[];
  readonly counts: { readonly train: number; readonly validation: number; readonly cached: number };
  readonly head: {
    readonly name: string;
    readonly optimizer: string;
    /** Of L-BFGS: C, as cross-validation chose it. */
    readonly strength?: number;
    /** Of epochs: the one that the weights are of. */
    readonly epoch?: number;
    readonly trainLoss?: number;
    /** Ends of the cycles: the epochs of `run@snapshots`. */
    readonly snapshots?: readonly number[];
    /** What the averaged weights are worth, `run@swa`. */
    readonly swa?: SwaFigures;
    readonly temperature: number;
  };
  readonly backbone: { readonly at: string; readonly features: number; readonly recipe: string };
  /** Of a trunk that trained: where, how much, and what the head alone was worth. */
  readonly tuned?: Tuned;
  readonly errors: readonly { readonly file: string; readonly error: GraftError }[];
  readonly stray: readonly Stray[];
  readonly duplicates: readonly Duplicate[];
}

/**
 * Trains a classifier of your pictures on the features of a published network and writes it as a bundle.
 *
 * @param pictures a folder with one folder per class (perhaps inside `train/` and `val/`), a CSV or a JSON-lines manifest
 * @throws DATA_…, AUGMENT_…, PREPROCESSING_UNKNOWN, ONNX_…, GRAFT_OUT_EXISTS, DISK_…
 * @example
 * const { bundle, evaluation } = await transfer('pictures/', { backbone: 'squeezenet1.1.onnx', out: 'run' }, nodeRuntime());
 */
export async function transfer(pictures: string, options: TransferOptions, runtime: Runtime): Promise<TransferResult> {
  const { out, force = false, resume = false, validation = 0.2, seed = 0 } = options;
  const set = await readSource(pictures, { validation, seed });
  const backbone = openBackbone(options.backbone, options);
  const run = await openRunFolder(out, runJson(pictures, options, backbone, runtime), { force, resume });
  try {
    const { unfreeze } = options;
    const learnt =
      unfreeze === undefined
        ? await learnHead(runtime, backbone, set, { ...options, pictures })
        : await learnTrunk(runtime, backbone, set, { ...options, pictures, unfreeze });
    return await completeRun(run, { set, backbone, learnt, options, runtime });
  } finally {
    await run.release();
  }
}

/** Everything that decides the run, resolved. */
export function runJson(pictures: string, options: TransferOptions, backbone: Backbone, runtime: Runtime): object {
  const {
    onProgress: _p,
    onEpoch: _e,
    onWarning: _w,
    signal: _s,
    force: _f,
    resume: _r,
    cache: _c,
    out: _o,
    ...rest
  } = options;
  const { augment: _a, augmentViews: _v, ...said } = rest;
  const augmented = resolveAugment(options);
  return {
    version: 1,
    pictures,
    options: {
      ...said,
      ...trainingJson(options),
      ...(augmented ? { augment: augmented.text, augmentViews: augmented.views } : {}),
      validation: said.validation ?? 0.2,
      at: backbone.at,
    },
    backbone: { sha256: backbone.file.sha256, preprocessing: backbone.preprocessing, pixels: backbone.pixels },
    seeds: { run: said.seed ?? 0 },
    versions: versionsOf(runtime),
  };
}

/** How it trains, with every default. */
function trainingJson(options: TransferOptions): object {
  const isTuned = options.unfreeze !== undefined;
  const {
    head: _h,
    optimizer: _z,
    schedule: _y,
    name,
    optimizerName,
    scheduleName,
    ...resolved
  } = resolveHead(isTuned ? headOnly(options) : options);
  const head = { ...resolved, head: name, optimizer: optimizerName, schedule: scheduleName };
  if (!isTuned) return head;
  const { optimizer: _o, schedule: _s, optimizerName: by, scheduleName: along, ...tune } = resolveTune(options);
  return { ...head, ...tune, optimizer: by, schedule: along };
}
