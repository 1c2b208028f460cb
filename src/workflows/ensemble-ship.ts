// An ensemble becomes a bundle: one graph, held to the answers that were computed member by member, with its recipe, its
// sets and its table in the manifest, and a report beside it.

import { join } from 'node:path';
import { floats, tensor } from '../base/index.js';
import { makeFolder, writeAtomically } from '../base/node.js';
import { writeBundle } from '../bundle/node.js';
import type { BundleMember, Manifest } from '../bundle/index.js';
import { encodeModel } from '../codec/index.js';
import { fuse, type Fusion } from '../ensembles/index.js';
import {
  diversity,
  fitOutliers,
  fitPredictionSets,
  outlierScores,
  reliability,
  reportHtml,
  topLosses,
  type EnsembleTable,
  type PredictionSetRule,
} from '../evaluation/index.js';
import { verify, type Graph, type Model } from '../graph/index.js';
import { pictureStream, thumbnail } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import { rowsAt, truthAt, type Answer, type Asked } from './ensemble-answers.js';
import type { Final, Parts } from './ensemble-choose.js';
import type { Compared } from './ensemble-compare.js';
import type { Identity, Networks } from './ensemble-networks.js';
import { isMember } from './ensemble-leaves.js';
import type { ChoosingPictures } from './ensemble-pictures.js';
import type { EnsembleOptions } from './ensemble-options.js';
import { errors } from './errors.js';
import type { OpenedMember } from './members.js';
import { printRecipe } from './recipe-line.js';
import { headline } from './complete-run.js';
import { version } from './version.js';

/** What was written. */
export interface Shipped {
  /** The bundle's folder. */
  readonly bundle: string;
  readonly report: string;
  readonly manifest: Manifest;
  /** The tree that ships, as one line. */
  readonly recipe: string;
  /** Largest difference between the fused graph's probabilities and those computed member by member. */
  readonly difference: number;
  /** Where sets were asked for. */
  readonly sets?: PredictionSetRule;
}

/** All that an ensemble is shipped from. */
export interface Shipment {
  readonly asked: Asked;
  readonly chosenBy: ChoosingPictures;
  readonly parts: Parts;
  readonly final: Final;
  /** The networks of the one that ships. */
  readonly own: Networks;
  readonly table: EnsembleTable;
  readonly compared: Compared;
  readonly options: EnsembleOptions;
}

/** Pictures that the fused graph is held to. */
const mostHeld = 32;

/** Writes the bundle and its report. */
export async function shipEnsemble(runtime: Runtime, at: Shipment): Promise<Shipped> {
  const { asked, final, table, options } = at;
  const { frame } = at.own;
  const networks = networksOf(at);
  const sets = setsOf(at);
  const outliers = outliersOf(at);
  const { labels } = networks[0]!.bundle.manifest;
  const metadata = new Map([
    ['format', 'onnx-graft-bundle'],
    ['task', asked.task],
    ['labels', JSON.stringify(labels)],
    ['preprocessing', JSON.stringify(frame)],
  ]);
  const model = fuse({
    root: final.answer.fusion,
    width: frame.width,
    height: frame.height,
    classes: asked.classes.length,
    task: asked.task,
    calibration: final.calibration,
    ...(sets ? { sets } : {}),
    ...(outliers ? { outliers } : {}),
    metadata,
  });
  verify(model);
  const bytes = encodeModel(model);
  const difference = await differenceOf(runtime, bytes, at);
  const recipe = printRecipe(final.answer.recipe);
  const manifest = manifestOf(runtime, model, at, { ...(sets ? { sets } : {}), ...(outliers ? { outliers } : {}) });
  const { force = false, out } = options;
  const bundle = await writeBundle(out, bytes, manifest, { force });
  const report = join(out, 'report.html');
  await makeFolder(out);
  await writeAtomically(report, await reportOf(at, table, recipe), { force: true });
  return { bundle: bundle.folder, report, manifest: bundle.manifest, recipe, difference, ...(sets ? { sets } : {}) };
}

