// How a run ends: what was learnt is measured, calibrated, shipped as a bundle and reported.

import { basename, join } from 'node:path';
import { logitsOf, servingModel, withCheckpointNames } from '../artifacts/index.js';
import { writeBundle, type Bundle } from '../bundle/node.js';
import type { Manifest } from '../bundle/index.js';
import { encodeModel } from '../codec/index.js';
import { verify, type Graph } from '../graph/index.js';
import type { Evaluation } from '../evaluation/index.js';
import type { PictureSet } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import type { Backbone } from './backbone.js';
import type { Learnt } from './learn.js';
import { measure, type Measured } from './measure.js';
import { writeReport } from './report.js';
import { writePredictions } from './run-files.js';
import type { RunFolder } from './run-folder.js';
import type { TransferOptions, TransferResult } from './transfer.js';
import { versionsOf } from './version.js';

/** What a run has come to, and what it was made of. */
export interface RunToComplete {
  readonly set: PictureSet;
  readonly backbone: Backbone;
  readonly learnt: Learnt;
  readonly options: TransferOptions;
  readonly runtime: Runtime;
}

/** Writes predictions, bundle and report of a run into its folder. */
export async function completeRun(run: RunFolder, at: RunToComplete): Promise<TransferResult> {
  const { set, backbone, learnt } = at;
  const out = run.path;
  const { head, train, validation: held, tuned } = learnt;
  for (const [step, figures] of head.crossValidation.entries())
    await run.record({ kind: 'strength', step, ...figures });
  const measured = measure(learnt.logits, held, set, fileErrors(learnt));
  const { evaluation } = measured;
  await run.record({ kind: 'validation', ...headline(evaluation), temperature: measured.temperature.temperature });
  await writePredictions(join(out, 'predictions'), 'validation', measured.logits, held);
  const bundle = await ship(join(out, 'bundle'), { ...at, measured });
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
      ...(head.snapshots ? { snapshots: head.snapshots } : {}),
      ...(head.swa ? { swa: head.swa } : {}),
      temperature: measured.temperature.temperature,
    },
    backbone: { at: backbone.at, features: backbone.features, recipe: backbone.recipe },
    ...(tuned ? { tuned } : {}),
    errors: learnt.errors,
    stray: set.stray,
    duplicates: learnt.duplicates,
  };
}

const fileErrors = ({ errors: failed }: Learnt) =>
  failed.map(({ file, error: { code, message } }) => ({ file, error: { code, message } }));

/** The figures that go into the manifest. */
export function headline(evaluation: Evaluation): Record<string, unknown> {
  const { split, count, accuracy, accuracyInterval } = evaluation;
  const { negativeLogLikelihood, expectedCalibrationError, equalMassCalibrationError, brierScore } = evaluation;
  const { balancedAccuracy, macroF1, auroc } = evaluation;
  return {
    split,
    count,
    accuracy,
    accuracyInterval,
    negativeLogLikelihood,
    expectedCalibrationError,
    equalMassCalibrationError,
    brierScore,
    balancedAccuracy,
    macroF1,
    auroc,
  };
}

interface Shipment extends RunToComplete {
  readonly measured: Measured;
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
  const plain = servingModel({
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
  const model = learnt.trained ? withCheckpointNames(plain, learnt.trained) : plain;
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
