// graft train: from a published network and a folder of pictures to a bundle.
//   list the pictures → open the backbone → featurize → train the head → measure and calibrate → ship in one graph

import { basename, join } from 'node:path';
import type { GraftError } from '../base/index.js';
import { logitsOf, servingModel } from '../artifacts/index.js';
import { writeBundle, type Bundle } from '../bundle/node.js';
import type { Manifest } from '../bundle/index.js';
import { encodeModel } from '../codec/index.js';
import { verify, type Graph } from '../graph/index.js';
import type { Evaluation } from '../evaluation/index.js';
import { readSource, type AllowedFormat, type Duplicate, type PictureSet, type Stray } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import { resolveAugment, type AugmentOptions } from './augment-options.js';
import { openBackbone, type Backbone, type BackboneOptions } from './backbone.js';
import { resolveHead, type HeadOptions } from './head-options.js';
import { learnHead, learnTrunk, type Learnt, type Tuned } from './learn.js';
import { measure, type Measured } from './measure.js';
import type { EpochTold, Progress } from './progress.js';
import { writeReport } from './report.js';
import { writePredictions } from './run-files.js';
import { openRunFolder } from './run-folder.js';
import { headOnly, resolveTune, type TuneOptions } from './tune-options.js';
import { version } from './version.js';

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
    const { head, train, validation: held, tuned } = learnt;
    for (const [step, figures] of head.crossValidation.entries())
      await run.record({ kind: 'strength', step, ...figures });
    const measured = measure(learnt.logits, held, set, fileErrors(learnt));
    const { evaluation } = measured;
    await run.record({ kind: 'validation', ...headline(evaluation), temperature: measured.temperature.temperature });
    await writePredictions(join(out, 'predictions'), 'validation', measured.logits, held);
    const bundle = await ship(join(out, 'bundle'), { set, backbone, measured, learnt, options, runtime });
    await run.record({ kind: 'bundle', path: 'bundle' });
    const shown = { evaluation, predictions: measured.predictions, items: held.items, bundle };
    await writeReport(join(out, 'report.html'), shown, { force: true });
    return {
      bundle: bundle.folder,
      manifest: bundle.manifest,
      evaluation,
      classes: set.classes,
      counts: { train: train.items.length, validation: held.count, cached: learnt.cached },
      head: {
        name: head.name,
        optimizer: head.optimizer,
        ...(head.strength === undefined ? {} : { strength: head.strength }),
        ...(head.epoch === undefined ? {} : { epoch: head.epoch }),
        ...(head.trainLoss === undefined ? {} : { trainLoss: head.trainLoss }),
        temperature: measured.temperature.temperature,
      },
      backbone: { at: backbone.at, features: backbone.features, recipe: backbone.recipe },
      ...(tuned ? { tuned } : {}),
      errors: learnt.errors,
      stray: set.stray,
      duplicates: learnt.duplicates,
    };
  } finally {
    await run.release();
  }
}

/** Everything that decides the run, resolved. */
function runJson(pictures: string, options: TransferOptions, backbone: Backbone, runtime: Runtime): object {
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

const versionsOf = (runtime: Runtime) => ({ 'onnx-graft': version, runtime: runtime.name, node: process.version });

const fileErrors = ({ errors: failed }: Learnt) =>
  failed.map(({ file, error: { code, message } }) => ({ file, error: { code, message } }));

/** The figures that go into the manifest. */
export function headline(evaluation: Evaluation): Record<string, unknown> {
  const { split, count, accuracy, accuracyInterval } = evaluation;
  const { negativeLogLikelihood, expectedCalibrationError, brierScore } = evaluation;
  return { split, count, accuracy, accuracyInterval, negativeLogLikelihood, expectedCalibrationError, brierScore };
}

interface Shipment {
  readonly set: PictureSet;
  readonly backbone: Backbone;
  readonly measured: Measured;
  readonly learnt: Learnt;
  readonly options: TransferOptions;
  readonly runtime: Runtime;
}

/** Builds the one graph and writes the bundle. */
async function ship(folder: string, at: Shipment): Promise<Bundle> {
  const { set, backbone, measured, learnt, options, runtime } = at;
  const { head, train, validation, tuned } = learnt;
  const { preprocessing, pixels } = backbone;
  const { temperature } = measured.temperature;
  const seed = options.seed ?? 0;
  const essentials = new Map([
    ['format', 'onnx-graft-bundle'],
    ['task', set.task],
    ['labels', JSON.stringify(set.classes)],
    ['preprocessing', JSON.stringify(preprocessing)],
    ['temperature', String(temperature)],
  ]);
  const model = servingModel({
    backbone: learnt.graph,
    opsets: backbone.opsets,
    width: preprocessing.width,
    height: preprocessing.height,
    pixels,
    head: head.head,
    trained: head.trained,
    classes: set.classes.length,
    task: set.task,
    temperature,
    metadata: essentials,
  });
  verify(model);
  const counts = new Map<string, number>(set.classes.map(label => [label, 0]));
  for (const { label } of train.items)
    for (const place of [label].flat()) counts.set(set.classes[place]!, counts.get(set.classes[place]!)! + 1);
  const manifest: Omit<Manifest, 'files'> = {
    format: 'onnx-graft-bundle',
    version: 1,
    task: set.task,
    labels: set.classes,
    preprocessing,
    inputs: valuesOf(model.graph.inputs),
    outputs: valuesOf(model.graph.outputs),
    backbone: {
      file: basename(options.backbone),
      sha256: backbone.file.sha256,
      at: backbone.at,
      features: backbone.features,
      pixels,
      recipe: backbone.recipe,
      network: publishedOf(backbone),
      ...(tuned ? { tuned } : {}),
    },
    data: {
      source: basename(set.root),
      classes: Object.fromEntries(counts),
      train: train.hashes,
      validation: validation.hashes,
    },
    metrics: { ...headline(measured.evaluation), temperature },
    seeds: { run: seed },
    versions: versionsOf(runtime),
  };
  return writeBundle(folder, encodeModel(model), manifest, {
    force: (options.force ?? false) || (options.resume ?? false),
  });
}

/** The published network's own input and output, which graft merge gives back. */
function publishedOf({ model, graph }: Backbone): NonNullable<Manifest['backbone']['network']> {
  const input = graph.inputs.find(({ name }) => !graph.initializers.has(name))!.name;
  const output = model.graph.outputs[0]!.name;
  return { input, output, gives: logitsOf(model.graph) === output ? 'logits' : 'probabilities' };
}

const valuesOf = (values: Graph['inputs']) =>
  values.map(({ name, type, shape }) => ({ name, type: type ?? 'float32', shape: shape ?? [] }));
