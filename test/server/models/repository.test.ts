// Loading, loading anew, unloading: rows 2, 5 to 7 and 51 to 58 of the protocol's cases, beneath HTTP.

import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { GraftError } from '../../../src/index.js';
import { defaultLimits } from '../../../src/server/limits.js';
import { statusOf } from '../../../src/server/statuses.js';
import { addNetwork, loopNetwork, pictureBundle, temporary, writeVersion } from '../networks.js';
import { until } from '../../until.js';
import { four, inProcess, numbersOf, repositoryOf, shiftOf } from './in-process.js';

const readyNames = (rows: readonly { readonly name: string; readonly state: string }[]) =>
  rows.filter(({ state }) => state === 'READY').map(({ name }) => name);

test('what is there is loaded at start; a model that fails leaves the others and is named', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork());
  const broken = writeVersion(folder, 'broken', addNetwork());
  writeFileSync(join(broken, 'model.onnx'), 'no network');
  mkdirSync(join(folder, 'empty.tmp/1'), { recursive: true });
  mkdirSync(join(folder, '.hidden/1'), { recursive: true });
  const { repository, lines } = await repositoryOf({ folder });
  t.deepEqual(repository.notReady(), ['add', 'broken'], 'nothing is loaded yet');
  t.throws(() => repository.find('add'), { code: 'MODEL_NOT_READY', message: /add is not ready: it is being loaded|not loaded yet/ }); // prettier-ignore
  await repository.started;
  t.deepEqual(repository.notReady(), ['broken']);
  t.deepEqual(await shiftOf(repository.find('add')), [0, 1, 2, 3]);
  t.deepEqual(await shiftOf(repository.find('add', '1')), [0, 1, 2, 3]);
  const index = repository.index();
  t.deepEqual(index.map(({ name, version, state }) => [name, version, state]), [['add', '1', 'READY'], ['broken', '1', 'UNAVAILABLE']]); // prettier-ignore
  t.regex(index[1]!.reason, /^(PROTO|ONNX)_\w+: /);
  t.false(index[1]!.reason.includes(folder), 'no folder of the host');
  t.is(lines.filter(({ level }) => level === 'warn').length, 1);
  t.throws(() => repository.find('nope'), { code: 'MODEL_NOT_FOUND', message: /nope/ });
  t.throws(() => repository.find('add', '9'), { code: 'VERSION_NOT_FOUND' });
  t.throws(() => repository.find('broken'), { code: 'MODEL_NOT_READY', message: /broken is not ready: (PROTO|ONNX)_/ });
  t.false(repository.isKnown('empty.tmp'));
  await repository.close();
});

test('unloaded is not there, loaded is there again; other names are refused before the disk is asked', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork());
  const { repository, told } = await repositoryOf({ folder });
  await repository.started;
  await repository.unload('add');
  t.is(told.alive, 0);
  t.throws(() => repository.find('add'), { code: 'MODEL_NOT_FOUND' });
  t.deepEqual(repository.index(), [{ name: 'add', version: '1', state: 'UNAVAILABLE', reason: 'unloaded' }]);
  t.deepEqual(repository.notReady(), [], 'it is not to answer');
  await t.throwsAsync(repository.unload('add'), { code: 'MODEL_NOT_FOUND' });
  await repository.load('add');
  t.deepEqual(await shiftOf(repository.find('add')), [0, 1, 2, 3]);
  await t.throwsAsync(repository.load('nope'), { code: 'MODEL_NOT_FOUND' });
  await t.throwsAsync(repository.unload('nope'), { code: 'MODEL_NOT_FOUND' });
  for (const name of ['../etc', 'a/../b', '..', '/etc/passwd', 'model/', ' ..', '.. ', '', '\t'])
    for (const call of [repository.load(name), repository.unload(name)])
      await t.throwsAsync(call, { code: 'BAD_NAME' }, JSON.stringify(name));
  t.false(repository.isKnown('nope'));
  await repository.close();
  t.is(told.alive, 0);
});

