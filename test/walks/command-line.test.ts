// The command line as a stranger uses it: exit statuses, one JSON value on standard output, no stack traces.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { commands } from '../../src/cli/commands.js';
import { temporary, writeNetwork, writePictures } from './small-network.js';

const graft = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}
const run = (...args: readonly string[]): Promise<Ran> =>
  new Promise(done => {
    execFile(process.execPath, [graft, ...args], { env: { ...process.env, NO_COLOR: '1' } }, (error, out, err) => {
      done({ status: error ? Number(error.code) : 0, out, err });
    });
  });

test('help names every command; every command has help with examples', async t => {
  const { status, out } = await run('--help');
  t.is(status, 0);
  for (const { name } of commands) t.regex(out, new RegExp(`^\\s+${name}\\b`, 'm'));
  for (const { name, flags } of commands) {
    const help = await run(name, '--help');
    t.is(help.status, 0);
    t.regex(help.out, /Examples:\n {2}\$ graft /);
    t.true(help.out.includes('--json'));
    for (const key of Object.keys(flags))
      t.true(help.out.includes(`--${key.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)}`), key);
  }
  t.is((await run('--version')).status, 0);
});

test('mistakes: status 2, and with --json one object', async t => {
  for (const args of [
    ['trian'],
    ['train'],
    ['train', 'x', '--epochs', 'many'],
    ['inspect'],
    ['train', 'x', '--no-such-flag'],
  ]) {
    const { status, err } = await run(...args);
    t.is(status, 2, args.join(' '));
    t.false(/\n\s+at /.test(err));
  }
  const { status, out } = await run('train', 'x', '--json', '--epochs', 'many');
  t.is(status, 2);
  t.is((JSON.parse(out) as { error: { code: string } }).error.code, 'CLI_USAGE');
});

test('the whole way with --json', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 8, 'pictures');
  writeFileSync(join(pictures, 'red', 'broken.png'), 'no picture');
  const backbone = writeNetwork(folder);
  const out = join(folder, 'run');
  const cache = join(folder, 'cache');
  const trained = await run('train', pictures, '--backbone', backbone, '--out', out, '--cache', cache, '--json');
  t.is(trained.status, 0, trained.err);
  const said = JSON.parse(trained.out) as { bundle: string; classes: string[] };
  t.deepEqual(said.classes, ['blue', 'red']);
  const again = await run('train', pictures, '--backbone', backbone, '--out', out, '--cache', cache, '--json');
  t.is(again.status, 2);
  t.is((JSON.parse(again.out) as { error: { code: string } }).error.code, 'GRAFT_OUT_EXISTS');

  const evaluated = await run('evaluate', said.bundle, pictures, '--json', '--html', join(folder, 'report.html'));
  const figures = JSON.parse(evaluated.out) as Record<string, unknown>;
  for (const key of [
    'split',
    'count',
    'accuracy',
    'accuracyInterval',
    'negativeLogLikelihood',
    'expectedCalibrationError',
    'brierScore',
    'equalMassCalibrationError',
    'balancedAccuracy',
    'macroF1',
    'auroc',
    'labels',
    'perClass',
    'confusion',
    'errors',
  ])
    t.true(key in figures, key);
  t.true(existsSync(join(folder, 'report.html')));

  const files = [join(pictures, 'red', '0.png'), join(pictures, 'red', 'broken.png')];
  const predicted = await run('predict', said.bundle, ...files, '--top', '1', '--json');
  t.is(predicted.status, 3);
  const [first, second] = JSON.parse(predicted.out) as Record<string, unknown>[];
  t.is(first!['label'], 'red');
  t.is((first!['probabilities'] as number[]).length, 2);
  t.deepEqual((second as { error: { code: string } }).error.code.slice(0, 6), 'IMAGE_');

  const inspected = await run('inspect', backbone, join(folder, 'none.onnx'), '--json');
  t.is(inspected.status, 3);
  t.is((JSON.parse(inspected.out) as unknown[]).length, 2);
  rmSync(folder, { recursive: true });
});

test('a full disk: status 5, the path named, nothing half-written', async t => {
  const folder = temporary();
  const small = join(folder, 'small');
  mkdirSync(small);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], { stdio: 'ignore' });
  } catch {
    t.log('a small file system cannot be mounted here: skipped');
    t.pass();
    rmSync(folder, { recursive: true });
    return;
  }
  try {
    const pictures = await writePictures(folder, 8, 'pictures');
    const out = join(small, 'run');
    // The network alone is larger than the disk.
    writeNetwork(folder);
    const wide = join(folder, 'wide.onnx');
    const { encodeModel } = await import('../../src/codec/index.js');
    const { wideNetwork } = await import('./small-network.js');
    writeFileSync(wide, encodeModel(wideNetwork()));
    const flags = ['--mean', '0.5', '--std', '0.5', '--scale', '0.004', '--cache', 'none'];
    const { status, err } = await run('train', pictures, '--backbone', wide, '--out', out, ...flags);
    t.is(status, 5, err);
    t.regex(err, /DISK_FULL/);
    t.true(err.includes(small));
    t.false(existsSync(join(out, 'bundle', 'manifest.json')));
    t.false(existsSync(join(out, 'lock')));
  } finally {
    execFileSync('umount', [small]);
    rmSync(folder, { recursive: true });
  }
});

test('a locked folder: status 6', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 8, 'pictures');
  const out = join(folder, 'run');
  const { lock } = await import('../../src/base/node.js');
  const held = await lock(out);
  const { status, err } = await run(
    'train',
    pictures,
    '--backbone',
    writeNetwork(folder),
    '--out',
    out,
    '--cache',
    'none',
  );
  t.is(status, 6, err);
  t.regex(err, /LOCKED/);
  await held.release();
  rmSync(folder, { recursive: true });
});
