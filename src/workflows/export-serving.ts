// What every export shares: the bundle that goes out, the name it gets there, a new folder, and its files.

import { readdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { writeTogether } from '../base/node.js';
import type { Manifest } from '../bundle/index.js';
import { checkPreprocessing, type Preprocessing } from '../pictures/index.js';
import { exportErrors as errors } from './export-errors.js';
import { openServable, type Servable } from './servable.js';

/** Options that every export has. */
export interface ExportOptions {
  /** The folder that is written. */
  readonly out: string;
  /** What the model is called there. @default as its folder is, or the run's that it lies in */
  readonly name?: string;
  /** Replace files of the same names. @default false */
  readonly force?: boolean;
}

/** What was written. */
export interface ExportResult {
  readonly target: 'triton' | 'kserve' | 'docker' | 'ray';
  readonly name: string;
  readonly folder: string;
  /** Relative to the folder. */
  readonly files: readonly string[];
}

/** A bundle that goes out. */
export interface Exported extends Servable {
  readonly manifest: Manifest;
  /** Where it lies. */
  readonly folder: string;
  readonly preprocessing: Preprocessing;
}

/**
 * Opens a bundle, or the bundle of a run.
 *
 * @throws EXPORT_BUNDLE for a network alone; SERVE_NOTHING, BUNDLE_…
 */
export async function openExported(path: string): Promise<Exported> {
  const servable = await openServable(path);
  const { manifest } = servable;
  if (!manifest) throw errors.BUNDLE({ path });
  const folder = (await isThere(join(path, 'manifest.json'))) ? path : join(path, 'bundle');
  return { ...servable, manifest, folder, preprocessing: checkPreprocessing(manifest.preprocessing) };
}

/** The name as the server of this package would choose it: of the folder, or of the run around `bundle`. */
export function folderName(path: string): string {
  const full = resolve(path);
  return basename(full) === 'bundle' ? basename(dirname(full)) : basename(full);
}

/** A name as it may stand in a path of the Open Inference Protocol. @throws EXPORT_OPTION */
export function modelName(path: string, given: string | undefined): string {
  const name = given ?? folderName(path).replace(/[^A-Za-z0-9._-]+/g, '-');
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(name))
    throw errors.OPTION({
      option: '--name',
      found: given ?? name,
      wanted: '1 to 128 of A-Z a-z 0-9 . _ -, beginning with a letter, digit or _',
    });
  return name;
}

/** A name as Kubernetes wants it, a label of DNS-1123. @throws EXPORT_OPTION */
export function labelName(option: string, name: string, most = 63): string {
  if (name.length > most || !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
    throw errors.OPTION({
      option,
      found: name,
      wanted: `1 to ${most} of a-z 0-9 -, beginning and ending with a letter or digit`,
    });
  return name;
}

/** @throws EXPORT_OPTION for anything but a whole number of the range */
export function wholeNumber(option: string, found: number, least: number, most: number): number {
  if (!Number.isInteger(found) || found < least || found > most)
    throw errors.OPTION({ option, found: String(found), wanted: `a whole number from ${least} to ${most}` });
  return found;
}

/** @throws EXPORT_FOLDER where there is something already */
export async function wantNew(folder: string, force: boolean): Promise<void> {
  const held = await readdir(folder).catch(() => (force ? [] : isThere(folder).then(is => (is ? [''] : []))));
  if (held.length > 0 && !force) throw errors.FOLDER({ path: folder });
}

/**
 * Writes folders in turn, the one that matters last: of each all files or none. Where one cannot be written, those
 * written before it are taken away again unless they took the place of others.
 *
 * @param folders by path relative to `root`, each its files, of which the last is written last
 * @throws DISK_…
 */
export async function writeFolders(
  root: string,
  folders: ReadonlyMap<string, ReadonlyMap<string, Uint8Array | string>>,
  force: boolean,
): Promise<string[]> {
  const written: string[] = [];
  try {
    for (const [folder, files] of folders) {
      const names = [...files.keys()];
      await writeTogether(join(root, folder), files, names.at(-1)!, { force });
      written.push(...names.map(name => (folder === '' ? name : `${folder}/${name}`)));
    }
  } catch (cause) {
    if (!force) for (const file of written) await unlink(join(root, file)).catch(() => undefined);
    throw cause;
  }
  return written;
}

/** How pictures are prepared, in words for a README. */
export function preparationText({ width, height, resize, cropFraction, filter, background }: Preprocessing): string {
  const whole = [width / cropFraction, height / cropFraction].map(side => Math.floor(side + 1e-9)).join(' x ');
  const scaled =
    resize === 'stretch'
      ? `Resize it to ${whole} pixels (width x height), whatever its proportions are.`
      : `Resize it in proportion until it just covers ${whole} pixels (width x height); round the other side down.`;
  return `1. Decode the picture, turn it as its EXIF orientation says, and convert its colours to 8-bit sRGB. Lay transparent
   pixels on the colour (${background.join(', ')}).
2. ${scaled} The filter is Pillow's ${filter}${filter === 'nearest' ? '' : ', which is antialiased'}.
3. Cut the middle ${width} x ${height} pixels out, corners rounded half to even.
4. Send the pixels as they are: uint8, RGB, [pictures, ${height}, ${width}, 3]. Scaling, mean and standard deviation are
   part of the network, and so is everything up to calibrated probabilities.
`;
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
