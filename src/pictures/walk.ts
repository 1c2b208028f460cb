// The pictures below a folder. What is no picture is listed with its reason and stops nothing; links are followed, each
// folder once, so that a link to a folder above does not go round.

import { closeSync, openSync, readSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { dataErrors as errors } from './errors.js';
import { sniff } from './headers.js';

/** A file that is passed over, and why. */
export interface Stray {
  /** Relative to the source, `/` between parts. */
  readonly file: string;
  readonly reason: string;
}

/** What lies below a folder; names are relative to it, `/` between parts, sorted by code unit. */
export interface Walked {
  readonly pictures: readonly string[];
  readonly stray: readonly Stray[];
}

// every format that somebody would call a picture: one that is not decoded is refused by name when it is read
const extensions = new Set(
  '.jpg .jpeg .jpe .jfif .png .webp .gif .avif .tif .tiff .bmp .heic .heif .svg .jxl .jp2'.split(' '),
);

/**
 * Lists the pictures below a folder, sub-folders included.
 *
 * @throws DATA_MISSING, DATA_UNREADABLE where the folder itself cannot be read; deeper ones are listed as stray.
 */
export async function walkPictures(folder: string): Promise<Walked> {
  const pictures: string[] = [];
  const stray: Stray[] = [];
  const seen = new Set<string>();
  const pending = [''];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    let entries: Entries;
    try {
      const real = await realpath(join(folder, name));
      if (seen.has(real)) {
        stray.push({ file: name, reason: 'a link to a folder that was read already' });
        continue;
      }
      seen.add(real);
      entries = await entriesOf(join(folder, name));
    } catch (cause) {
      if (name === '') throw unreadable(folder, cause);
      stray.push({ file: name, reason: `cannot be read: ${reasonOf(cause)}` });
      continue;
    }
    const prefixed = (entry: string): string => (name === '' ? entry : `${name}/${entry}`);
    for (const entry of entries.folders) pending.push(prefixed(entry));
    for (const entry of entries.others) stray.push({ file: prefixed(entry.file), reason: entry.reason });
    for (const entry of entries.files) {
      const reason = strayReason(join(folder, name, entry));
      if (reason === undefined) pictures.push(prefixed(entry));
      else stray.push({ file: prefixed(entry), reason });
    }
  }
  return { pictures: pictures.sort(), stray: stray.sort((a, b) => (a.file < b.file ? -1 : 1)) };
}

/** One folder's entries, links resolved. */
export interface Entries {
  readonly files: readonly string[];
  readonly folders: readonly string[];
  readonly others: readonly Stray[];
}

/** Reads one folder; hidden entries, links to nowhere and devices are `others`. Throws the system's error. */
export async function entriesOf(folder: string): Promise<Entries> {
  const files: string[] = [];
  const folders: string[] = [];
  const others: Stray[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    const found = entry.isSymbolicLink() ? await stat(join(folder, name)).catch(reasonOf) : entry;
    if (name.startsWith('.')) others.push({ file: name, reason: 'hidden' });
    else if (typeof found === 'string') others.push({ file: name, reason: `a link that leads nowhere: ${found}` });
    else if (found.isDirectory()) folders.push(name);
    else if (found.isFile()) files.push(name);
    else others.push({ file: name, reason: 'not a regular file' });
  }
  return { files: files.sort(), folders: folders.sort(), others };
}

/** Why a file is no picture, by its name; without an extension by its first bytes. */
function strayReason(file: string): string | undefined {
  const extension = extname(file).toLowerCase();
  if (extensions.has(extension)) return undefined;
  if (extension !== '') return `not a picture's name: ${extension}`;
  try {
    const handle = openSync(file, 'r');
    try {
      const head = new Uint8Array(1024);
      const { format, words } = sniff(head.subarray(0, readSync(handle, head)));
      return format === undefined ? words : undefined;
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    return `cannot be read: ${reasonOf(cause)}`;
  }
}

/** DATA_MISSING or DATA_UNREADABLE of a path, from the system's error. */
export function unreadable(path: string, cause: unknown): Error {
  const reason = reasonOf(cause);
  return reason === 'ENOENT' ? errors.MISSING({ path }, cause) : errors.UNREADABLE({ path, reason }, cause);
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}

/**
 * The pictures that a user named: files as they are, folders with all that is below them, in natural order.
 * A file that is not there stays in the list, and is an error of its own when it is read.
 *
 * @throws DATA_MISSING, DATA_UNREADABLE, DATA_EMPTY where a folder cannot be read or holds no picture.
 * @example await listPictures(['cat.jpg', 'holiday/'])
 */
export async function listPictures(paths: readonly string[]): Promise<string[]> {
  const { compare } = new Intl.Collator('en', { numeric: true });
  const lists = paths.map(async path => {
    const found = await stat(path).catch(() => undefined);
    if (!found?.isDirectory()) return [path];
    const { pictures, stray } = await walkPictures(path);
    if (pictures.length === 0) throw errors.EMPTY({ path, stray: stray.length });
    return pictures.toSorted((a, b) => compare(a, b) || (a < b ? -1 : 1)).map(name => join(path, name));
  });
  return (await Promise.all(lists)).flat();
}
