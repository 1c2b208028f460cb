// Rows of numbers in a file of their own, for sets that memory does not hold: appended once, then read in any order.
// Row i lies at byte 4 · width · i, float32, little endian. The file is for one run and goes with it.

import { open, rm } from 'node:fs/promises';
import { errors } from './errors.js';

/** Rows in a file. */
export interface RowStore {
  /** Adds rows [n, width] at the end. */
  append(rows: Float32Array): Promise<void>;
  /** Rows by number, in the order asked for: [numbers.length, width]. */
  read(numbers: readonly number[]): Promise<Float32Array>;
  /** Closes and removes the file. */
  close(): Promise<void>;
}

/**
 * Opens an empty store; a file that is there is written over.
 *
 * @param width numbers a row
 * @throws DISK_…; FEATURES_ROWS where rows are not whole or not there
 * @example
 * const store = await rowStore('run/rows.tmp', 64896);
 */
export async function rowStore(path: string, width: number): Promise<RowStore> {
  const file = await open(path, 'w+');
  const size = 4 * width;
  let count = 0;
  return {
    async append(rows) {
      if (rows.length % width !== 0)
        throw errors.ROWS({ path, found: `${rows.length} numbers`, wanted: `rows of ${width}` });
      const bytes = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await file.write(
          bytes,
          done,
          Math.min(bytes.length - done, 2 ** 30),
          size * count + done,
        );
        done += bytesWritten;
      }
      count += rows.length / width;
    },
    async read(numbers) {
      const rows = new Float32Array(numbers.length * width);
      const bytes = Buffer.from(rows.buffer);
      for (const [i, number] of numbers.entries()) {
        if (!(number >= 0 && number < count))
          throw errors.ROWS({ path, found: `row ${number}`, wanted: `one of ${count}` });
        const { bytesRead } = await file.read(bytes, i * size, size, number * size);
        if (bytesRead !== size)
          throw errors.ROWS({ path, found: `${bytesRead} bytes`, wanted: `${size} of row ${number}` });
      }
      return rows;
    },
    async close() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}
