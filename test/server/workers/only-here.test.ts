import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../../../src/', import.meta.url));

test('one module starts processes, by a list of arguments and without a shell', t => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'));
  const starting = files.filter(name => /child_process/.test(readFileSync(join(root, name), 'utf8')));
  t.deepEqual(starting, [join('server', 'workers', 'spawn.ts')]);
  const text = readFileSync(join(root, starting[0]!), 'utf8');
  t.deepEqual(text.match(/^import .*child_process.*$/gm), ["import { spawn } from 'node:child_process';"]);
  t.regex(text, /shell: false/);
});
