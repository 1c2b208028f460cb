// Training that is stopped, or killed, and resumed ends with the same bytes as training that was not.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { Random } from '../../src/base/index.js';
import { transfer, type TransferOptions } from '../../src/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { temporary, writeNetwork, writePictures } from './small-network.js';

const runtime = nodeRuntime();
const graft = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));
const model = (run: string) => readFileSync(join(run, 'bundle', 'model.onnx'));
const how = { head: 'mlp', hidden: [16], epochs: 400, patience: 400, seed: 3 } as const;

test('a run that was asked to stop goes on where it stopped', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 10, 'pictures');
  const options: TransferOptions = {
    ...how,
    epochs: 30,
    backbone: writeNetwork(folder),
    out: join(folder, 'whole'),
    cache: false,
  };
  await transfer(pictures, options, runtime);
  const stop = new AbortController();
  const out = join(folder, 'broken');
  const stopped = {
    ...options,
    out,
    signal: stop.signal,
    onProgress: ({ what, done }: { what: string; done: number }) => {
      if (what === 'training' && done === 7) stop.abort();
    },
  };
  await t.throwsAsync(transfer(pictures, stopped, runtime), { any: true });
  t.true(existsSync(join(out, 'checkpoints')));
  t.false(existsSync(join(out, 'lock')));
  t.false(existsSync(join(out, 'bundle')));
  const other = { ...options, out, rate: 0.5, resume: true };
  await t.throwsAsync(transfer(pictures, other, runtime), { code: 'GRAFT_OTHER_OPTIONS', message: /rate/ });
  await transfer(pictures, { ...options, out, resume: true }, runtime);
  t.true(model(out).equals(model(join(folder, 'whole'))));
  const events = (run: string) => readFileSync(join(run, 'history.jsonl'), 'utf8');
  t.is(events(out), events(join(folder, 'whole')));
  await t.throwsAsync(transfer(pictures, { ...options, out: join(folder, 'none'), resume: true }, runtime), {
    code: 'GRAFT_NO_RUN',
  });
  rmSync(folder, { recursive: true });
});

test('killed at random moments and resumed, the result is that of an unbroken run', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 10, 'pictures');
  const backbone = writeNetwork(folder);
  const out = join(folder, 'run');
  const whole = join(folder, 'whole');
  const args = [
    pictures,
    '--backbone',
    backbone,
    '--head',
    'mlp',
    '--hidden',
    '16',
    '--epochs',
    '400',
    '--patience',
    '400',
    '--seed',
    '3',
    '--cache',
    join(folder, 'cache'),
    '--quiet',
  ];
  const start = (to: string, more: readonly string[] = []) =>
    spawn(process.execPath, [graft, 'train', ...args, '--out', to, ...more], { stdio: 'ignore' });
  const ended = (child: ReturnType<typeof start>) => new Promise<number | null>(done => child.on('close', done));
  t.is(await ended(start(whole)), 0);
  const random = new Random('kills');
  let kills = 0;
  for (let i = 0; i < 40; i++) {
    const begun = existsSync(join(out, 'run.json'));
    const child = start(out, begun ? ['--resume'] : ['--force']);
    const over = ended(child);
    const status = await Promise.race([over, setTimeout(400 + random.integer(700)).then(() => 'late' as const)]);
    if (status !== 'late') {
      t.is(status, 0);
      break;
    }
    child.kill('SIGKILL');
    kills++;
    await over;
    if (kills >= 6) {
      t.is(await ended(start(out, existsSync(join(out, 'run.json')) ? ['--resume'] : ['--force'])), 0);
      break;
    }
  }
  t.log(`${kills} kills`);
  t.true(kills > 0);
  t.true(model(out).equals(model(whole)));
  t.deepEqual(readdirSync(join(out, 'checkpoints')).sort(), readdirSync(join(whole, 'checkpoints')).sort());
  rmSync(folder, { recursive: true });
});

test('two writers: the second one is refused and the first is not disturbed', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 10, 'pictures');
  const options: TransferOptions = {
    ...how,
    epochs: 20,
    backbone: writeNetwork(folder),
    out: join(folder, 'run'),
    cache: false,
  };
  let second: Promise<unknown> | undefined;
  const onProgress = ({ what }: { what: string }) => {
    if (what === 'training')
      second ??= t.throwsAsync(transfer(pictures, { ...options, force: true }, runtime), { code: 'LOCKED' });
  };
  await transfer(pictures, { ...options, onProgress }, runtime);
  t.truthy(await second);
  rmSync(folder, { recursive: true });
});
