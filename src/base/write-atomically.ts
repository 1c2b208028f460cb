// One file, written so that a reader sees the old one or the new one, whole: a temporary file beside it, opened
// exclusively, written, synced and closed, then renamed, then the folder synced. Also lines added to a log.

import { createHash, randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { diskError, errors } from './disk-errors.js';
import { factsOf, realDisk, type Disk, type DiskOptions, type OpenFile } from './disk.js';

/** What is written: text as UTF-8, or bytes in one or many pieces. */
export type Chunks = Uint8Array | readonly Uint8Array[] | string;

/** Pieces of a file in order, at hand or made one after the other. */
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** How a file is written. */
export interface WriteOptions extends DiskOptions {
  /** Replaces what is there. @default false */
  readonly force?: boolean | undefined;
}

/**
 * Writes a file whole or not at all. When it returns, the file outlives a power cut as far as fsync does;
 * when it throws, what was there before still is. A replaced file keeps its permissions.
 *
 * @param path the file; its folder must be there
 * @throws `DISK_EXISTS`, `DISK_FULL`, `DISK_DENIED`, `DISK_FAILED`
 * @example
 * await writeAtomically('run/run.json', JSON.stringify(options), { force: true });
 */
export async function writeAtomically(path: string, chunks: Chunks, options: WriteOptions = {}): Promise<void> {
  const pieces = piecesOf(chunks);
  await streamAtomically(path, pieces, lengthOf(pieces), options);
}

/**
 * As `writeAtomically`, of pieces that are made while they are written: nothing needs the whole file in memory.
 * A failure of the maker of the pieces leaves what was there, and is thrown as it is where it is coded.
 *
 * @param bytes how many the pieces have together, for the look at the free space
 */
export async function streamAtomically(
  path: string,
  pieces: Pieces,
  bytes: number,
  options: WriteOptions = {},
): Promise<void> {
  const { disk = realDisk, force = false } = options;
  const turn = begin();
  const temporary = temporaryOf(path, turn);
  try {
    const old = await factsOf(path, disk);
    if (old && !force) throw errors.EXISTS({ path });
    await wantSpace(path, bytes, disk);
    try {
      await writeNew(temporary, pieces, disk, old?.isFile ? old.mode : undefined);
      await disk.rename(temporary, path);
    } catch (cause) {
      await disk.unlink(temporary).catch(ignore);
      throw cause;
    }
    await disk.syncFolder(dirname(path));
  } catch (cause) {
    throw diskError(path, 'write', cause);
  } finally {
    end(turn);
  }
}

/**
 * Adds a line to a log such as `history.jsonl` and brings it to the disk. A last line without an end, left by a power
 * cut, is dropped first. One writer at a time.
 *
 * @param line without its line break
 * @throws `DISK_FULL`, `DISK_DENIED`, `DISK_FAILED`; the file then ends where it ended before
 */
export async function appendLine(path: string, line: string, { disk = realDisk }: DiskOptions = {}): Promise<void> {
  try {
    const file = await disk.open(path, 'append');
    try {
      const size = await file.size();
      const whole = await wholeLines(file, size);
      if (whole < size) await file.truncate(whole);
      try {
        await writeAll(file, [new TextEncoder().encode(`${line}\n`)]);
        await file.sync();
      } catch (cause) {
        await file.truncate(whole).catch(ignore);
        throw cause;
      }
      if (size === 0) await disk.syncFolder(dirname(path));
    } finally {
      await file.close().catch(ignore); // the data was synced, or an error is on its way
    }
  } catch (cause) {
    throw diskError(path, 'write', cause);
  }
}

/** Where the last whole line ends. */
async function wholeLines(file: OpenFile, size: number): Promise<number> {
  const block = new Uint8Array(4096);
  for (let to = size; to > 0;) {
    const from = Math.max(0, to - block.length);
    const count = await file.read(block.subarray(0, to - from), from);
    const at = block.subarray(0, count).lastIndexOf(10);
    if (at >= 0) return from + at + 1;
    to = from;
  }
  return 0;
}

/** The turns of this process that are under way: their temporary files are no left-overs. */
const underWay = new Set<string>();

/** Begins a turn: its mark stands in the name of each of its temporary files. */
export function begin(): string {
  const turn = randomBytes(6).toString('hex');
  underWay.add(turn);
  return turn;
}
export function end(turn: string): void {
  underWay.delete(turn);
}
export const isUnderWay = (turn: string): boolean => underWay.has(turn);

/** `.<name>.<pid>.<turn>.tmp` beside the file; a name too long for that is shortened to its hash. */
export function temporaryOf(path: string, turn: string, ending: 'tmp' | 'kept' | 'new' = 'tmp'): string {
  const name = basename(path);
  const short = Buffer.byteLength(name) > 200 ? createHash('sha256').update(name).digest('hex').slice(0, 32) : name;
  return join(dirname(path), `.${short}.${process.pid}.${turn}.${ending}`);
}

/** Free space is looked at first, so that most full disks are found before anything is written; it is not trusted. */
export async function wantSpace(path: string, wanted: number, disk: Disk): Promise<void> {
  const free = await disk.freeBytes(dirname(path)).catch(() => Infinity);
  if (free < wanted)
    throw errors.FULL({ path, action: 'write', reason: `${free} bytes are free, ${wanted} are needed` });
}

/** Writes and syncs a new file. The default mode is 0644 less the umask. */
export async function writeNew(
  path: string,
  pieces: Pieces,
  disk: Disk,
  mode = 0o644 & ~process.umask(),
): Promise<void> {
  const file = await disk.open(path, 'new');
  try {
    await writeAll(file, pieces);
    await file.chmod(mode);
    await file.sync();
  } catch (cause) {
    await file.close().catch(ignore);
    throw cause;
  }
  await file.close();
}

async function writeAll(file: OpenFile, pieces: Pieces): Promise<void> {
  for await (const piece of pieces)
    for (let at = 0; at < piece.length;) {
      const taken = await file.write(piece.subarray(at, at + maxWrite));
      if (taken === 0) throw new Error('no bytes were taken');
      at += taken;
    }
}
/** One call writes at most so much; Linux takes no more than 2 GiB - 4 KiB. */
const maxWrite = 1 << 30;

export function piecesOf(chunks: Chunks): readonly Uint8Array[] {
  if (typeof chunks === 'string') return [new TextEncoder().encode(chunks)];
  return chunks instanceof Uint8Array ? [chunks] : chunks;
}

/** Bytes of all pieces. */
export const lengthOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0);

/** For what is tidied on the way out of a failure: the first error is the one to tell. */
export const ignore = (): void => undefined;
