// kill -9 at random moments: what is on the disk is whole, and the run that goes on ends with the bytes of an unbroken one.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Random } from '../../src/base/index.js';
import { checkpoints } from '../../src/training/node.js';
import { epochs, trainIn } from './killed-run.js';

const script = fileURLToPath(new URL('killed-run.js', import.meta.url));
const start = (folder: string) => spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });

async function filesOf(folder: string): Promise<Map<string, string>> {
  const found = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile());
  const paths = found.map(entry => join(entry.parentPath, entry.name)).sort();
  const read = async (path: string) => [path.slice(folder.length + 1), await readFile(path, 'base64')] as const;
  return new Map(await Promise.all(paths.map(read)));
}

test('a run that is killed five times and resumed ends with the files of an unbroken one, byte for byte', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'graft-killed-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [whole, broken] = [join(folder, 'whole'), join(folder, 'broken')];
  const began = performance.now();
  await trainIn(whole);
  const duration = performance.now() - began;

  const random = new Random('kill');
  const reached: number[] = [];
  for (let kill = 0; kill < 5; kill++) {
    // At a random moment within two epochs, each of which writes several files; far from the end of the run.
    const from = 3 + 15 * kill + random.integer(11);
    const child = start(broken);
    const ended = once(child, 'exit');
    for await (const line of createInterface(child.stdout)) if (Number(line) >= from) break;
    await setTimeout(((2 * duration) / epochs) * random.uniform());
    child.kill('SIGKILL');
    t.deepEqual(await ended, [null, 'SIGKILL']);
    const found = await checkpoints(join(broken, 'checkpoints')).newest();
    t.deepEqual(found?.damaged, []);
    reached.push(found!.checkpoint.epoch);
    t.true(found!.checkpoint.epoch >= from - 1 && found!.checkpoint.epoch < epochs);
  }
  t.log(`${Math.round(duration)} ms unbroken; killed after epochs ${reached.join(', ')} of ${epochs}`);

  const last = start(broken);
  t.deepEqual(await once(last, 'exit'), [0, null]);
  t.deepEqual(await filesOf(broken), await filesOf(whole));
});