test('explicit control may start with nothing', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork());
  writeVersion(folder, 'two', addNetwork([2, 2, 2, 2]));
  const { repository } = await repositoryOf({ folder, load: ['two', 'gone'] });
  await repository.started;
  t.deepEqual(readyNames(repository.index()), ['two']);
  t.deepEqual(repository.notReady(), ['gone']);
  t.deepEqual(repository.index().find(({ name }) => name === 'add'), { name: 'add', version: '1', state: 'UNAVAILABLE', reason: 'not loaded' }); // prettier-ignore
  t.throws(() => repository.find('add'), { code: 'MODEL_NOT_FOUND' });
  await repository.close();
});

test('what is loaded anew replaces what was; where that fails the old one stays and the index says why', async t => {
  const folder = temporary();
  const path = writeVersion(folder, 'add', addNetwork());
  const { repository, told } = await repositoryOf({ folder });
  await repository.started;
  const old = repository.find('add');
  t.is((await old.run({ inputs: four(1, 1, 1, 1) })).outputs.size, 1);
  writeVersion(folder, 'add', addNetwork([5, 5, 5, 5]));
  await repository.load('add');
  await until(() => told.alive === 1);
  t.deepEqual(await shiftOf(repository.find('add')), [5, 5, 5, 5]);
  t.deepEqual(await shiftOf(old), [5, 5, 5, 5], 'who found the old one is answered by the new one');
  t.is(repository.find('add').statistics.inference_count, 3, 'counts go on');
  t.not(repository.find('add').facts.sha256, old.facts.sha256);

  writeFileSync(join(path, 'model.onnx'), 'broken');
  const error = await t.throwsAsync(repository.load('add'), { instanceOf: GraftError });
  t.is(statusOf(error), 422);
  t.false(error.message.includes(folder));
  t.deepEqual(await shiftOf(repository.find('add')), [5, 5, 5, 5]);
  const [row] = repository.index();
  t.is(row!.state, 'READY');
  t.true(row!.reason.startsWith(`reload failed: ${error.code}: `));
  t.deepEqual(repository.notReady(), []);
  await repository.close();
});

test('the old one ends after its last run', async t => {
  const folder = temporary();
  writeVersion(folder, 'slow', loopNetwork(200_000));
  const { repository, told } = await repositoryOf({ folder });
  await repository.started;
  let isAnswered = false;
  const run = repository.find('slow').run({ inputs: four(1, -2, 3, -4) }).then(({ outputs }) => {
    isAnswered = true;
    return numbersOf(outputs, 'y');
  }); // prettier-ignore
  const unloading = repository.unload('slow').then(() => t.true(isAnswered, 'requests are finished first'));
  t.throws(() => repository.find('slow'), { code: 'MODEL_NOT_FOUND' });
  t.is(repository.index()[0]!.state, 'UNLOADING');
  t.deepEqual(await run, [1, 2, 3, 4]);
  await unloading;
  t.is(told.alive, 0);
  await repository.close();
});

test('50 loads and unloads at once: each is done or refused, at rest the last one counts, nothing is left open', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork());
  const { repository, told } = await repositoryOf({ folder, load: [] });
  for (const isLoadLast of [true, false]) {
    const calls = Array.from({ length: 50 }, (_, i) => (i * 7) % 3 === 0);
    calls[49] = isLoadLast;
    const settled = await Promise.allSettled(calls.map(isLoad => isLoad ? repository.load('add') : repository.unload('add'))); // prettier-ignore
    for (const one of settled)
      if (one.status === 'rejected') {
        const error: unknown = one.reason;
        t.true(error instanceof GraftError && [404, 409].includes(statusOf(error)), String(error));
      }
    t.is(settled[49]!.status, 'fulfilled');
    t.is(repository.versionsOf('add').length, isLoadLast ? 1 : 0);
    await until(() => told.alive === (isLoadLast ? 1 : 0));
  }
  t.true(told.mostAlive <= 2);
  await repository.close();
  t.is(told.alive, 0);
});