/** The networks inside the one that ships, ingredients of soups too. */
function networksOf({ final, own }: Shipment): OpenedMember[] {
  const shas = new Set(membersOf(final.answer, own.identities).map(({ sha256 }) => sha256));
  return [...own.identities.values()].flatMap(({ sha256, networks }) => (shas.has(sha256) ? networks : []));
}

/** Prediction sets from pictures that calibrated nothing they are judged by. */
function setsOf({ asked, compared: { best }, parts, options }: Shipment): PredictionSetRule | undefined {
  const { coverage, sets: kind = 'threshold', onWarning } = options;
  if (coverage === undefined) return undefined;
  if (asked.task !== 'single') throw errors.SETS({ task: asked.task });
  const K = asked.classes.length;
  const probabilities = rowsAt(best.predictions.probabilities, parts.calibrate, K);
  const truth = truthAt(asked, parts.calibrate) as { labels: ArrayLike<number> };
  const fitted = fitPredictionSets({ probabilities, classes: asked.classes, ...truth }, { kind, coverage });
  if (fitted.whole)
    onWarning?.(`${fitted.count} pictures are too few for sets of coverage ${coverage}: ${fitted.needed} are needed, and until then every set is all labels`); // prettier-ignore
  return fitted.rule;
}

/** A threshold for strange pictures, on the logits of the tree's first network. */
function outliersOf({ asked, final, parts, options }: Shipment) {
  const { reject, rejectBy: kind = 'energy', onWarning } = options;
  if (reject === undefined) return undefined;
  const K = asked.classes.length;
  const { name: member, logits } = final.answer.first;
  const scores = outlierScores({ kind }, rowsAt(logits, parts.calibrate, K), K);
  const fitted = fitOutliers(scores, { falseAlarmRate: reject });
  if (fitted.never)
    onWarning?.(`${fitted.count} pictures are too few for a false-alarm rate of ${reject}: ${fitted.needed} are needed, and until then no picture is called unknown`); // prettier-ignore
  return { kind, member, threshold: fitted.threshold, falseAlarmRate: fitted.falseAlarmRate };
}

/** Runs the fused graph over some of the pictures that chose. */
async function differenceOf(runtime: Runtime, model: Uint8Array, at: Shipment): Promise<number> {
  const { chosenBy, final, asked, options } = at;
  const { frame } = at.own;
  const K = asked.classes.length;
  const files = chosenBy.files.slice(0, mostHeld);
  const session = await runtime.open(model);
  let most = 0;
  try {
    const { allowFormats = [], signal } = options;
    for await (const picture of pictureStream(files, frame, { allowFormats, ...(signal ? { signal } : {}) })) {
      // out of fold, only the pool of all members answers, and no picture is answered so
      if ('error' in picture || chosenBy.owners) continue;
      const feed = runtime.tensor(tensor('uint8', [1, frame.height, frame.width, 3], picture.pixels));
      const results = await session.run(new Map([['pictures', feed]]), ['probabilities']);
      const given = floats(await results.get('probabilities')!.read());
      for (let k = 0; k < K; k++)
        most = Math.max(most, Math.abs(given[k]! - final.probabilities[picture.index * K + k]!));
      for (const value of [feed, ...results.values()]) value.dispose();
    }
  } finally {
    await session.close();
  }
  if (most > 1e-3)
    throw errors.DIFFERENT({ what: 'the fused graph and its members', difference: most, tolerance: 1e-3 });
  return most;
}

