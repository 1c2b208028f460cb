// What processes that died while they wrote left behind: put back, or removed.

import { join } from 'node:path';
import { diskError, errors, systemCode } from './disk-errors.js';
import { factsOf, realDisk, type Disk, type DiskOptions } from './disk.js';
import { isAlive } from './processes.js';
import { ignore, isUnderWay } from './write-atomically.js';

/**
 * Tidies a folder after processes that died while they wrote there: results half replaced are put back, temporary
 * files removed. Files of processes that live, and of turns under way in this one, stay. Call it at the start of a run,
 * holding the folder's lock where there is one.
 *
 * @returns the names that were removed or put back
 * @throws `DISK_DENIED`, `DISK_FAILED`; a folder that is not there is clean
 */
export async function cleanLeftovers(folder: string, { disk = realDisk }: DiskOptions = {}): Promise<string[]> {
  const turns = new Map<string, Leftover[]>();
  try {
    for (const name of await disk.readdir(folder)) {
      const [, original, pid, turn, ending] = /^\.(.+)\.(\d{1,10})\.([0-9a-f]{12})\.(tmp|kept|new)$/s.exec(name) ?? [];
      if (original === undefined || turn === undefined) continue;
      if (Number(pid) === process.pid ? isUnderWay(turn) : isAlive(Number(pid))) continue;
      const of = turns.get(turn) ?? [];
      of.push({ name, original, ending: ending as Leftover['ending'] });
      turns.set(turn, of);
    }
    for (const files of turns.values()) await cleanTurn(folder, files, disk);
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return [];
    throw diskError(folder, 'clean', cause);
  }
  return [...turns.values()].flat().map(file => file.name);
}

interface Leftover {
  readonly name: string;
  readonly original: string;
  readonly ending: 'tmp' | 'kept' | 'new';
}

/** With a temporary file left, the manifest was never renamed: the old result holds. Without, the new one does. */
async function cleanTurn(folder: string, files: readonly Leftover[], disk: Disk): Promise<void> {
  const temporary = files.filter(file => file.ending === 'tmp');
  await disk.syncFolder(folder);
  for (const { name, original, ending } of files) {
    if (ending === 'tmp') continue;
    if (temporary.length === 0) await disk.unlink(join(folder, name));
    else if (!(await undo(join(folder, name), join(folder, original), ending, disk)))
      throw errors.FAILED({ path: join(folder, original), action: 'put back', reason: `from ${name}` });
  }
  await disk.syncFolder(folder);
  for (const { name } of temporary) await disk.unlink(join(folder, name));
}

/**
 * Puts a kept file back, or takes a new one away; does nothing where the mark was not made yet.
 *
 * @returns whether the old state is in place
 */
export async function undo(mark: string, path: string, ending: 'kept' | 'new', disk: Disk): Promise<boolean> {
  try {
    if (!(await factsOf(mark, disk))) return true;
    if (ending === 'kept') await disk.rename(mark, path);
    else if (await factsOf(path, disk)) await disk.unlink(path);
  } catch {
    return false;
  }
  // After the rename too: of two names of one file it takes none away.
  await disk.unlink(mark).catch(ignore);
  return true;
}
