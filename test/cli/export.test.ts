// graft export as a user runs it: what is printed, what is data, which exit status.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { writeExportBundle } from '../workflows/export-bundles.js';

const program = fileURLToPath(new URL('../../src/cli/graft.js', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'graft-export-cli-'));
const bundle = join(scratch, 'ants');
const graft = (...args: string[]) => spawnSync(process.execPath, [program, 'export', ...args], { encoding: 'utf8', cwd: scratch }); // prettier-ignore
test.before(() => writeExportBundle(bundle));
test.after.always(() => rmSync(scratch, { recursive: true }));

test('each target says what it wrote and how to go on', t => {
  for (const [target, more, wanted, next] of [
    ['triton', ['--max-batch', '4', '--preferred-batch', '2,4'], 'ants/config.pbtxt', /tritonserver --model-repository export-triton/],
    ['kserve', ['--image', 'ants:1'], 'inference-service.yaml', /kubectl apply -f export-kserve\/inference-service.yaml/],
    ['docker', [], 'Dockerfile', /docker build .* export-docker/],
    ['ray', [], 'predict.py', /python export-ray\/predict.py --images/],
  ] as const) {
    const { status, stdout, stderr } = graft(target, 'ants', ...more);
    t.is(status, 0, stderr);
    t.true(stdout.includes(`saved export-${target}/${wanted}\n`), stdout);
    t.regex(stderr, next);
    t.true(existsSync(join(scratch, `export-${target}`, wanted)));
  } // prettier-ignore
});

test('with --json one value, and quoted paths in what comes next', t => {
  const { status, stdout } = graft('ray', 'ants', '--out', "it's ray", '--json');
  t.is(status, 0);
  t.like(JSON.parse(stdout), { target: 'ray', name: 'ants', folder: "it's ray" });
  t.true(graft('ray', 'ants', '--out', "it's ray", '--force').stderr.includes("python 'it'\\''s ray/predict.py'"));
});

test('refusals: a target, an option of another, a folder, a network that is none', t => {
  const refused = (...args: string[]) => {
    const { status, stdout } = graft(...args, '--json');
    return [status, (JSON.parse(stdout) as { error: { code: string } }).error.code];
  };
  t.deepEqual(refused('seldon', 'ants'), [2, 'EXPORT_TARGET']);
  t.deepEqual(refused('constructor', 'ants'), [2, 'EXPORT_TARGET']);
  t.deepEqual(refused('ray', 'ants', '--out', 'x', '--max-batch', '3'), [2, 'EXPORT_OPTION']);
  t.deepEqual(refused('docker', 'ants', '--out', '.'), [2, 'EXPORT_FOLDER']);
  t.deepEqual(refused('docker', 'ants/model.onnx', '--out', 'x'), [3, 'EXPORT_BUNDLE']);
  t.deepEqual(refused('docker', 'nowhere', '--out', 'x')[1], 'SERVE_NOTHING');
  t.false(existsSync(join(scratch, 'x')));
});
