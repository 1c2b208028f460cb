// Picture sets: where the pictures of each class are and which split they belong to. A folder per class; train/, val/
// and test/ with a folder per class each; or a manifest. Nothing is decoded here.

import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { dataErrors as errors } from './errors.js';
import { holdOut } from './hold-out.js';
import { readManifest, splitNamed, type Split } from './manifest.js';
import { entriesOf, unreadable, walkPictures, type Stray } from './walk.js';

/** One labelled picture. */
export interface Item {
  /** Absolute path. */
  readonly file: string;
  /** Relative to the source, `/` between parts. */
  readonly name: string;
  /** The place of its class in `classes`; with several labels, the places of all, ascending (none is allowed). */
  readonly label: number | readonly number[];
}

/** A picture set, listed. */
export interface PictureSet {
  /** Absolute path of the folder, or of the manifest's folder. */
  readonly root: string;
  /** Sorted by code unit. */
  readonly classes: readonly string[];
  readonly task: 'single' | 'multi-label';
  readonly splits: ReadonlyMap<Split, readonly Item[]>;
  /** What was passed over. */
  readonly stray: readonly Stray[];
  /** Whether validation is the source's own, not held out of train. */
  readonly hasOwnValidation: boolean;
}

export interface SourceOptions {
  /**
   * `train`: two classes at least, validation held out where there is none. `evaluate`: any classes, nothing held out;
   * pictures without a split are `test`.
   * @default 'train'
   */
  readonly purpose?: 'train' | 'evaluate' | undefined;
  /** Share of each class held out where there is no validation, above 0 and below 1. @default 0.2 */
  readonly validation?: number | undefined;
  /** Chooses what is held out. @default 0 */
  readonly seed?: number | string | undefined;
}

/** A picture as the source lists it. */
interface Listed {
  readonly file: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly split: Split | undefined;
}

interface Listing {
  readonly root: string;
  readonly task: PictureSet['task'];
  readonly pictures: readonly Listed[];
  readonly stray: readonly Stray[];
}

/**
 * Lists a picture set.
 *
 * @throws DATA_MISSING, DATA_UNREADABLE, DATA_EMPTY, DATA_ONE_CLASS, DATA_CLASS_SMALL, DATA_CLASSES_DIFFER,
 * DATA_MANIFEST, DATA_OPTION
 * @example const {classes, splits} = await readSource('flowers/'); splits.get('train')
 */
export async function readSource(path: string, options: SourceOptions = {}): Promise<PictureSet> {
  const { purpose = 'train', validation = 0.2, seed = 0 } = options;
  if (!(validation > 0 && validation < 1))
    throw errors.OPTION({ option: 'validation', found: validation, wanted: 'a number above 0 and below 1' });
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  const { root, task, pictures, stray } = found.isDirectory() ? await listFolder(path) : await listManifest(path);
  if (pictures.length === 0) throw errors.EMPTY({ path, stray: stray.length });
  const classes = [...new Set(pictures.flatMap(({ labels }) => labels))].sort();
  const places = new Map(classes.map((label, place) => [label, place]));
  const placesOf = ({ labels }: Listed): number[] =>
    [...new Set(labels.map(label => places.get(label)!))].sort((a, b) => a - b);
  const item = (listed: Listed): Item => {
    const labels = placesOf(listed);
    return { file: listed.file, name: listed.name, label: task === 'single' ? labels[0]! : labels };
  };
  const of = (split: Split): Listed[] => pictures.filter(picture => picture.split === split);
  const unsplit = pictures.filter(({ split }) => split === undefined);
  const parts = new Map<Split, readonly Listed[]>([
    ['train', of('train')],
    ['validation', of('validation')],
    ['test', of('test')],
  ]);
  if (unsplit.length > 0) parts.set(purpose === 'train' ? 'train' : 'test', unsplit);
  const hasOwnValidation = parts.get('validation')!.length > 0;
  if (purpose === 'train') {
    const train = parts.get('train')!;
    checkTrain(path, classes, parts, stray.length, hasOwnValidation ? 1 : 2);
    if (!hasOwnValidation) {
      const held = holdOut(train.map(placesOf), classes.length, validation, seed);
      parts.set(
        'train',
        train.filter((_, at) => !held[at]!),
      );
      parts.set(
        'validation',
        train.filter((_, at) => held[at]!),
      );
    }
  }
  const filled = [...parts].filter(([, listed]) => listed.length > 0);
  const splits = new Map(filled.map(([split, listed]) => [split, listed.map(item)]));
  return { root, classes, task, splits, stray, hasOwnValidation };
}

function checkTrain(
  path: string,
  classes: readonly string[],
  parts: ReadonlyMap<Split, readonly Listed[]>,
  stray: number,
  least: number,
): void {
  const train = parts.get('train')!;
  if (train.length === 0) throw errors.EMPTY({ path: join(path, 'train'), stray });
  const counts = new Map<string, number>();
  for (const { labels } of train) for (const label of new Set(labels)) counts.set(label, (counts.get(label) ?? 0) + 1);
  for (const split of ['validation', 'test'] as const) {
    const label = parts
      .get(split)!
      .flatMap(({ labels }) => labels)
      .find(name => !counts.has(name));
    if (label !== undefined) throw errors.CLASSES_DIFFER({ split, label });
  }
  if (classes.length < 2) throw errors.ONE_CLASS({ path, label: classes[0] ?? 'none' });
  for (const label of classes) {
    const count = counts.get(label) ?? 0;
    if (count < least) throw errors.CLASS_SMALL({ label, found: count, wanted: least });
  }
}

