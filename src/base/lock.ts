// One writer a folder: a file `lock`, made exclusively, that says which process holds it. A lock whose process is gone is
// taken over; one of a process that lives, or of which that cannot be known, never is.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { diskError, systemCode } from './disk-errors.js';
import { makeFolder, realDisk, type Disk, type DiskOptions } from './disk.js';
import { defineErrors, printable } from './errors.js';
import { mayLive, thisProcess, type ProcessMark } from './processes.js';
import { begin, end, ignore, temporaryOf, writeNew } from './write-atomically.js';

export const errors = defineErrors('', {
  LOCKED: {
    kind: 'locked',
    message: (at: { path: string; pid: number | undefined; host: string | undefined }) =>
      at.pid === undefined
        ? `${printable(at.path)} is there, and does not say who holds it`
        : `process ${at.pid} on ${printable(at.host ?? '')} works in this folder (${printable(at.path)})`,
    hint: 'Wait until it has ended, or use another folder. If nothing runs there any more, delete the file lock.',
  },
});

/** A lock that is held. */
export interface Lock {
  /** Gives the lock back; twice does no harm. */
  release(): Promise<void>;
}

interface Holder extends ProcessMark {
  /** Tells this lock from every other. */
  readonly token: string;
}

/**
 * Takes the lock of a folder, which is made where it is not there. Does not wait.
 *
 * @throws `LOCKED` where another process, or this one, holds it; `DISK_FULL`, `DISK_DENIED`, `DISK_FAILED`
 * @example
 * const held = await lock('run');
 * try { … } finally { await held.release(); }
 */
export async function lock(folder: string, { disk = realDisk }: DiskOptions = {}): Promise<Lock> {
  await makeFolder(folder, { disk });
  const path = join(folder, 'lock');
  const mine: Holder = { ...thisProcess(), token: randomBytes(12).toString('hex') };
  try {
    if (!(await take(path, mine, disk))) await takeOver(path, mine, disk);
  } catch (cause) {
    throw diskError(path, 'lock', cause);
  }
  return {
    async release() {
      // A lock that cannot be removed now is no reason to fail what is done: this process knows that it is stale, and
      // others do when it ends.
      released.add(mine.token);
      const removed = async () => {
        if ((await holderOf(path, disk))?.token === mine.token) await disk.unlink(path);
        released.delete(mine.token);
      };
      await removed().catch(ignore);
    },
  };
}

/** Locks that this process has given back, but that may still lie there. */
const released = new Set<string>();

/** Makes the lock with all it says in one step: a whole file gets the name, and only where the name is free. */
async function take(path: string, mine: Holder, disk: Disk): Promise<boolean> {
  const turn = begin();
  const temporary = temporaryOf(path, turn);
  const pieces = [new TextEncoder().encode(JSON.stringify(mine))];
  try {
    await writeNew(temporary, pieces, disk);
    await disk.link(temporary, path);
    return true;
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'EEXIST') return false;
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'].includes(code)) throw cause;
    return await takeWithoutLinks(path, pieces, disk);
  } finally {
    await disk.unlink(temporary).catch(ignore);
    end(turn);
  }
}

async function takeWithoutLinks(path: string, pieces: readonly Uint8Array[], disk: Disk): Promise<boolean> {
  try {
    await writeNew(path, pieces, disk);
    return true;
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false;
    await disk.unlink(path).catch(ignore);
    throw cause;
  }
}

/** Removes a stale lock and takes it. Whoever does so holds `lock.takeover` meanwhile, so that one at a time does. */
async function takeOver(path: string, mine: Holder, disk: Disk): Promise<void> {
  const guard = `${path}.takeover`;
  await wantStale(path, disk);
  if (!(await take(guard, mine, disk))) {
    await removeStale(guard, disk);
    if (!(await take(guard, mine, disk))) throw held(path, undefined);
  }
  try {
    // Looked at again, now that nobody else may remove it.
    await removeStale(path, disk);
    if (!(await take(path, mine, disk))) throw held(path, await holderOf(path, disk));
  } catch (cause) {
    released.add(mine.token);
    throw cause;
  } finally {
    await disk.unlink(guard).catch(ignore);
  }
}

/** Removes a lock whose process is gone. It is looked at once more after it was moved aside: it may be another by then. */
async function removeStale(path: string, disk: Disk): Promise<void> {
  const holder = await wantStale(path, disk);
  if (!holder) return;
  const turn = begin();
  const aside = temporaryOf(path, turn);
  try {
    await disk.rename(path, aside);
    const moved = await holderOf(aside, disk);
    if (moved?.token === holder.token) return;
    await disk.link(aside, path);
    throw held(path, moved);
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause;
  } finally {
    await disk.unlink(aside).catch(ignore);
    end(turn);
  }
}

/** Throws unless the lock is gone, or its process is; gives who held it. */
async function wantStale(path: string, disk: Disk): Promise<Holder | undefined> {
  const holder = await holderOf(path, disk);
  if (!holder || released.has(holder.token)) return holder;
  if (holder.token === '' || mayLive(holder)) throw held(path, holder);
  return holder;
}

const held = (path: string, holder: Holder | undefined) =>
  errors.LOCKED({ path, pid: holder?.token ? holder.pid : undefined, host: holder?.host });

/** Who holds a lock; undefined where there is none; with an empty token where the file does not say. */
async function holderOf(path: string, disk: Disk): Promise<Holder | undefined> {
  let text: string;
  try {
    text = new TextDecoder().decode(await disk.readFile(path));
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
  const unknown = { pid: 0, host: '', start: '', space: '', token: '' };
  try {
    const said = JSON.parse(text) as Partial<Record<keyof Holder, unknown>> | null;
    const { pid, host, start, space, token } = said ?? {};
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1) return unknown;
    if (typeof host !== 'string' || typeof start !== 'string' || typeof space !== 'string') return unknown;
    return typeof token === 'string' ? { pid, host, start, space, token } : unknown;
  } catch {
    return unknown;
  }
}
