// The files of a run that is under way, in its folder:
//   checkpoints/NNNNNN.safetensors   by number of the epoch: the last two or more, the best while there is one, and
//                                    those that are kept for an ensemble
//   checkpoints/swa.safetensors      averaged weights: swa-file.ts
//   history.jsonl                    one event a line: epoch, best, stopped
// A checkpoint is on the disk before older ones go. After a resume the history is that of an unbroken run, byte for
// byte: what was told past the checkpoint is dropped and told again. The caller holds the folder's lock.

import { join } from 'node:path';
import { GraftError } from '../base/index.js';
import {
  appendLine,
  cleanLeftovers,
  diskError,
  makeFolder,
  realDisk,
  sha256,
  writeAtomically,
  type DiskOptions,
} from '../base/node.js';
import { checksumOf, decodeCheckpoint, encodeCheckpoint, type Checkpoint, type KeptFor } from './checkpoint.js';
import { errors } from './errors.js';
import type { TrainingEvent } from './events.js';

/** A checkpoint that cannot be used, and why. */
export interface Damaged {
  readonly path: string;
  readonly cause: GraftError;
}

/** Where a run goes on. */
export interface Found {
  /** The newest valid one. */
  readonly checkpoint: Checkpoint;
  readonly path: string;
  /** Newer ones that were skipped: tell the user. */
  readonly damaged: readonly Damaged[];
}

/** The checkpoints of a run. */
export interface Checkpoints {
  /** Writes one, then removes those that are neither of the last, nor the best, nor kept. */
  save(checkpoint: Checkpoint): Promise<void>;
  /**
   * The newest valid one; undefined where none is there. All damaged: throws what is wrong with the newest.
   *
   * @param most of those up to this epoch. @default all
   */
  newest(most?: number): Promise<Found | undefined>;
}

export interface CheckpointsOptions extends DiskOptions {
  /** How many of the last stay, at least 2. @default 2 */
  readonly last?: number;
  /** What the checkpoint of an epoch stays for, however old it is. @default nothing */
  readonly keptFor?: (epoch: number) => KeptFor | undefined;
}

/**
 * The folder of a run's checkpoints; it is made with the first one.
 *
 * @param folder such as `run/checkpoints`
 * @throws `DISK_FULL`, `DISK_DENIED`, `DISK_FAILED`; what was saved before then still is
 * @example
 * const files = checkpoints('run/checkpoints');
 * const found = await files.newest();
 * await finish(trainingRun({ ...options, ...(found ? { resumeFrom: found.checkpoint } : {}) }), async event => {
 *   if (event.kind === 'checkpoint') await files.save(event.checkpoint);
 * });
 */
export function checkpoints(
  folder: string,
  { disk = realDisk, last = 2, keptFor = () => undefined }: CheckpointsOptions = {},
): Checkpoints {
  const pathOf = (epoch: number) => join(folder, `${String(epoch).padStart(6, '0')}.safetensors`);
  const epochs = async (): Promise<number[]> => {
    const found = (await filesOf(folder)).map(name => /^(\d{6,15})\.safetensors$/.exec(name)?.[1]);
    return found
      .filter(text => text !== undefined)
      .map(Number)
      .sort((a, b) => b - a);
  };
  const filesOf = (path: string): Promise<string[]> =>
    disk.readdir(path).catch((cause: unknown) => {
      if (isMissing(cause)) return [];
      throw diskError(path, 'read', cause);
    });
  let isClean = false;

  return {
    async save(checkpoint) {
      await makeFolder(folder, { disk });
      if (!isClean) await cleanLeftovers(folder, { disk });
      isClean = true;
      const kept = keptFor(checkpoint.epoch);
      const marked = { ...checkpoint, ...(kept ? { kept } : {}), ...(last > 2 ? { keep: last } : {}) };
      await writeAtomically(pathOf(checkpoint.epoch), sealed(marked), { disk, force: true });
      // Higher numbers are of a run that was resumed from before them: this one writes them anew.
      const older = (await epochs()).filter(epoch => epoch < checkpoint.epoch);
      for (const epoch of older.slice(Math.max(2, last) - 1))
        if (epoch !== checkpoint.best?.epoch && !keptFor(epoch)) await remove(pathOf(epoch));
    },
    async newest(most = Infinity) {
      const damaged: Damaged[] = [];
      for (const epoch of (await epochs()).filter(at => at <= most)) {
        const path = pathOf(epoch);
        try {
          return { checkpoint: opened(await read(path)), path, damaged };
        } catch (cause) {
          if (!(cause instanceof GraftError) || cause.kind === 'disk') throw cause;
          damaged.push({ path, cause });
        }
      }
      if (damaged[0]) throw damaged[0].cause;
      return undefined;
    },
  };

  async function read(path: string): Promise<Uint8Array> {
    try {
      return await disk.readFile(path);
    } catch (cause) {
      throw diskError(path, 'read', cause);
    }
  }
  async function remove(path: string): Promise<void> {
    try {
      await disk.unlink(path);
    } catch (cause) {
      throw diskError(path, 'remove', cause);
    }
  }
}

/** A checkpoint's file with the checksum of the file that has none. */
function sealed(checkpoint: Checkpoint): Uint8Array[] {
  return encodeCheckpoint(checkpoint, sha256(...encodeCheckpoint(checkpoint)));
}

/** Reads a sealed checkpoint. The same content gives the same bytes: written again, it must have its checksum. */
function opened(bytes: Uint8Array): Checkpoint {
  const checkpoint = decodeCheckpoint(bytes);
  if (checksumOf(bytes) !== sha256(...encodeCheckpoint(checkpoint)))
    throw errors.CHECKPOINT({ reason: 'its content is not what was written' });
  return checkpoint;
}

/** The history of a run. */
export interface History {
  /** Adds events; those that tell nothing of the training (`checkpoint`, `resumed`) are left out. */
  append(...events: readonly TrainingEvent[]): Promise<void>;
  /** Drops what was told after an epoch, and how the run ended. Before a run goes on from there. */
  rewind(epoch: number): Promise<void>;
}

/**
 * The file that tells a run's history, one event as JSON a line.
 *
 * @param path such as `run/history.jsonl`; its folder must be there
 * @throws `DISK_FULL`, `DISK_DENIED`, `DISK_FAILED`
 */
export function history(path: string, { disk = realDisk }: DiskOptions = {}): History {
  return {
    async append(...events) {
      const lines = events
        .filter(({ kind }) => kind !== 'checkpoint' && kind !== 'resumed')
        .map(at => JSON.stringify(at));
      if (lines.length > 0) await appendLine(path, lines.join('\n'), { disk });
    },
    async rewind(epoch) {
      const text = await disk.readFile(path).then(
        bytes => new TextDecoder().decode(bytes),
        (cause: unknown) => {
          if (isMissing(cause)) return undefined;
          throw diskError(path, 'read', cause);
        },
      );
      if (text === undefined) return;
      // What follows the last line break was cut off while it was written.
      const lines = text.split('\n').slice(0, -1);
      const kept = lines.filter(line => tells(line, epoch)).map(line => `${line}\n`);
      if (kept.join('') !== text) await writeAtomically(path, kept.join(''), { disk, force: true });
    },
  };
}

function tells(line: string, last: number): boolean {
  try {
    const { kind, epoch } = JSON.parse(line) as { kind?: unknown; epoch?: unknown };
    return kind !== 'stopped' && kind !== 'swa' && typeof epoch === 'number' && epoch <= last;
  } catch {
    return false;
  }
}

const isMissing = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
