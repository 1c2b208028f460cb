// convert and taps as a user runs them: what is printed, what is data, which exit status.

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { encodeModel } from '../../src/codec/index.js';
import { smallNetwork, temporary } from '../walks/small-network.js';

const program = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));
const graft = (...args: string[]) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });

test('graft convert --list names the passes without a model', t => {
  const { status, stdout } = graft('convert', '--list');
  t.is(status, 0);
  t.regex(stdout, /symbolic-batch\s+lets a network/);
  const passes = JSON.parse(graft('convert', '--list', '--json').stdout) as { name: string; summary: string }[];
  t.true(passes.some(({ name }) => name === 'upgrade'));
});

test('graft convert says what each pass did, and refuses politely', t => {
  const folder = temporary();
  const [path, out] = [join(folder, 'network.onnx'), join(folder, 'clean.onnx')];
  writeFileSync(path, encodeModel(smallNetwork(1)));
  const missing = graft('convert', path);
  t.is(missing.status, 2);
  t.regex(missing.stderr, /CLI_USAGE.*--out/);
  const { status, stdout } = graft('convert', path, '--out', out);
  t.is(status, 0);
  t.regex(stdout, /symbolic-batch +made the batch of input a name/);
  t.regex(stdout, /random input +equal/);
  t.regex(stdout, /real input +equal/);
  t.true(existsSync(out));
  t.is(graft('convert', path, '--out', out).status, 2);
  const again = graft('convert', path, '--out', out, '--force', '--json');
  t.is(again.status, 0);
  const result = JSON.parse(again.stdout) as { batch: string; difference: object; changes: { pass: string }[] };
  t.is(result.batch, 'N');
  t.deepEqual(result.difference, { random: 0, real: 0 });
  rmSync(folder, { recursive: true });
});

test('graft taps prints what comes out', t => {
  const folder = temporary();
  const [path, out] = [join(folder, 'network.onnx'), join(folder, 'tapped.onnx')];
  writeFileSync(path, encodeModel(smallNetwork()));
  const { status, stdout } = graft('taps', path, '--value', 'features', 'logits', '--out', out);
  t.is(status, 0);
  t.regex(stdout, /float32 \[N, 8\]/);
  t.regex(stdout, /optimizations off: old outputs equal bit for bit/);
  t.true(existsSync(out));
  const none = graft('taps', path, '--value', 'nowhere', '--out', out, '--force', '--json');
  t.is(none.status, 2);
  t.is((JSON.parse(none.stdout) as { error: { code: string } }).error.code, 'TAP_NO_VALUE');
  rmSync(folder, { recursive: true });
});
