// Reads a picture file whole: a regular file of a bearable size, never a pipe or a device that would not end.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { imageErrors as errors } from './errors.js';

/** Largest picture file, in bytes. */
export const mostFileBytes = 256 * 1024 * 1024;

/**
 * The bytes of a picture file.
 *
 * @throws IMAGE_UNREADABLE where it is not there or not a file, IMAGE_TOO_LARGE above 256 MiB.
 */
export function readPictureFile(file: string): Uint8Array {
  if (file.includes('\0')) throw errors.UNREADABLE({ file, reason: 'a name with a NUL' });
  let handle: number | undefined;
  try {
    // without O_NONBLOCK, opening a named pipe waits for its writer
    handle = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(handle);
    if (!stat.isFile()) throw errors.UNREADABLE({ file, reason: 'not a regular file' });
    if (stat.size > mostFileBytes)
      throw errors.TOO_LARGE({ found: `${stat.size} bytes`, limit: `${mostFileBytes} bytes a file` });
    const bytes = new Uint8Array(stat.size);
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(handle, bytes, filled, bytes.length - filled, null);
      if (read === 0) break;
      filled += read;
    }
    return filled === bytes.length ? bytes : bytes.subarray(0, filled);
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause) {
      const reason = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
      throw errors.UNREADABLE({ file, reason }, cause);
    }
    throw cause;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
