// Reading what a manifest names: size and SHA-256 are checked, always.

import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { diskError, state, systemCode } from './disk-errors.js';
import { realDisk, type DiskOptions } from './disk.js';
import { ignore } from './write-atomically.js';

/** A file as its manifest tells it. */
export interface FileRecord {
  readonly name: string;
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

/**
 * Reads a file that a manifest names, and checks its size and hash. Where the file is being replaced just now, the old
 * content that the manifest means is found under its kept name.
 *
 * @throws `STATE_CORRUPT` where it is damaged or of another manifest (read the manifest again, once); `DISK_FAILED`
 */
export async function readChecked(
  folder: string,
  record: FileRecord,
  { disk = realDisk }: DiskOptions = {},
): Promise<Uint8Array> {
  const path = join(folder, record.name);
  if (dirname(path) !== join(folder)) throw state.CORRUPT({ path, reason: 'it would lie outside the folder' });
  try {
    const bytes = await disk.readFile(path).catch((cause: unknown) => {
      if (systemCode(cause) === 'ENOENT') return undefined;
      throw cause;
    });
    if (bytes && agrees(bytes, record)) return bytes;
    for (const name of await disk.readdir(folder)) {
      if (!name.startsWith(`.${record.name}.`) || !name.endsWith('.kept')) continue;
      const kept = await disk.readFile(join(folder, name)).catch(ignore);
      if (kept && agrees(kept, record)) return kept;
    }
    throw state.CORRUPT({ path, reason: bytes ? 'size or SHA-256 is not what its manifest says' : 'it is missing' });
  } catch (cause) {
    throw diskError(path, 'read', cause);
  }
}

function agrees(bytes: Uint8Array, { bytes: size, sha256 }: FileRecord): boolean {
  return bytes.length === size && createHash('sha256').update(bytes).digest('hex') === sha256;
}
