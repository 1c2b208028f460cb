// Lines of the log: JSON, one a line, no control character; targets that are full or closed stop nobody.
// Row 5.14 of safety.md.

import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { createLog, fileSink } from '../../../src/server/http/index.js';

test('control characters of names are escaped', t => {
  const lines: string[] = [];
  const log = createLog({ sink: { write: line => lines.push(line) } });
  const name = 'a\u001b[31mred\u001b[0m\r\nforged: line\u0007\u009b31m\u007f\u2028\u0000';
  log.info({ model: name }, name);
  t.is(lines.length, 1);
  t.notRegex(lines[0]!.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
  t.is(lines[0]!.at(-1), '\n');
  t.like(JSON.parse(lines[0]!), { model: name, msg: name });
});

test('levels that are not asked for are not written', t => {
  const lines: string[] = [];
  const log = createLog({ level: 'warn', sink: { write: line => lines.push(line) } });
  log.info({}, 'a');
  log.warn({}, 'b');
  t.is(lines.length, 1);
});

test('lines reach a file whole and in order', async t => {
  const path = join(mkdtempSync(join(tmpdir(), 'graft-log-')), 'log');
  const sink = fileSink(openSync(path, 'w'));
  const log = createLog({ sink });
  for (let at = 0; at < 5000; at++) log.info({ at }, 'line');
  await sink.flush(10_000);
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  t.deepEqual(lines.map(line => (JSON.parse(line) as { at: number }).at), [...Array(5000).keys()]); // prettier-ignore
  t.is(sink.dropped, 0);
});

const door = fileURLToPath(new URL('../../../src/server/http/log.js', import.meta.url));
const program = `
  const { createLog, fileSink } = await import(${JSON.stringify(door)});
  const sink = fileSink(1);
  const log = createLog({ sink });
  process.stderr.write('up');
  await new Promise(resolve => setTimeout(resolve, 200));
  let longest = 0;
  for (let at = 0; at < 20000; at++) {
    const from = performance.now();
    log.info({ text: 'x'.repeat(1000) }, 'line');
    longest = Math.max(longest, performance.now() - from);
    if (at % 1000 === 0) await new Promise(resolve => setImmediate(resolve));
  }
  await sink.flush(200);
  process.stderr.write(JSON.stringify({ longest, dropped: sink.dropped }));
  process.exit(7);
`;

for (const kind of ['closed', 'full'] as const)
  test(`a target that is ${kind} neither blocks nor throws`, async t => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', chunk => (said += String(chunk)));
    if (kind === 'closed') child.stdout.destroy();
    const killer = setTimeout(() => child.kill('SIGKILL'), 120_000);
    const [status] = (await once(child, 'exit')) as [number | null];
    clearTimeout(killer);
    t.is(status, 7, said);
    const facts = JSON.parse(said.replace(/^up/, '')) as { longest: number; dropped: number };
    t.true(facts.longest < 20_000);
    if (kind === 'full') t.true(facts.dropped > 1_000);
    child.stdout.destroy();
  });
