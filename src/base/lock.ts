// One writer a folder: a file `lock`, made exclusively, that says which process holds it. A lock whose process is gone is
// taken over; one of a process that lives, or of which that cannot be known, never is.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { diskError, systemCode } from './disk-errors.js';
import { makeFolder, realDisk, type Disk, type DiskOptions } from './disk.js';
import { defineErrors, printable } from './errors.js';
import { mayLive, thisProcess, type ProcessMark } from './processes.js';
import { begin, end, ignore, temporaryOf, writeNew } from './write-atomically.js';

export const errors = defineErrors('LOCK', {
  HELD: {
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
 * @throws `LOCK_HELD` where another process, or this one, holds it; `DISK_FULL`, `DISK_DENIED`, `DISK_FAILED`
 * @example
 * const held = (path: string, holder: Holder | undefined) =>
  errors.HELD({ path, pid: holder?.token ? holder.pid : undefined, host: holder?.host });

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
