// Temporary folders with small files and real small pictures, for the tests of this room.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import sharp from 'sharp';

/** An empty folder, removed after the test. */
export function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'graft-pictures-'));
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** Writes files below a folder; a list makes one byte a file, for what is listed and never decoded. */
export function fill(root: string, files: readonly string[] | ReadonlyMap<string, string | Uint8Array>): string {
  const contents: Iterable<readonly [string, string | Uint8Array]> =
    'get' in files ? files : files.map(name => [name, 'x'] as const);
  for (const [name, content] of contents) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** A PNG of one colour. */
export const png = (red: number, side = 20): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background: { r: red, g: 0, b: 0 } } })
    .png()
    .toBuffer();