async function listFolder(path: string): Promise<Listing> {
  const root = resolve(path);
  const top = await entries(root);
  const splits = await splitFolders(root, top.folders);
  const pictures: Listed[] = [];
  const stray: Stray[] = [...top.others];
  const passOver = (prefix: string, files: readonly string[]): void => {
    for (const file of files) stray.push({ file: prefix + file, reason: 'not in the folder of a class' });
  };
  const readClasses = async (prefix: string, folders: readonly string[], split: Split | undefined): Promise<void> => {
    for (const folder of folders) {
      const name = prefix + folder;
      const walked = await walkPictures(join(root, name));
      // the same letters may be written in two ways (macOS: é as e and an accent)
      const labels = [folder.normalize('NFC')];
      for (const picture of walked.pictures)
        pictures.push({ file: join(root, name, picture), name: `${name}/${picture}`, labels, split });
      for (const { file, reason } of walked.stray) stray.push({ file: `${name}/${file}`, reason });
      if (walked.pictures.length === 0) stray.push({ file: `${name}/`, reason: 'a folder without pictures' });
    }
  };
  passOver('', top.files);
  if (splits.size === 0) await readClasses('', top.folders, undefined);
  for (const [folder, split] of splits) {
    const inside = await entries(join(root, folder));
    passOver(`${folder}/`, inside.files);
    for (const { file, reason } of inside.others) stray.push({ file: `${folder}/${file}`, reason });
    await readClasses(`${folder}/`, inside.folders, split);
  }
  if (splits.size > 0)
    for (const folder of top.folders)
      if (!splits.has(folder)) stray.push({ file: `${folder}/`, reason: 'not train, validation or test' });
  return { root, task: 'single', pictures, stray };
}

/**
 * The folders that are splits: where there is a `train` with folders in it, or where every folder has a split's name
 * and folders in it. A class may be called `train` (beside `bus`): its folder holds pictures, not folders.
 */
async function splitFolders(root: string, folders: readonly string[]): Promise<Map<string, Split>> {
  const named = new Map<string, Split>();
  for (const folder of folders) {
    const split = splitNamed(folder);
    if (split && (await entries(join(root, folder))).folders.length > 0) named.set(folder, split);
  }
  const isSplit = [...named.values()].includes('train') || named.size === folders.length;
  return isSplit ? named : new Map<string, Split>();
}

async function entries(folder: string): ReturnType<typeof entriesOf> {
  return entriesOf(folder).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
}

async function listManifest(path: string): Promise<Listing> {
  const root = resolve(dirname(path));
  const { rows, task } = await readManifest(path);
  const pictures: Listed[] = [];
  const stray: Stray[] = [];
  const seen = new Map<string, (typeof rows)[number]>();
  for (const row of rows) {
    const file = resolve(root, row.file);
    const inside = relative(root, file);
    const name = inside.startsWith('..') || isAbsolute(inside) ? row.file : inside.split(sep).join('/');
    const labels = row.labels.map(label => label.normalize('NFC'));
    const first = seen.get(file);
    if (first && first.labels.join('|') !== row.labels.join('|'))
      throw errors.MANIFEST({
        file: path,
        line: row.line,
        found: `${row.file} with other labels than in line ${first.line}`,
        wanted: 'one line a picture (several labels in one cell, parted by |)',
      });
    const isThere = await stat(file).then(
      found => found.isFile(),
      () => false,
    );
    if (first) stray.push({ file: name, reason: `line ${row.line} names it again` });
    else if (!isThere) stray.push({ file: name, reason: `line ${row.line} names it, but it is not there` });
    else pictures.push({ file, name, labels, split: row.split });
    seen.set(file, row);
  }
  return { root, task, pictures, stray };
}

/** Pictures of one content in more than one split. */
export interface Duplicate {
  readonly sha256: string;
  readonly files: readonly { readonly split: Split; readonly name: string }[];
}

/**
 * Finds pictures whose bytes are the same in two splits: what validation says of them is worth nothing.
 *
 * @param splits names and hashes of each split's pictures
 */
export function duplicatesAcross(
  splits: ReadonlyMap<Split, readonly { readonly name: string; readonly sha256: string }[]>,
): Duplicate[] {
  const found = new Map<string, { split: Split; name: string }[]>();
  for (const [split, pictures] of splits) {
    for (const { name, sha256 } of pictures) {
      const files = found.get(sha256) ?? [];
      files.push({ split, name });
      found.set(sha256, files);
    }
  }
  return [...found]
    .filter(([, files]) => new Set(files.map(({ split }) => split)).size > 1)
    .map(([sha256, files]) => ({ sha256, files }));
}