/** What the bundle says about itself. */
function manifestOf(
  runtime: Runtime,
  model: Model,
  at: Shipment,
  rules: Pick<NonNullable<Manifest['ensemble']>, 'sets' | 'outliers'>,
): Omit<Manifest, 'files'> {
  const { asked, chosenBy, final, table, options } = at;
  const { best, front } = at.compared;
  const { frame, identities } = at.own;
  const networks = networksOf(at);
  const [first] = networks as [OpenedMember];
  const { bundle } = first;
  const train = [...new Set(networks.flatMap(one => one.bundle.manifest.data.train))];
  return {
    format: 'onnx-graft-bundle',
    version: 1,
    task: asked.task,
    labels: asked.classes,
    preprocessing: frame,
    inputs: valuesOf(model.graph.inputs),
    outputs: valuesOf(model.graph.outputs),
    backbone: bundle.manifest.backbone,
    data: { ...bundle.manifest.data, train, validation: chosenBy.hashes },
    metrics: { ...headline(best.evaluation), crossFitted: true },
    seeds: { ensemble: options.seed ?? 0 },
    versions: { 'onnx-graft': version, runtime: runtime.name, node: process.version },
    ensemble: {
      recipe: { version: 1, root: final.answer.recipe },
      members: membersOf(final.answer, identities),
      calibration: final.calibration,
      ...rules,
      ...(front.length > 0 ? { front: front.map(point => ({ ...point })) } : {}),
      comparison: table.rows.map(({ differences: _, ...row }) => ({ ...row })),
    },
  };
}

/** The networks and views of the tree, in the order of `memberProbabilities`. */
function membersOf({ fusion }: Answer, identities: ReadonlyMap<string, Identity>): BundleMember[] {
  const found: BundleMember[] = [];
  const walk = (node: Fusion, views: readonly string[]): void => {
    if (node.kind === 'member') {
      const { name } = node;
      const { sha256 } = identities.get(name)!;
      if (views.length === 0) found.push({ name, sha256 });
      else
        for (const view of views)
          found.push({ name: view === 'identity' ? name : `${name}#${view}`, sha256, views: [view] });
    } else if (node.kind === 'views')
      walk(node.member, node.views.map(({ name }) => name)); // prettier-ignore
    else if (node.kind === 'cascade')
      for (const { member } of [...node.stages, { member: node.last }]) walk(member, []);
    else for (const member of node.members) walk(member, []);
  };
  walk(fusion, []);
  return found;
}

const valuesOf = (values: Graph['inputs']) =>
  values.map(({ name, type, shape }) => ({ name, type: type ?? 'float32', shape: shape ?? [] }));

/** The report: what was compared, how members differ, mistakes of the one that ships. */
async function reportOf(at: Shipment, table: EnsembleTable, recipe: string): Promise<string> {
  const { asked, chosenBy, compared } = at;
  const { best, judged, costs } = compared;
  const networks = networksOf(at);
  const shown = 24;
  const mistakes = await Promise.all(
    topLosses(best.predictions, shown).map(async loss => {
      const picture = await thumbnail(chosenBy.files[loss.index]!).catch(() => undefined);
      return { ...loss, file: chosenBy.names[loss.index]!, ...(picture ? { thumbnail: picture } : {}) };
    }),
  );
  const members = judged.filter(({ node }) => isMember(node));
  const truth = { classes: asked.classes, ...asked.truth };
  const differing = members.map(({ name, predictions }) => ({ name, probabilities: predictions.probabilities }));
  return reportHtml({
    title: `ensemble of ${networks.length} for ${asked.classes.length} ${asked.task === 'single' ? 'classes' : 'labels'}`,
    evaluation: best.evaluation,
    reliability: reliability(best.predictions),
    mistakes,
    ensemble: {
      ...table,
      split: 'validation, cross-fitted',
      costUnit: costs.unit,
      ...(members.length > 1 ? { diversity: diversity(differing, truth) } : {}),
    },
    provenance: [
      ['recipe', recipe],
      ...networks.map(({ name, sha256 }) => [`member ${name}`, `SHA-256 ${sha256}`] as const),
      ['onnx-graft', version],
    ],
    createdWith: `onnx-graft ${version}`,
  });
}
