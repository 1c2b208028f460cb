// Side door of base for Node: hashes and, beside it, the disk.

import { createHash } from 'node:crypto';

/** SHA-256 as 64 hex digits. */
export const sha256 = (...parts: readonly (Uint8Array | string)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
};
export { diskError } from './disk-errors.js';
export { makeFolder, realDisk, type Disk, type DiskOptions, type FileFacts, type OpenFile } from './disk.js';
export { appendLine, writeAtomically, type Chunks, type WriteOptions } from './write-atomically.js';
export { writeTogether } from './write-together.js';
export { openSafetensors, writeSafetensors, type Streamed } from './safetensors-file.js';
export { cleanLeftovers } from './clean-leftovers.js';
export { readChecked, type FileRecord } from './read-checked.js';
export { lock, type Lock } from './lock.js';
