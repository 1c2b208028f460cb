// What is documented is what there is: generated pages are those of this source, every code is tested somewhere.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { coveragePage } from '../../tools/coverage.js';
import { commandsPage, documentedErrors, errorsPage } from '../../tools/make-docs.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (name: string) => readFileSync(join(root, name), 'utf8');

test('docs/errors.md and docs/commands.md are up to date (npm run docs)', async t => {
  t.is(read('docs/errors.md'), await errorsPage());
  t.is(read('docs/commands.md'), commandsPage());
});

test('docs/coverage.md is up to date (npm run docs)', async t => {
  t.is(read('docs/coverage.md'), await coveragePage());
});

test('every error code is named in a test', async t => {
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => read(join('test', name)))
    .join('\n');
  const untested = (await documentedErrors()).map(({ code }) => code).filter(code => !tests.includes(code));
  t.deepEqual(untested, []);
});

test('links between the documents lead somewhere', t => {
  for (const page of ['README.md', 'docs/getting-started.md', 'docs/architecture.md'])
    for (const [, link] of read(page).matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
      const folder = page.includes('/') ? 'docs/' : '';
      t.notThrows(() => read(folder + link!), `${page} → ${link}`);
    }
});
