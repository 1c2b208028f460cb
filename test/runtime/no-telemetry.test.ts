// onnxruntime's usage reports are off: a process that runs a network leaves no device id and no report behind.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const door = new URL('../../src/runtime/node.js', import.meta.url).href;
const backbone = fileURLToPath(new URL('../../../fixtures/backbone.onnx', import.meta.url));

test('running a network writes nothing into the home folder', t => {
  const home = mkdtempSync(join(tmpdir(), 'graft-home-'));
  const script = `
    const { readFileSync } = await import('node:fs');
    const { nodeRuntime } = await import(${JSON.stringify(door)});
    const session = await nodeRuntime().open(readFileSync(${JSON.stringify(backbone)}));
    await session.close();`;
  const env = { PATH: process.env['PATH'], HOME: home };
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { env, stdio: 'pipe' });
  t.deepEqual(readdirSync(home), []);
  rmSync(home, { recursive: true });
});
