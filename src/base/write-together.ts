// Several files that are true together: the data files, then the manifest that names them, renamed last. Until the
// manifest is renamed the old result holds: each data file that is replaced keeps its old content under a second name
// `.<name>.<pid>.<turn>.kept`, from which it is put back after a failure and read by whoever holds the old manifest;
// one that was not there has a mark `.<name>.<pid>.<turn>.new`, so that it is taken away again.

import { dirname, join } from 'node:path';
import { cleanLeftovers, undo } from './clean-leftovers.js';
import { diskError, errors, systemCode } from './disk-errors.js';
import { factsOf, makeFolder, realDisk, type Disk, type FileFacts } from './disk.js';
import {
  begin,
  end,
  ignore,
  piecesOf,
  temporaryOf,
  lengthOf,
  wantSpace,
  writeNew,
  type Chunks,
  type WriteOptions,
} from './write-atomically.js';

/**
 * Writes files that belong together, the manifest last; makes the folder. All or nothing, as for one file: a failure at
 * any place leaves the old files, or none. Other files of the folder stay.
 *
 * @param folder where the files go
 * @param files by name within the folder, without separators
 * @param last the name of the manifest, one of `files`
 * @throws `DISK_EXISTS` where one of the files is there and `force` is not set; `DISK_FULL`, `DISK_DENIED`, `DISK_FAILED`
 * @example
 * await writeTogether('bundle', new Map([['model.onnx', bytes], ['manifest.json', text]]), 'manifest.json');
 */
export async function writeTogether(
  folder: string,
  files: ReadonlyMap<string, Chunks>,
  last: string,
  options: WriteOptions = {},
): Promise<void> {
  const { disk = realDisk, force = false } = options;
  await makeFolder(folder, { disk });
  await cleanLeftovers(folder, { disk }); // a turn half done would otherwise be undone later, over this one
  const turn = begin();
  try {
    const jobs = await jobsOf(folder, files, last, turn, disk);
    for (const { path, old } of jobs) {
      if (old && !force) throw errors.EXISTS({ path });
      if (old?.isFolder) throw errors.FAILED({ path, action: 'replace', reason: 'it is a folder' });
    }
    await wantSpace(join(folder, last), lengthOf(jobs.flatMap(job => job.pieces)), disk);
    try {
      await replaceAll(folder, jobs, disk);
    } catch (cause) {
      await putBack(jobs, disk);
      throw cause;
    }
    // A failure here is told, though the new result is in place; what was kept stays until its name is on the disk.
    await disk.syncFolder(folder);
    for (const { mark } of jobs.slice(0, -1)) await disk.unlink(mark).catch(ignore);
  } catch (cause) {
    throw diskError(join(folder, last), 'write', cause);
  } finally {
    end(turn);
  }
}

interface Job {
  readonly path: string;
  readonly temporary: string;
  /** Where the old file is kept, or the sign that there was none. */
  readonly mark: string;
  readonly pieces: readonly Uint8Array[];
  readonly old: FileFacts | undefined;
}

/** One job a file, the manifest last. */
async function jobsOf(folder: string, files: ReadonlyMap<string, Chunks>, last: string, turn: string, disk: Disk) {
  const names = [...files.keys()].filter(name => name !== last);
  const jobs: Job[] = [];
  for (const name of [...names, last]) {
    const path = join(folder, name);
    // Names come from programs, yet nothing may ever be written outside the folder.
    if (dirname(path) !== join(folder)) throw new Error(`${name} is no name of a file`);
    const old = await factsOf(path, disk);
    const mark = temporaryOf(path, turn, old ? 'kept' : 'new');
    jobs.push({ path, temporary: temporaryOf(path, turn), mark, pieces: piecesOf(files.get(name) ?? ''), old });
  }
  return jobs;
}

/** The order matters: each folder sync lets nothing later reach the disk before what it needs. */
async function replaceAll(folder: string, jobs: readonly Job[], disk: Disk): Promise<void> {
  for (const job of jobs) await writeNew(job.temporary, job.pieces, disk, job.old?.isFile ? job.old.mode : undefined);
  const data = jobs.slice(0, -1);
  const manifest = jobs.at(-1)!;
  for (const job of data) await (job.old ? keep(job, disk) : writeNew(job.mark, [], disk));
  await disk.syncFolder(folder);
  for (const job of data) await disk.rename(job.temporary, job.path);
  await disk.syncFolder(folder);
  await disk.rename(manifest.temporary, manifest.path);
}

/** Gives the old file a second name; where links are unknown (FAT, some network disks), its only one for a moment. */
async function keep(job: Job, disk: Disk): Promise<void> {
  try {
    await disk.link(job.path, job.mark);
  } catch (cause) {
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'EMLINK'].includes(systemCode(cause))) throw cause;
    await disk.rename(job.path, job.mark);
  }
}

/** Undoes what was done, as far as the disk lets us; what it does not let us, `cleanLeftovers` does at the next start. */
async function putBack(jobs: readonly Job[], disk: Disk): Promise<void> {
  let all = true;
  for (const { mark, path, old } of jobs.slice(0, -1))
    all = (await undo(mark, path, old ? 'kept' : 'new', disk)) && all;
  // The temporary manifest is the sign that the old result holds: it goes last, and only when that is in place.
  if (all) for (const job of jobs) await disk.unlink(job.temporary).catch(ignore);
}
