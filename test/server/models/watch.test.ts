// Changes of a repository that are taken up as they come.

import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { encodeModel } from '../../../src/codec/index.js';
import { addNetwork, pictureBundle, temporary, writeVersion } from '../networks.js';
import { until } from '../../until.js';
import { repositoryOf, shiftOf } from './in-process.js';

const watching = { isWatching: true, pollMs: 60_000 };
const isShift = async (
  repository: Awaited<ReturnType<typeof repositoryOf>>['repository'],
  name: string,
  first: number,
) =>
  // prettier-ignore
  repository.versionsOf(name).length > 0 && (await shiftOf(repository.find(name)))[0] === first;

test('a model is added, replaced, removed; versions come and go', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork([1, 0, 0, 0]));
  const { repository, told } = await repositoryOf({ folder, ...watching });
  await repository.started;
  writeVersion(folder, 'new', addNetwork([9, 0, 0, 0]));
  await until(() => isShift(repository, 'new', 9));
  writeVersion(folder, 'add', addNetwork([2, 0, 0, 0]));
  await until(() => isShift(repository, 'add', 2));
  writeVersion(folder, 'add', addNetwork([3, 0, 0, 0]), 2);
  await until(() => isShift(repository, 'add', 3));
  t.deepEqual(repository.versionsOf('add'), ['2'], 'the latest only');
  rmSync(join(folder, 'add', '2'), { recursive: true });
  await until(() => isShift(repository, 'add', 2));
  rmSync(join(folder, 'new'), { recursive: true });
  await until(() => !repository.isKnown('new'));
  await until(() => told.alive === 1);
  t.deepEqual(repository.notReady(), []);
  await repository.close();
  t.is(told.alive, 0);
});

test('a bundle is loaded when its manifest is there, never before', async t => {
  const [folder, made] = [temporary(), temporary()];
  await pictureBundle(join(made, '1'), { classes: 2 });
  const { repository, told } = await repositoryOf({ folder, ...watching });
  const target = join(folder, 'pic', '1');
  mkdirSync(target, { recursive: true });
  await new Promise(resolve => setTimeout(resolve, 250));
  t.deepEqual(told.opened, []);
  cpSync(join(made, '1', 'model.onnx'), join(target, 'model.onnx'));
  cpSync(join(made, '1', 'README.md'), join(target, 'README.md'));
  cpSync(join(made, '1', 'manifest.json'), join(target, 'manifest.json.tmp'));
  renameSync(join(target, 'manifest.json.tmp'), join(target, 'manifest.json'));
  await until(() => repository.versionsOf('pic').length === 1);
  t.is(repository.find('pic').facts.labels?.length, 2);
  t.deepEqual(told.opened, ['pic/1']);

  // the whole model is replaced by renaming
  await pictureBundle(join(made, 'next', '1'), { classes: 5 });
  cpSync(join(made, 'next'), join(folder, 'pic.tmp'), { recursive: true });
  renameSync(join(folder, 'pic'), join(folder, '.old'));
  renameSync(join(folder, 'pic.tmp'), join(folder, 'pic'));
  await until(() => repository.versionsOf('pic').length === 1 && repository.find('pic').facts.labels?.length === 5);
  await until(() => told.alive === 1);
  t.deepEqual(repository.notReady(), []);
  await repository.close();
});

test('what fails stays in the index and is tried again when its folder changes', async t => {
  const folder = temporary();
  const { repository, told, events } = await repositoryOf({ folder, ...watching });
  const path = writeVersion(folder, 'add', addNetwork());
  writeFileSync(join(path, 'model.onnx'), 'half a netw');
  await until(() => repository.index().some(({ reason }) => /^\w+_\w+: /.test(reason)));
  t.deepEqual(repository.notReady(), [], 'it never answered: the server goes on being ready');
  await new Promise(resolve => setTimeout(resolve, 600));
  t.is(events.filter(([kind]) => kind === 'loadFailed').length, 1, 'it is not tried over and over');
  writeFileSync(join(path, 'model.onnx'), encodeModel(addNetwork([4, 0, 0, 0])));
  await until(() => isShift(repository, 'add', 4));
  t.deepEqual(repository.index(), [{ name: 'add', version: '1', state: 'READY', reason: '' }]);
  t.is(told.alive, 1);
  await repository.close();
});

test('what was unloaded by a request stays so until a request loads it; names that were not asked for are left', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork());
  const { repository, told } = await repositoryOf({ folder, ...watching, load: ['add'] });
  await repository.started;
  await repository.unload('add');
  writeVersion(folder, 'add', addNetwork([6, 0, 0, 0]));
  writeVersion(folder, 'other', addNetwork());
  await until(() => repository.isKnown('other'));
  await new Promise(resolve => setTimeout(resolve, 500));
  t.deepEqual(repository.loaded(), []);
  await repository.load('add');
  t.true(await isShift(repository, 'add', 6));
  t.is(told.alive, 1);
  await repository.close();
});

test('looks at fixed times find what the system does not tell', async t => {
  const folder = temporary();
  const { repository } = await repositoryOf({ folder, isWatching: true, pollMs: 50 });
  writeVersion(folder, 'add', addNetwork([8, 0, 0, 0]));
  await until(() => isShift(repository, 'add', 8));
  t.deepEqual(repository.versionsOf('add'), ['1']);
  await repository.close();
});
