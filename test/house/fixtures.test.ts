// Nothing lies in fixtures/ without a maker, and the maker makes the same bytes again.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { makeFixtures } from '../../tools/make-fixtures.js';

const folder = fileURLToPath(new URL('../../../fixtures/', import.meta.url));

test('fixtures are what their makers make', t => {
  const made = makeFixtures();
  const there = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length).replaceAll('\\', '/'));
  t.deepEqual(there.sort(), [...made.keys()].sort());
  for (const [name, bytes] of made) t.true(readFileSync(join(folder, name)).equals(bytes), name);
});
