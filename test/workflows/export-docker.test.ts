// The folder of an image. tools/check-box.ts runs what the Dockerfile says as a container would run it.

import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readBundle } from '../../src/bundle/node.js';
import { exportDocker } from '../../src/workflows/export-docker.js';
import { version } from '../../src/workflows/version.js';
import { serveCommand } from '../../src/cli/commands/serve.js';
import { codeOf } from '../code-of.js';
import { awkwardLabels, writeExportBundle } from './export-bundles.js';

const scratch = mkdtempSync(join(tmpdir(), 'graft-export-'));
test.after.always(() => rmSync(scratch, { recursive: true }));

/** The instructions of a Dockerfile: comments gone, lines joined. */
const instructions = (text: string): [string, string][] =>
  text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter(line => line !== '')
    .map(line => [/^\S+/.exec(line)![0], line.replace(/^\S+\s+/, '')]);

test('a Dockerfile, and all that it copies', async t => {
  const run = join(scratch, 'ants.2');
  await writeExportBundle(join(run, 'bundle'));
  writeFileSync(join(run, 'run.json'), '{}');
  writeFileSync(join(run, 'report.html'), '<p>');
  writeFileSync(join(run, 'bundle', 'left-over'), 'not of the bundle');
  const out = join(scratch, 'docker');
  const { name, files } = await exportDocker(run, { out });
  t.is(name, 'ants.2');
  t.true(files.every(file => existsSync(join(out, file))));
  t.deepEqual(readdirSync(join(out, 'bundle')).sort(), ['README.md', 'manifest.json', 'model.onnx', 'report.html']);
  t.deepEqual((await readBundle(join(out, 'bundle'))).manifest.labels, awkwardLabels);
  t.deepEqual(JSON.parse(readFileSync(join(out, 'package.json'), 'utf8')), { private: true, dependencies: { 'onnx-graft': version } }); // prettier-ignore
  const lines = instructions(readFileSync(join(out, 'Dockerfile'), 'utf8'));
  const last = new Map(lines);
  t.is(last.get('USER'), '10001:10001');
  t.deepEqual(JSON.parse(last.get('CMD')!), ['ants.2=/models/ants.2']);
  const entry = JSON.parse(last.get('ENTRYPOINT')!) as string[];
  t.deepEqual(entry.slice(0, 1), ['node'], 'signals reach the server, no shell is between');
  t.is(entry[1], '/app/node_modules/onnx-graft/dist/src/cli/graft.js');
  t.is(entry[2], serveCommand.name);
  t.true('host' in serveCommand.flags && 'insecureNoAuth' in serveCommand.flags);
  t.regex(last.get('HEALTHCHECK')!, /CMD \["node", "-e", .*\/v2\/health\/live/);
  const installs = lines.filter(([what]) => what === 'RUN').map(([, how]) => how);
  t.is(installs.length, 1, 'nothing runs in the image that ships');
  for (const way of installs[0]!.split('else')) t.regex(way, /npm (ci|install) --omit=dev --ignore-scripts/);
  for (const [what, from] of lines)
    if (what === 'COPY' && !from.startsWith('--from'))
      for (const path of from.split(' ').slice(0, -1))
        t.true(path.endsWith('*') || existsSync(join(out, path)), `COPY ${path}`);
});

test('refused where something is, and for networks alone', async t => {
  const bundle = join(scratch, 'twice');
  const out = join(scratch, 'twice-out');
  await writeExportBundle(bundle);
  await exportDocker(bundle, { out });
  t.is(await codeOf(exportDocker(bundle, { out })), 'EXPORT_FOLDER');
  t.is(await codeOf(exportDocker(bundle, { out, force: true })), 'done');
  t.is(await codeOf(exportDocker(bundle, { out: join(scratch, 'none'), name: 'a"; RUN x' })), 'EXPORT_OPTION');
  t.is(await codeOf(exportDocker(join(bundle, 'model.onnx'), { out: join(scratch, 'none') })), 'EXPORT_BUNDLE');
  t.false(existsSync(join(scratch, 'none')));
  writeFileSync(join(bundle, 'model.onnx'), 'x');
  t.is(await codeOf(exportDocker(bundle, { out: join(scratch, 'none') })), 'STATE_CORRUPT');
});