test('the same load twice at once is one; another one at the same time takes the place of what waits', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork());
  const { repository, told } = await repositoryOf({ folder, load: [] });
  await Promise.all([repository.load('add'), repository.load('add'), repository.load('add')]);
  t.deepEqual(told.opened, ['add/1']);
  const settled = await Promise.allSettled([repository.load('add'), repository.unload('add'), repository.load('add', { max_batch_size: 2 })]); // prettier-ignore
  t.deepEqual(settled.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled']); // prettier-ignore
  t.is(((settled[1] as PromiseRejectedResult).reason as GraftError).code, 'LOAD_CONFLICT');
  t.deepEqual(told.requests.map(({ settings }) => settings.maxBatch), [32, 32, 2]); // prettier-ignore
  await repository.close();
});

test('a request to load overrides batching and limits, and nothing else', async t => {
  const folder = temporary();
  writeVersion(folder, 'rows', loopNetwork(1, 'N'));
  const { repository, told } = await repositoryOf({ folder });
  await repository.started;
  await repository.load('rows', { max_batch_size: 4, batch_delay_ms: 0.5, queue: 3, run_time_ms: 100 });
  t.deepEqual(told.requests.at(-1)!.settings, { maxBatch: 4, batchDelay: 0.5, queue: 3, runTime: 100 });
  const { facts } = repository.find('rows');
  t.is(facts.maxBatch, 4);
  t.deepEqual(facts.config, { max_batch_size: 4, batch_delay_ms: 0.5, queue: 3, run_time_ms: 100 });
  const bad = [{ max_batch_size: 0 }, { max_batch_size: '4' }, { queue: 1.5 }, { backend: 'python' }, { weights: [1] }, { weights: 'x' }]; // prettier-ignore
  for (const config of bad)
    await t.throwsAsync(repository.load('rows', config), { code: 'BAD_PARAMETER' }, JSON.stringify(config));
  t.true(repository.find('rows').state.isReady);
  await repository.close();
});

test('versions by policy: the latest, the latest two, all, those named', async t => {
  const folder = temporary();
  for (const version of [1, 2, 10]) writeVersion(folder, 'add', addNetwork([version, 0, 0, 0]), version);
  mkdirSync(join(folder, 'add', '11'));
  const policies = [
    [{ kind: 'latest', count: 1 }, ['10']],
    [{ kind: 'latest', count: 2 }, ['2', '10']],
    [{ kind: 'all' }, ['1', '2', '10']],
    [{ kind: 'specific', versions: ['1', '2'] }, ['1', '2']],
  ] as const;
  for (const [policy, wanted] of policies) {
    const { repository } = await repositoryOf({ folder, policy });
    await repository.started;
    t.deepEqual(repository.versionsOf('add'), wanted);
    t.deepEqual(await shiftOf(repository.find('add')), [Number(wanted.at(-1)), 0, 0, 0]);
    t.deepEqual(await shiftOf(repository.find('add', wanted[0])), [Number(wanted[0]), 0, 0, 0]);
    t.deepEqual(repository.loaded().map(({ facts }) => facts.version), wanted); // prettier-ignore
    await repository.close();
  }
  const { repository } = await repositoryOf({ folder, policy: { kind: 'specific', versions: ['7'] } });
  await repository.started;
  await t.throwsAsync(repository.load('add'), { code: 'VERSION_NOT_FOUND' });
  await repository.close();
});

test('a newer version that fails leaves the one before it', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork());
  const { repository } = await repositoryOf({ folder });
  await repository.started;
  writeFileSync(join(writeVersion(folder, 'add', addNetwork(), 2), 'model.onnx'), '');
  await t.throwsAsync(repository.load('add'));
  t.deepEqual(repository.versionsOf('add'), ['1']);
  t.deepEqual(repository.index().map(({ version, state }) => [version, state]), [['1', 'READY'], ['2', 'UNAVAILABLE']]); // prettier-ignore
  writeVersion(folder, 'add', addNetwork([7, 7, 7, 7]), 2);
  await repository.load('add');
  t.deepEqual(repository.versionsOf('add'), ['2']);
  await repository.close();
});

