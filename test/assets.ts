// Where the optional assets lie: tests named *.assets.test.ts use them and pass with a word where they are not.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const root = fileURLToPath(new URL('../../', import.meta.url));
const candidate = process.env['GRAFT_ASSETS'] ?? join(root, '..', 'shared', 'assets');

/** The assets folder, or undefined. */
export const assets: string | undefined = existsSync(candidate) ? candidate : undefined;
