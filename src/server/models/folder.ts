// A model repository on disk: `<name>/<version>/`, each version a bundle (there when its manifest.json is), an ensemble of
// served models (ensemble.json) or a network (model.onnx, to be moved in under that name when it is whole). Names that no
// request could ask for, hidden ones and `.tmp` are not looked at; links that lead out of the repository are refused.

import type { BigIntStats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { FoundVersion } from './opened-model.js';

export type VersionKind = 'bundle' | 'ensemble' | 'network';

/** What makes a folder a version, looked for in this order. */
const markers: readonly (readonly [file: string, kind: VersionKind])[] = [
  ['manifest.json', 'bundle'],
  ['ensemble.json', 'ensemble'],
  ['model.onnx', 'network'],
];

/** Whether a request may ask for a model of this name. */
export const isName = (text: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text);
const isVersion = (text: string): boolean => /^[1-9][0-9]{0,8}$/.test(text);

/** Ascending. */
export const byVersion = (a: string, b: string): number => Number(a) - Number(b);

/**
 * Names of the models in a repository: its folders, whatever is in them.
 *
 * @throws the system's error where the folder cannot be read
 */
export async function modelsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter(entry => (entry.isDirectory() || entry.isSymbolicLink()) && isName(entry.name))
    .filter(({ name }) => !name.endsWith('.tmp'))
    .map(({ name }) => name)
    .sort();
}

/** The versions of a model that are there, ascending; none where there is no such model. */
export async function versionsIn(folder: string, name: string): Promise<FoundVersion[]> {
  if (!isName(name) || name.endsWith('.tmp')) return [];
  const root = await orNothing(realpath(folder));
  const names = root === undefined ? undefined : await orNothing(readdir(join(root, name)));
  const versions = await Promise.all((names ?? []).filter(isVersion).map(one => versionAt(root!, name, one)));
  return versions.filter(one => one !== undefined).sort((a, b) => byVersion(a.version, b.version));
}

/** The version in a folder; nothing where its marker is not there yet, or not any more. */
async function versionAt(root: string, name: string, version: string): Promise<FoundVersion | undefined> {
  const path = join(root, name, version);
  const files = await orNothing(readdir(path));
  const marker = markers.find(([file]) => files?.includes(file));
  if (!files || !marker) return undefined;
  const facts = await Promise.all(files.sort().map(file => orNothing(stat(join(path, file), { bigint: true }))));
  const mark = facts[files.indexOf(marker[0])];
  if (!mark?.isFile()) return undefined;
  const isOutside = await leaves(root, [path, ...files.map(file => join(path, file))]);
  return {
    version,
    path,
    kind: marker[1],
    mark: stateOf(mark),
    whole: files.map((file, i) => `${file} ${stateOf(facts[i])}`).join('\n'),
    ...(isOutside ? { fault: `version ${version} holds a link that leads out of the repository` } : {}),
  };
}

/** Whether one of the paths is a link to somewhere else, or lies behind one. */
async function leaves(root: string, [folder, ...files]: readonly string[]): Promise<boolean> {
  const isOut = async (path: string): Promise<boolean> => {
    const real = await orNothing(realpath(path));
    return real !== undefined && !real.startsWith(root + sep);
  };
  if (await isOut(folder!)) return true;
  for (const file of files) {
    const facts = await orNothing(lstat(file));
    if (facts?.isSymbolicLink() && (await isOut(file))) return true;
  }
  return false;
}

const stateOf = (facts: BigIntStats | undefined): string =>
  facts ? `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeNs}` : 'gone';

/** Files come and go while they are looked at. */
const orNothing = <T>(looking: Promise<T>): Promise<T | undefined> => looking.catch(() => undefined);
