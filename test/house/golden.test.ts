// The graphs that are built are those of graphs/golden/: what changes in what is computed is seen before it is kept.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { coreOperators } from '../../src/operators/index.js';
import { graphFiles, makeGraphs, writeGraphs } from '../../tools/make-graphs.js';

const folder = fileURLToPath(new URL('../../../graphs/golden/', import.meta.url));
const made = makeGraphs();

test('every golden graph is what the source makes', t => {
  for (const [name, text] of made) {
    const path = join(folder, name);
    const kept = existsSync(path) ? readFileSync(path, 'utf8') : '';
    t.is(text, kept, `${name} is another graph: if that is meant, npm run graphs, and commit the diff`);
  }
});

test('no golden graph is left over', t => {
  t.deepEqual(
    graphFiles(folder).filter(name => !made.has(name)),
    [],
    'npm run graphs takes them out',
  );
});

test('every operator with a gradient rule has a golden gradient', t => {
  const rules = [...coreOperators].filter(({ spec }) =>
    Object.values(spec.gradient ?? {}).some(rule => rule !== 'none'),
  );
  t.true(rules.length > 60);
  t.deepEqual(
    rules.map(({ operatorName }) => `gradients/${operatorName}.txt`).filter(name => !made.has(name)),
    [],
  );
});

test('made again they are the same, and what is made no more goes', t => {
  const again = mkdtempSync(join(tmpdir(), 'graft-golden-'));
  try {
    writeFileSync(join(again, 'old.txt'), '');
    writeFileSync(join(again, 'README.md'), 'not a graph');
    writeGraphs(again);
    t.deepEqual(graphFiles(again).sort(), [...made.keys()].sort());
    for (const [name, text] of made) t.is(readFileSync(join(again, name), 'utf8'), text, name);
    t.true(existsSync(join(again, 'README.md')));
  } finally {
    rmSync(again, { recursive: true });
  }
});
