// The few file calls that writing needs, as a value: tests put a disk that fails, or that forgets what was not synced,
// in the place of the real one.

import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskError, systemCode } from './disk-errors.js';

/** An open file. */
export interface OpenFile {
  /** Writes at the end; says how many bytes were taken, which may be fewer than given. */
  write(bytes: Uint8Array): Promise<number>;
  /** Reads from a position; says how many bytes came. */
  read(into: Uint8Array, position: number): Promise<number>;
  size(): Promise<number>;
  truncate(size: number): Promise<void>;
  chmod(mode: number): Promise<void>;
  /** Brings the file's data to the disk (fsync). */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What is known of a path; links are not followed. */
export interface FileFacts {
  readonly isFile: boolean;
  readonly isFolder: boolean;
  readonly size: number;
  readonly mode: number;
}

/** The file calls. Each rejects with the system's own error. */
export interface Disk {
  /**
   * `new` makes the file and fails where it is there already (mode 0600); `append` makes it where it is not; `read` opens
   * what is there, for reading alone.
   */
  open(path: string, how: 'new' | 'append' | 'read'): Promise<OpenFile>;
  readFile(path: string): Promise<Uint8Array>;
  stat(path: string): Promise<FileFacts>;
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file; fails where the name is taken. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes one folder; its parent must be there. */
  mkdir(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
  /** Brings a folder's names to the disk (fsync of the folder). */
  syncFolder(path: string): Promise<void>;
  /** Bytes that may still be written there. */
  freeBytes(path: string): Promise<number>;
}

/** The disk of this machine. On macOS fsync does not reach the platter (F_FULLFSYNC is out of reach of Node). */
export const realDisk: Disk = {
  async open(path, how) {
    const { O_CREAT, O_EXCL, O_WRONLY, O_RDWR, O_APPEND, O_RDONLY } = constants;
    const handle =
      how === 'new'
        ? await fs.open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600)
        : await fs.open(path, how === 'read' ? O_RDONLY : O_CREAT | O_RDWR | O_APPEND, 0o644);
    return {
      write: async bytes => (await handle.write(bytes)).bytesWritten,
      read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
      size: async () => (await handle.stat()).size,
      truncate: size => handle.truncate(size),
      chmod: mode => handle.chmod(mode),
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  async readFile(path) {
    const buffer = await fs.readFile(path);
    // A plain view: slice() of a Buffer would not copy.
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  },
  async stat(path) {
    const facts = await fs.lstat(path);
    return { isFile: facts.isFile(), isFolder: facts.isDirectory(), size: facts.size, mode: facts.mode & 0o777 };
  },
  rename: fs.rename,
  link: fs.link,
  unlink: fs.unlink,
  mkdir: path => fs.mkdir(path),
  readdir: path => fs.readdir(path),
  async syncFolder(path) {
    if (process.platform === 'win32') return; // folders cannot be opened there
    const handle = await fs.open(path, 'r');
    try {
      await handle.sync();
    } catch (cause) {
      // Some network and user-space file systems have no fsync for folders.
      if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemCode(cause))) throw cause;
    } finally {
      await handle.close();
    }
  },
  async freeBytes(path) {
    const { bavail, bsize, blocks } = await fs.statfs(path);
    return blocks === 0 ? Infinity : bavail * bsize;
  },
};

/** Which disk. */
export interface DiskOptions {
  /** @default the machine's own disk */
  readonly disk?: Disk | undefined;
}

/**
 * Makes a folder and the folders above it where they are not there, and brings their names to the disk.
 *
 * @throws `DISK_FULL`, `DISK_DENIED`, `DISK_FAILED`
 */
export async function makeFolder(folder: string, { disk = realDisk }: DiskOptions = {}): Promise<void> {
  try {
    await makeWithParents(folder, disk);
  } catch (cause) {
    throw diskError(folder, 'make the folder', cause);
  }
}

async function makeWithParents(folder: string, disk: Disk): Promise<void> {
  const parent = dirname(folder);
  try {
    await disk.mkdir(folder);
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'ENOENT' && parent !== folder) {
      await makeWithParents(parent, disk);
      return makeWithParents(folder, disk);
    }
    // readdir, not stat: the folder may be a link to one.
    if (code === 'EEXIST' || code === 'EISDIR' || code === 'EPERM' || code === 'EROFS' || code === 'EACCES')
      if (
        await disk.readdir(folder).then(
          () => true,
          () => false,
        )
      )
        return;
    throw cause;
  }
  await disk.syncFolder(parent);
}

/** What is at a path, or undefined where nothing is. Rejects with the system's own error. */
export async function factsOf(path: string, disk: Disk): Promise<FileFacts | undefined> {
  try {
    return await disk.stat(path);
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(cause))) return undefined;
    throw cause;
  }
}