test('models of the command line: bundles and networks by path; a bundle whose files are not those of its manifest', async t => {
  const folder = temporary();
  const bundle = join(folder, 'run', 'bundle');
  await pictureBundle(bundle, { classes: 3 });
  const network = join(writeVersion(folder, 'x', addNetwork()), 'model.onnx');
  const models = [{ name: 'pic', path: bundle }, { name: 'add', path: network }]; // prettier-ignore
  const { repository } = await repositoryOf({ models });
  await repository.started;
  const pic = repository.find('pic');
  t.deepEqual(pic.facts.labels, ['label 0', 'label 1', 'label 2']);
  t.is(pic.facts.preprocessing?.width, 8);
  t.is(pic.facts.maxBatch, 32);
  t.is(repository.find('add').facts.maxBatch, 0);
  t.is(repository.pathOf(pic), bundle);
  appendFileSync(join(bundle, 'model.onnx'), 'x');
  const error = await t.throwsAsync(repository.load('pic'), { instanceOf: GraftError });
  t.is(statusOf(error), 422);
  t.true(repository.find('pic').state.isReady);
  rmSync(network);
  await t.throwsAsync(repository.load('add'), { code: 'SERVE_NOTHING' });
  t.deepEqual(await shiftOf(repository.find('add')), [0, 1, 2, 3]);
  await repository.close();
});

test('links that lead out of the repository are refused', async t => {
  const [folder, outside] = [temporary(), temporary()];
  const other = writeVersion(outside, 'add', addNetwork());
  symlinkSync(join(outside, 'add'), join(folder, 'model-link'));
  mkdirSync(join(folder, 'version-link'));
  symlinkSync(other, join(folder, 'version-link', '1'));
  mkdirSync(join(folder, 'file-link', '1'), { recursive: true });
  symlinkSync(join(other, 'model.onnx'), join(folder, 'file-link', '1', 'model.onnx'));
  writeVersion(folder, 'real', addNetwork());
  symlinkSync(join(folder, 'real'), join(folder, 'inside'));
  const { repository, told } = await repositoryOf({ folder });
  await repository.started;
  t.deepEqual(repository.notReady(), ['file-link', 'model-link', 'version-link']);
  await t.throwsAsync(repository.load('file-link'), { code: 'MODEL_INVALID', message: /link that leads out/ });
  t.deepEqual(told.opened.sort(), ['inside/1', 'real/1']);
  await repository.close();
});

test('a folder that vanishes in the middle of a load, and a load that takes too long', async t => {
  const folder = temporary();
  writeVersion(folder, 'add', addNetwork());
  const { open } = inProcess();
  const vanishing = await repositoryOf({
    folder,
    load: [],
    open: request => {
      rmSync(join(folder, 'add'), { recursive: true });
      return open(request);
    },
  });
  await t.throwsAsync(vanishing.repository.load('add'), { instanceOf: GraftError });
  t.deepEqual(vanishing.repository.loaded(), []);
  await vanishing.repository.close();

  writeVersion(folder, 'add', addNetwork());
  let late = 0;
  const slow = await repositoryOf({
    folder,
    limits: { ...defaultLimits, loadTime: 50 },
    open: async request => {
      await new Promise(resolve => setTimeout(resolve, 150));
      const opened = await open(request);
      return { ...opened, facts: opened.facts, state: opened.state, statistics: opened.statistics, close: async () => { late++; await opened.close(); } }; // prettier-ignore
    },
  });
  await slow.repository.started;
  t.regex(slow.repository.index()[0]!.reason, /MODEL_INVALID: it was not loaded within 50 ms/);
  await until(() => late === 1);
  await slow.repository.close();
});

test('the server may end while models are being loaded', async t => {
  const folder = temporary();
  for (const name of ['a', 'b', 'c', 'd']) writeVersion(folder, name, addNetwork());
  const { repository, told } = await repositoryOf({ folder });
  await repository.close();
  await until(() => told.alive === 0);
  t.deepEqual(repository.loaded(), []);
});

test('a repository that cannot be read is refused', async t => {
  const folder = join(temporary(), 'gone');
  await t.throwsAsync(repositoryOf({ folder }), { code: 'MODEL_INVALID', message: /ENOENT/ });
});
