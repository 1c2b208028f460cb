// A repository on disk: which names and versions are there, what makes one, when it has changed, and links that lead out.

import test from 'ava';
import { linkSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isName, modelsIn, versionsIn } from '../../../src/server/models/folder.js';
import { temporary } from '../networks.js';

/** Files of a repository, each with a word in it. */
function written(...files: readonly string[]): string {
  const folder = temporary();
  for (const file of files) {
    mkdirSync(join(folder, file, '..'), { recursive: true });
    writeFileSync(join(folder, file), 'word');
  }
  return folder;
}

test('names are those that requests may ask for', t => {
  for (const name of ['a', 'A_1.x-y', '_', '0', 'a'.repeat(128)]) t.true(isName(name), name);
  for (const name of ['', '.', '..', '.a', '-a', 'a/b', 'a\\b', 'a b', 'é', 'a\0', 'a'.repeat(129)]) t.false(isName(name), name); // prettier-ignore
});

test('models are folders with such names; hidden ones, files and what is being written are none', async t => {
  const folder = written(
    'b/1/model.onnx',
    'a/x',
    '.hidden/1/model.onnx',
    'half.tmp/1/model.onnx',
    'file',
    'a b/1/model.onnx',
  );
  t.deepEqual(await modelsIn(folder), ['a', 'b']);
  await t.throwsAsync(modelsIn(join(folder, 'none')), { code: 'ENOENT' } as never);
});

test('versions are numbers with a marker, ascending by number', async t => {
  const folder = written('m/10/model.onnx', 'm/9/manifest.json', 'm/9/model.onnx', 'm/2/ensemble.json', 'm/3/other', 'm/0/model.onnx', 'm/01/model.onnx', 'm/x/model.onnx', 'm/4'); // prettier-ignore
  mkdirSync(join(folder, 'm', '5', 'model.onnx'), { recursive: true });
  t.deepEqual((await versionsIn(folder, 'm')).map(({ version, kind }) => [version, kind]), [['2', 'ensemble'], ['9', 'bundle'], ['10', 'network']]); // prettier-ignore
  for (const name of ['none', '..', '', 'm.tmp', 'm/10']) t.deepEqual(await versionsIn(folder, name), []);
  t.deepEqual(await versionsIn(join(folder, 'none'), 'm'), []);
});

test('a version has changed when its marker has, and is whole when all its files are the same', async t => {
  const folder = written('m/1/manifest.json', 'm/1/model.onnx');
  const look = async () => (await versionsIn(folder, 'm'))[0]!;
  const first = await look();
  t.deepEqual(await look(), first);
  const at = new Date(1_000_000_000_000);
  utimesSync(join(folder, 'm', '1', 'model.onnx'), at, at);
  const second = await look();
  t.is(second.mark, first.mark);
  t.not(second.whole, first.whole);
  utimesSync(join(folder, 'm', '1', 'manifest.json'), at, at);
  t.not((await look()).mark, first.mark);
  rmSync(join(folder, 'm', '1', 'manifest.json'));
  t.is((await look()).kind, 'network');
});

test('links within the repository are fine, those that lead out are a fault', async t => {
  const outside = written('net/model.onnx');
  const folder = written('real/1/model.onnx');
  mkdirSync(join(folder, 'm', '1'), { recursive: true });
  symlinkSync(join(folder, 'real', '1', 'model.onnx'), join(folder, 'm', '1', 'model.onnx'));
  t.is((await versionsIn(folder, 'm'))[0]!.fault, undefined);
  mkdirSync(join(folder, 'out', '1'), { recursive: true });
  symlinkSync(join(outside, 'net', 'model.onnx'), join(folder, 'out', '1', 'model.onnx'));
  symlinkSync(join(outside, 'net'), join(folder, 'out', '2'));
  symlinkSync(outside, join(folder, 'whole'));
  mkdirSync(join(outside, '1'));
  linkSync(join(outside, 'net', 'model.onnx'), join(outside, '1', 'model.onnx'));
  for (const [name, versions] of [
    ['out', ['1', '2']],
    ['whole', ['1']],
  ] as const) {
    const found = await versionsIn(folder, name);
    t.deepEqual(found.map(({ version }) => version), [...versions]); // prettier-ignore
    for (const { version, fault } of found) t.is(fault, `version ${version} holds a link that leads out of the repository`); // prettier-ignore
  }
  // a link to nowhere is no file
  symlinkSync(join(folder, 'nowhere'), join(folder, 'm', '2'));
  t.deepEqual((await versionsIn(folder, 'm')).map(({ version }) => version), ['1']); // prettier-ignore
});
