// An ensemble becomes a bundle: one graph, held to the answers that were computed member by member, with its recipe, its
// sets and its table in the manifest, and a report beside it.

import { join } from 'node:path';
import { floats, tensor } from '../base/index.js';
import { makeFolder, writeAtomically } from '../base/node.js';
import { writeBundle } from '../bundle/node.js';
import type { BundleMember, BundleRung, Manifest } from '../bundle/index.js';
import { encodeModel } from '../codec/index.js';
import { fuse, type Fusion } from '../ensembles/index.js';
import type { EnsembleTable, PredictionSetRule } from '../evaluation/index.js';
import { verify, type Graph, type Model } from '../graph/index.js';
import { pictureStream } from '../pictures/node.js';
import type { Runtime } from '../runtime/index.js';
import type { Answer, Asked } from './ensemble-answers.js';
import type { Final, Parts } from './ensemble-choose.js';
import type { Compared } from './ensemble-compare.js';
import type { Identity, Networks } from './ensemble-networks.js';
import type { ChoosingPictures } from './ensemble-pictures.js';
import type { EnsembleOptions } from './ensemble-options.js';
import { ensembleReport } from './ensemble-report.js';
import { encodeBeside, type Rung } from './ensemble-rungs.js';
import { outliersOf, setsOf, type FittedRule } from './ensemble-rules.js';
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
  /**
   * Largest difference between the fused graph's probabilities and those computed member by member; not there where
   * out-of-fold answers stand for the members, since nobody answered as the graph does.
   */
  readonly difference?: number;
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
  /** Cheaper ways, the dearest first. */
  readonly rungs: readonly Rung[];
  readonly options: EnsembleOptions;
}

/** Pictures that the fused graph is held to. */
const mostHeld = 32;

/** Writes the bundle and its report. */
export async function shipEnsemble(runtime: Runtime, at: Shipment): Promise<Shipped> {
  const { final, options } = at;
  const networks = networksOf(at);
  const sets = setsOf(at);
  const outliers = await outliersOf(runtime, at);
  const model = fusedOf(at, final, sets, outliers);
  verify(model);
  const bytes = encodeModel(model);
  const rungs = rungFiles(at, bytes, outliers);
  const difference = await differenceOf(runtime, bytes, at);
  const recipe = printRecipe(final.answer.recipe);
  const manifest = manifestOf(runtime, model, at, { ...(sets ? { sets } : {}), ...(outliers ? { outliers: toldOf(outliers) } : {}), ...(rungs.length > 0 ? { rungs: rungs.map(({ told }) => told) } : {}) }); // prettier-ignore
  const { force = false, out } = options;
  const bundle = await writeBundle(out, bytes, manifest, { force, beside: new Map(rungs.map(({ told, bytes: own }) => [told.file, own])) }); // prettier-ignore
  const report = join(out, 'report.html');
  await makeFolder(out);
  await writeAtomically(report, await ensembleReport(at, networks, recipe), { force: true });
  return { bundle: bundle.folder, report, manifest: bundle.manifest, recipe, ...(difference === undefined ? {} : { difference }), ...(sets ? { sets } : {}) }; // prettier-ignore
}

/** One graph of a tree, with what it says beside probabilities. */
function fusedOf(
  { asked, own: { frame } }: Shipment,
  { answer, calibration }: Final,
  sets: PredictionSetRule | undefined,
  outliers: FittedRule | undefined,
): Model {
  return fuse({
    root: answer.fusion,
    width: frame.width,
    height: frame.height,
    classes: asked.classes.length,
    task: asked.task,
    calibration,
    ...(sets ? { sets } : {}),
    ...(outliers ? { outliers } : {}),
    metadata: new Map([
      ['format', 'onnx-graft-bundle'],
      ['task', asked.task],
      ['labels', JSON.stringify(asked.classes)],
      ['preprocessing', JSON.stringify(frame)],
    ]),
  });
}

/** The cheaper ways as files whose weights are the whole's; each says what the whole says, by rules of its own. */
function rungFiles(
  at: Shipment,
  whole: Uint8Array,
  outliers: FittedRule | undefined,
): { readonly told: BundleRung; readonly bytes: Uint8Array }[] {
  return at.rungs.map((rung, i) => {
    const { judged, final, networks, cost } = rung;
    const sets = setsOf({ ...at, final, compared: { ...at.compared, best: judged } });
    const members = membersOf(final.answer, networks.identities);
    const isJudged = outliers !== undefined && members.some(({ name }) => name === outliers.member);
    const model = verify(fusedOf(at, final, sets, isJudged ? outliers : undefined));
    const { accuracy, negativeLogLikelihood } = judged.evaluation;
    const file = `rung-${i + 1}.onnx`;
    const told = {
      file,
      members: members.map(({ name }) => name),
      cost,
      accuracy,
      negativeLogLikelihood,
      recipe: printRecipe(final.answer.recipe),
    };
    return { told, bytes: encodeBeside(model, 'model.onnx', whole) };
  });
}

/** A rule as the manifest has it: means and precision are in the graph. */
const toldOf = ({ kind, member, threshold, falseAlarmRate }: FittedRule) => ({
  kind,
  member,
  threshold,
  falseAlarmRate,
});

/** The networks inside the one that ships, ingredients of soups too. */
function networksOf({ final, own }: Shipment): OpenedMember[] {
  const shas = new Set(membersOf(final.answer, own.identities).map(({ sha256 }) => sha256));
  return [...own.identities.values()].flatMap(({ sha256, networks }) => (shas.has(sha256) ? networks : []));
}

/** Runs the fused graph over some of the pictures that chose. */
async function differenceOf(runtime: Runtime, model: Uint8Array, at: Shipment): Promise<number | undefined> {
  const { chosenBy, final, asked, options } = at;
  if (chosenBy.owners) return undefined;
  const { frame } = at.own;
  const K = asked.classes.length;
  const files = chosenBy.files.slice(0, mostHeld);
  const session = await runtime.open(model);
  let most = 0;
  try {
    const { allowFormats = [], signal } = options;
    for await (const picture of pictureStream(files, frame, { allowFormats, ...(signal ? { signal } : {}) })) {
      if ('error' in picture) continue;
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
  rules: Pick<NonNullable<Manifest['ensemble']>, 'sets' | 'outliers' | 'rungs'>,
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
      ...(front.length > 0 ? { front: front.map(({ point }) => ({ ...point })) } : {}),
      comparison: comparisonOf(table, chosenBy),
    },
  };
}

/** The rows of the table, the one that ships marked; out of fold all say the same, and that one is left. */
const comparisonOf = ({ rows, chosen }: EnsembleTable, { owners }: ChoosingPictures) =>
  rows.flatMap(({ differences: _, ...row }, i) => {
    if (owners && i !== chosen) return [];
    return [{ ...row, ...(i === chosen ? { ships: true } : {}) }];
  });

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
