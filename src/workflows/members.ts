// What can be a member: a bundle, a run's bundle, or a checkpoint of a run put into its bundle's network.
//   run            the bundle of a run; a folder of members gives each of them
//   run@best       the same, of runs that keep checkpoints; run@last: the weights after the last step
//   run@average    the Polyak average after the last step; run@swa: of stochastic weight averaging
//   run@7          the weights after epoch 7
//   run@snapshots  those at the ends of the cycles; run@checkpoints: of the last epochs that were kept
//   run@swa-points those that went into run@swa, where they were kept

import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { sha256 } from '../base/node.js';
import type { Tensor } from '../base/index.js';
import { checkpointNamesKey, parametersKey, withWeights } from '../artifacts/index.js';
import type { Bundle } from '../bundle/node.js';
import { decodeModel } from '../codec/index.js';
import type { Model } from '../graph/index.js';
import { hashFiles, readSource, type Item } from '../pictures/node.js';
import { checkpointWeights, type WeightsKind } from '../training/node.js';
import { errors } from './errors.js';
import { openBundle } from './open-bundle.js';

/** A network that answers, and where it is from. */
export interface OpenedMember {
  /** As it was asked for; of several, each with what tells it apart. */
  readonly name: string;
  readonly bundle: Bundle;
  /** The bundle's model, or that with the weights of a checkpoint. */
  readonly model: Model;
  /** The bundle's manifest, and of a checkpoint its weights too. */
  readonly sha256: string;
  /** The folder of its run, where it is known. */
  readonly run?: string;
  /** Which weights of the run, where they are not the bundle's. */
  readonly checkpoint?: string;
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Opens what a word names: see the top of this file.
 *
 * @throws GRAFT_NO_MEMBER; BUNDLE_…, STATE_CORRUPT, TRAINING_CHECKPOINT
 * @example
 * const snapshots = await openMembers('run@snapshots');
 */
export async function openMembers(spec: string): Promise<OpenedMember[]> {
  const { path, which } = await parseSpec(spec);
  const folders = await foldersOf(spec, path);
  const opened: OpenedMember[] = [];
  for (const { bundle: folder, run } of folders) {
    const name = folders.length === 1 ? path : (run ?? folder);
    const bundle = await openBundle(folder);
    const model = decodeModel(bundle.model);
    const at = { bundle, ...(run === undefined ? {} : { run }) };
    if (which === undefined) opened.push({ ...at, name, model, sha256: bundle.sha256 });
    else opened.push(...(await checkpointsOf(spec, { ...at, name, model }, which)));
  }
  return opened;
}

/** Opens a word that names one member. */
export async function openMember(spec: string): Promise<OpenedMember> {
  const [first, ...others] = await openMembers(spec);
  if (!first || others.length > 0)
    throw errors.NO_MEMBER({ spec, reason: `it names ${others.length + 1} members, wanted is one` });
  return first;
}

const kinds = ['best', 'last', 'average', 'swa', 'swa-points', 'snapshots', 'checkpoints'] as const;

/** The path and what stands behind its last `@`; a path that is there with its `@` is a path. */
async function parseSpec(spec: string): Promise<{ readonly path: string; readonly which?: string }> {
  const at = spec.lastIndexOf('@');
  const which = spec.slice(at + 1);
  const isKind = /^\d+$/.test(which) || kinds.some(kind => kind === which);
  return at > 0 && isKind && !(await isThere(spec)) ? { path: spec.slice(0, at), which } : { path: spec };
}

interface MemberFolder {
  readonly bundle: string;
  readonly run?: string;
}

/** The bundles that a folder stands for. */
async function foldersOf(spec: string, path: string): Promise<MemberFolder[]> {
  if (await isThere(join(path, 'manifest.json'))) {
    const above = dirname(resolve(path));
    const isOfRun = basename(resolve(path)) === 'bundle' && (await isThere(join(above, 'run.json')));
    return [{ bundle: path, ...(isOfRun ? { run: above } : {}) }];
  }
  if (await isThere(join(path, 'bundle', 'manifest.json'))) return [{ bundle: join(path, 'bundle'), run: path }];
  const inside = await membersOfRun(path);
  if (inside.length === 0) {
    const reason = (await isThere(path)) ? 'it is no bundle and has none inside' : 'it is not there';
    throw errors.NO_MEMBER({ spec, reason });
  }
  return (await Promise.all(inside.map(folder => foldersOf(spec, join(path, folder))))).flat();
}

/** The members that a run of several tells of. */
async function membersOfRun(path: string): Promise<string[]> {
  const text = await readFile(join(path, 'run.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const { members } = JSON.parse(text) as { members?: unknown };
  if (!Array.isArray(members)) return [];
  return members.flatMap(({ folder }: { folder?: unknown }) => (typeof folder === 'string' ? [folder] : []));
}

/** The bundle's network with the weights of checkpoints. */
async function checkpointsOf(
  spec: string,
  { bundle, run, name, model }: Pick<OpenedMember, 'bundle' | 'run' | 'name' | 'model'>,
  which: string,
): Promise<OpenedMember[]> {
  if (run === undefined) throw errors.NO_MEMBER({ spec, reason: 'it is a bundle without its run' });
  const wanted: WeightsKind | number = /^\d+$/.test(which) ? Number(which) : (which as WeightsKind);
  const found = await checkpointWeights(join(run, 'checkpoints'), wanted);
  if (found.length === 0) throw errors.NO_MEMBER({ spec, reason: `${run} keeps no such weights` });
  return found.map(({ label, weights }) => {
    const placed = placedWeights(spec, model, weights);
    return {
      name: `${name}@${label}`,
      bundle,
      run,
      model: withWeights(model, placed),
      sha256: sha256(bundle.sha256, ...[...placed].flatMap(([key, { bytes }]) => [key, bytes])),
      checkpoint: label,
    };
  });
}

/** Weights by their names in the bundle's model. */
function placedWeights(spec: string, model: Model, weights: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const told = model.metadata.get(checkpointNamesKey) ?? model.metadata.get(parametersKey) ?? '{}';
  const own = new Map(Object.entries(JSON.parse(told) as Record<string, string>));
  const placed = new Map<string, Tensor>();
  for (const [name, weight] of weights) {
    const place = own.get(name) ?? name;
    const there = model.graph.initializers.get(place);
    if (!there || there.shape.join() !== weight.shape.join())
      throw errors.NO_MEMBER({
        spec,
        reason: `the bundle has no weight ${name} of shape [${weight.shape.join(', ')}]`,
      });
    placed.set(place, weight);
  }
  return placed;
}

/** Labelled pictures of a member's own. */
export interface MemberPictures {
  readonly items: readonly Item[];
  /** The place of each label among the bundle's labels. */
  readonly labels: readonly (number | readonly number[])[];
  readonly hashes: readonly string[];
}

/**
 * The pictures that a member was validated or trained on, found by their hashes, in the order of its manifest.
 *
 * @param pictures where they are. @default where the run had them
 * @param split which of them. @default 'validation'
 * @throws GRAFT_PICTURES_MISSING where some are not there any more; DATA_…
 */
export async function memberPictures(
  { bundle, run }: OpenedMember,
  { pictures, split = 'validation' }: { readonly pictures?: string; readonly split?: 'validation' | 'train' } = {},
): Promise<MemberPictures> {
  const source = pictures ?? (run === undefined ? undefined : await sourceOf(run));
  const wanted = bundle.manifest.data[split];
  if (source === undefined) throw errors.PICTURES_MISSING({ source: 'the run', missing: wanted.length });
  const set = await readSource(source, { purpose: 'evaluate' });
  const items = [...set.splits.values()].flat();
  const byHash = new Map<string, Item>();
  for await (const hashed of hashFiles(items.map(({ file }) => file)))
    if ('sha256' in hashed && !byHash.has(hashed.sha256)) byHash.set(hashed.sha256, items[hashed.index]!);
  const missing = wanted.filter(hash => !byHash.has(hash)).length;
  if (missing > 0) throw errors.PICTURES_MISSING({ source, missing });
  const found = wanted.map(hash => byHash.get(hash)!);
  const places = new Map(bundle.manifest.labels.map((label, place) => [label, place]));
  const place = (label: number): number => {
    const name = set.classes[label]!;
    const at = places.get(name);
    if (at === undefined) throw errors.LABEL_UNKNOWN({ label: name, labels: bundle.manifest.labels, pictures: source });
    return at;
  };
  const isSingle = bundle.manifest.task === 'single';
  const labels = found.map(({ label }) => (isSingle ? place(label as number) : [label].flat().map(place)));
  return { items: found, labels, hashes: wanted };
}

/** Where a run had its pictures. */
async function sourceOf(run: string): Promise<string | undefined> {
  const text = await readFile(join(run, 'run.json'), 'utf8').catch(() => undefined);
  const said = text === undefined ? undefined : (JSON.parse(text) as { pictures?: unknown }).pictures;
  return typeof said === 'string' ? said : undefined;
}
