// A disk whose k-th call fails, once or from then on, as SQLite's I/O error loops do: run a story with k = 1, 2, 3 … until
// it passes untouched, and look at what is on the disk after each.

import { realDisk, type Disk, type OpenFile } from '../src/base/node.js';

/** When a disk fails, and how. */
export interface Fault {
  /** The call that fails, from 1. */
  readonly at: number;
  /** The system's code, such as `ENOSPC`. */
  readonly code: string;
  /** Every later call fails too. */
  readonly forever: boolean;
  /** Writes take half of what they are given, at least one byte. */
  readonly short?: boolean;
  readonly inner?: Disk;
}

/** The four errors that every loop goes through. */
export const codes = ['EIO', 'ENOSPC', 'EMFILE', 'EACCES'] as const;

/** A disk that fails, and whether it has. */
export interface FaultDisk {
  readonly disk: Disk;
  /** Whether the k-th call came. */
  failed(): boolean;
}

/** Puts a fault in front of a disk. A call that fails does nothing, but that a file is always closed. */
export function faultDisk({ at, code, forever, short = false, inner = realDisk }: Fault): FaultDisk {
  let calls = 0;
  const count = (): void => {
    calls++;
    if (forever ? calls >= at : calls === at) throw Object.assign(new Error(`${code}: fault at call ${at}`), { code });
  };
  const wrapFile = (file: OpenFile): OpenFile => ({
    async write(bytes) {
      count();
      return file.write(short ? bytes.subarray(0, Math.max(1, bytes.length >> 1)) : bytes);
    },
    async read(into, position) {
      count();
      return file.read(into, position);
    },
    async size() {
      count();
      return file.size();
    },
    async truncate(size) {
      count();
      return file.truncate(size);
    },
    async chmod(mode) {
      count();
      return file.chmod(mode);
    },
    async sync() {
      count();
      return file.sync();
    },
    async close() {
      await file.close();
      count();
    },
  });
  const disk: Disk = {
    async open(path, how) {
      count();
      return wrapFile(await inner.open(path, how));
    },
    async readFile(path) {
      count();
      return inner.readFile(path);
    },
    async stat(path) {
      count();
      return inner.stat(path);
    },
    async rename(from, to) {
      count();
      return inner.rename(from, to);
    },
    async link(from, to) {
      count();
      return inner.link(from, to);
    },
    async unlink(path) {
      count();
      return inner.unlink(path);
    },
    async mkdir(path) {
      count();
      return inner.mkdir(path);
    },
    async readdir(path) {
      count();
      return inner.readdir(path);
    },
    async syncFolder(path) {
      count();
      return inner.syncFolder(path);
    },
    async freeBytes(path) {
      count();
      return inner.freeBytes(path);
    },
  };
  return { disk, failed: () => calls >= at };
}

/**
 * Runs a story over every fault: each call, each error, once and for ever, with whole and with short writes.
 *
 * @param story gets a disk that fails and must not throw; it looks at what is left
 * @param inner what the disk is when it does not fail
 * @returns how many faults there were
 */
export async function everyFault(
  story: (fault: FaultDisk, name: string) => Promise<void>,
  inner?: () => Disk,
): Promise<number> {
  let count = 0;
  for (const short of [false, true])
    for (const code of codes)
      for (const forever of [false, true])
        for (let at = 1, failed = true; failed; at++) {
          const fault = faultDisk({ at, code, forever, short, ...(inner ? { inner: inner() } : {}) });
          await story(fault, `call ${at}, ${code}${forever ? ' for ever' : ''}${short ? ', short writes' : ''}`);
          failed = fault.failed();
          if (failed) count++;
        }
  return count;
}
