// Ensembles of served models: what they answer, what they refuse, and what happens to them when their members change.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { OpenedModel } from '../../../src/server/models/opened-model.js';
import type { RepositoryOptions } from '../../../src/server/models/repository.js';
import type { RunAnswer, RunRequest } from '../../../src/server/served.js';
import type { WireTensor } from '../../../src/server/tensors.js';
import { addNetwork, identityNetwork, pictureBundle, sumNetwork, temporary, writeVersion } from '../networks.js';
import { four, inProcess, numbersOf, repositoryOf } from './in-process.js';

const recipeOf = (members: readonly unknown[], more: Readonly<Record<string, unknown>> = {}) => ({ version: 1, root: { op: 'average', members, ...more } }); // prettier-ignore

function writeEnsemble(folder: string, name: string, recipe: unknown): void {
  mkdirSync(join(folder, name, '1'), { recursive: true });
  writeFileSync(join(folder, name, '1', 'ensemble.json'), JSON.stringify(recipe));
}

const pictures = (rows: number): ReadonlyMap<string, WireTensor> =>
  new Map([['pictures', { datatype: 'UINT8', shape: [rows, 8, 8, 3], data: Uint8Array.from({ length: rows * 192 }, (_, i) => (i * 37) % 256) }]]); // prettier-ignore

/** Two classifiers and their ensemble; what is broken fails at each run. */
async function two(weights: readonly number[], options: Partial<RepositoryOptions> = {}) {
  const folder = temporary();
  await pictureBundle(join(folder, 'pic_a', '1'), { seed: 'a', classes: 4 });
  await pictureBundle(join(folder, 'pic_b', '1'), { seed: 'b', classes: 4 });
  writeEnsemble(folder, 'ens', recipeOf([{ model: 'pic_a' }, { model: 'pic_b', version: '1' }], { weights }));
  const opened = await repositoryOf({ folder, ...options });
  await opened.repository.started;
  return { folder, ...opened };
}

/** Opens as ever, but a member answers otherwise. */
type Open = NonNullable<RepositoryOptions['open']>;

function withRun(
  name: string,
  run: (answer: () => Promise<RunAnswer>) => Promise<RunAnswer>,
  open: Open = inProcess().open,
): Open {
  return async request => {
    const model = await open(request);
    if (request.name !== name) return model;
    return Object.create(model, { run: { value: (asked: RunRequest) => run(() => model.run(asked)) } }) as OpenedModel;
  };
}
const later = <T>(ms: number, value: () => T): Promise<T> => new Promise(resolve => setTimeout(() => resolve(value()), ms)); // prettier-ignore

function close(t: ExecutionContext, found: readonly number[], wanted: readonly number[], within = 1e-6): void {
  t.is(found.length, wanted.length);
  found.forEach((value, i) => t.true(Math.abs(value - wanted[i]!) <= within, `${i}: ${value}, wanted ${wanted[i]}`));
}

test('classifiers: probabilities by weight, logits, members, uncertainty', async t => {
  const { repository } = await two([3, 1]);
  const { facts } = repository.find('ens');
  t.is(facts.platform, 'graft_ensemble');
  t.deepEqual(facts.members, [{ name: 'pic_a', weight: 0.75 }, { name: 'pic_b/1', weight: 0.25 }]); // prettier-ignore
  t.deepEqual(facts.outputs.map(({ name, shape }) => [name, shape]), [['logits', [-1, 4]], ['probabilities', [-1, 4]], ['memberProbabilities', [-1, 2, 4]], ['uncertainty', [-1, 2]]]); // prettier-ignore
  t.is(facts.preprocessing?.width, 8);
  const inputs = pictures(3);
  const run = async (name: string) => (await repository.find(name).run({ inputs })).outputs;
  const [a, b, all] = [await run('pic_a'), await run('pic_b'), await run('ens')];
  const [pa, pb] = [numbersOf(a, 'probabilities'), numbersOf(b, 'probabilities')];
  const pool = pa.map((p, i) => 0.75 * p + 0.25 * pb[i]!);
  close(t, numbersOf(all, 'probabilities'), pool);
  close(t, numbersOf(all, 'logits'), pool.map(Math.log), 1e-5); // prettier-ignore
  const rows = [0, 1, 2];
  const row = (p: readonly number[], r: number) => p.slice(4 * r, 4 * r + 4);
  close(t, numbersOf(all, 'memberProbabilities'), rows.flatMap(r => [...row(pa, r), ...row(pb, r)])); // prettier-ignore
  const entropy = (p: readonly number[]) => p.reduce((sum, value) => sum - value * Math.log(value), 0);
  close(t, numbersOf(all, 'uncertainty'), rows.flatMap(r => [entropy(row(pool, r)), entropy(row(pool, r)) - 0.75 * entropy(row(pa, r)) - 0.25 * entropy(row(pb, r))])); // prettier-ignore
  const told = await repository.find('ens').run({ inputs, outputs: ['probabilities'], members: true });
  t.deepEqual([...told.outputs.keys()], ['probabilities']);
  t.deepEqual(told.members?.map(({ name, weight }) => [name, weight]), [['pic_a', 0.75], ['pic_b/1', 0.25]]); // prettier-ignore
  close(t, numbersOf(told.members![1]!.outputs, 'probabilities'), pb);
  const { statistics } = repository.find('ens');
  t.is(statistics.inference_count, 6);
  t.is(statistics.execution_count, 2);
  t.deepEqual(statistics.batch_stats.map(({ batch_size }) => batch_size), [3]); // prettier-ignore
  await repository.close();
});

test('weights of a request to load; an ensemble of an ensemble', async t => {
  const { folder, repository } = await two([1, 1]);
  writeEnsemble(folder, 'outer', recipeOf(['ens', { op: 'average', rule: 'logit', members: ['pic_a', 'pic_b'] }]));
  await repository.load('outer');
  await repository.load('ens', { weights: [0, 2] });
  t.deepEqual(repository.find('ens').facts.members?.map(({ weight }) => weight), [0, 1]); // prettier-ignore
  const inputs = pictures(1);
  const of = async (name: string) => numbersOf((await repository.find(name).run({ inputs })).outputs, 'probabilities');
  const [a, b, ens, outer] = [await of('pic_a'), await of('pic_b'), await of('ens'), await of('outer')];
  close(t, ens, b);
  const logits = a.map((p, i) => Math.sqrt(p * b[i]!));
  const total = logits.reduce((x, y) => x + y, 0);
  close(t, outer, b.map((p, i) => p / 2 + logits[i]! / total / 2)); // prettier-ignore
  t.deepEqual(repository.find('outer').facts.members, [{ name: 'ens', weight: 0.5 }, { name: 'pic_a', weight: 0.25 }, { name: 'pic_b', weight: 0.25 }]); // prettier-ignore
  await t.throwsAsync(repository.load('ens', { weights: [1] }), { code: 'MODEL_INVALID' });
  await t.throwsAsync(repository.load('ens', { max_batch_size: 33 }), {
    code: 'MODEL_INVALID',
    message: /member pic_a/,
  });
  await repository.load('ens', { max_batch_size: 16 });
  t.is(repository.find('ens').facts.maxBatch, 16);
  await t.throwsAsync(repository.unload('pic_a'), { code: 'IN_USE', message: /ens, outer/ });
  await repository.unload('pic_a', true);
  t.deepEqual(repository.loaded().map(({ facts }) => facts.name), ['pic_b']); // prettier-ignore
  t.throws(() => repository.find('ens'), { code: 'MODEL_NOT_FOUND' });
  await repository.close();
});

test('networks that are no classifiers: weighted means of their floats', async t => {
  const folder = temporary();
  writeVersion(folder, 'one', addNetwork([1, 1, 1, 1]));
  writeVersion(folder, 'two', addNetwork([2, 2, 2, 4]));
  writeEnsemble(folder, 'mean', recipeOf(['one', 'two'], { weights: [1, 3] }));
  const { repository } = await repositoryOf({ folder });
  await repository.started;
  t.deepEqual(repository.notReady(), []);
  const mean = repository.find('mean');
  t.is(mean.facts.maxBatch, 0);
  t.deepEqual(numbersOf((await mean.run({ inputs: four(0, 0, 0, 0) })).outputs, 'y'), [1.75, 1.75, 1.75, 3.25]);
  await repository.close();
});

test('a member that fails: the request does, or the others answer', async t => {
  const broken = withRun('pic_b', () => Promise.reject(new Error('no more')));
  const { repository, events } = await two([3, 1], { open: broken });
  const ens = repository.find('ens');
  await t.throwsAsync(ens.run({ inputs: pictures(1) }), { code: 'MEMBER_FAILED', message: /pic_b\/1/ });
  const { outputs, degraded } = await ens.run({ inputs: pictures(1), onMemberFailure: 'degrade' });
  t.deepEqual(degraded, { reason: 'member-failure', missing: ['pic_b/1'] });
  const alone = await repository.find('pic_a').run({ inputs: pictures(1) });
  close(t, numbersOf(outputs, 'probabilities'), numbersOf(alone.outputs, 'probabilities'));
  t.deepEqual(outputs.get('memberProbabilities')?.shape, [1, 1, 4]);
  t.deepEqual(events.filter(([kind]) => kind === 'degraded' || kind === 'memberFailed'), [['memberFailed', 'ens', 'pic_b/1', 'INTERNAL'], ['memberFailed', 'ens', 'pic_b/1', 'INTERNAL'], ['degraded', 'ens']]); // prettier-ignore
  const { success, fail } = ens.statistics.inference_stats;
  t.deepEqual([success?.count, fail?.count], [1, 1]);
  await repository.close();
});

test('all members fail; a member gives what is no number', async t => {
  const notNumber = withRun('pic_a', async answer => {
    const given = await answer();
    const probabilities = given.outputs.get('probabilities')!;
    const data = Uint8Array.from(probabilities.data);
    new DataView(data.buffer).setFloat32(4, NaN, true);
    return { outputs: new Map([...given.outputs, ['probabilities', { ...probabilities, data }]]) };
  });
  const { repository } = await two([1, 1], { open: notNumber });
  const ens = repository.find('ens');
  await t.throwsAsync(ens.run({ inputs: pictures(2) }), { code: 'MEMBER_FAILED', message: /pic_a: RUN_FAILED/ });
  const answer = await ens.run({ inputs: pictures(2), onMemberFailure: 'degrade' });
  t.deepEqual(answer.degraded?.missing, ['pic_a']);
  const none = new Map([['pictures', { datatype: 'UINT8', shape: [1, 2], data: new Uint8Array(2) }]] as const);
  await t.throwsAsync(ens.run({ inputs: none, onMemberFailure: 'degrade' }), { code: 'MEMBER_FAILED', message: /all members failed/ }); // prettier-ignore
  await repository.close();
});

test('by a deadline those answer that are there, one at least; a client that goes ends it', async t => {
  const slow = withRun('pic_b', answer => later(150, answer).then(one => one));
  const { repository } = await two([1, 1], { open: slow });
  const ens = repository.find('ens');
  const { degraded } = await ens.run({ inputs: pictures(1), deadline: 40 });
  t.deepEqual(degraded, { reason: 'deadline', missing: ['pic_b/1'] });
  t.is((await ens.run({ inputs: pictures(1), deadline: 5000 })).degraded, undefined);
  const gone = new AbortController();
  const run = ens.run({ inputs: pictures(1), signal: gone.signal });
  gone.abort(new Error('the client has gone'));
  await t.throwsAsync(run, { message: 'the client has gone' });
  await repository.close();

  const slower = withRun('pic_a', answer => later(300, answer).then(one => one), slow);
  const both = await two([1, 1], { open: slower });
  const late = await both.repository.find('ens').run({ inputs: pictures(1), deadline: 1 });
  t.deepEqual(late.degraded, { reason: 'deadline', missing: ['pic_a'] }, 'the first one is waited for');
  await both.repository.close();
});

test('what does not fit together is refused by the name of the member', async t => {
  const folder = temporary();
  await pictureBundle(join(folder, 'pic', '1'), { classes: 3 });
  await pictureBundle(join(folder, 'more', '1'), { classes: 4 });
  await pictureBundle(join(folder, 'other', '1'), { labels: ['label 0', 'label 2', 'label 1'] });
  await pictureBundle(join(folder, 'small', '1'), { classes: 3, side: 4 });
  writeVersion(folder, 'add', addNetwork());
  writeVersion(folder, 'ints', sumNetwork());
  writeVersion(folder, 'f64', identityNetwork('float64', [1, 4]));
  writeVersion(folder, 'f32', identityNetwork('float32', [1, 4]));
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [recipeOf(['pic', 'gone']), /member gone is not loaded/],
    [recipeOf(['pic', { model: 'pic', version: '2' }]), /member pic\/2 is not loaded/],
    [recipeOf(['pic', 'more']), /member more: label 3 is "label 3", of pic missing/],
    [recipeOf(['pic', 'other']), /member other: label 1 is "label 2", of pic "label 1"/],
    [recipeOf(['pic', 'small']), /member small: input pictures is UINT8 \[-1, 4, 4, 3\]/],
    [recipeOf(['pic', 'add']), /member add: /],
    [recipeOf(['f32', 'f64']), /member f64: input INPUT0 is FP64/],
    [recipeOf(['ints']), /member ints: has no output FP32 or FP64/],
    [recipeOf(['pic'], { weights: [0] }), /pic are all zero/],
    [recipeOf(['pic'], { weights: [-1] }), /the weight of member pic is -1/],
    [recipeOf(['pic'], { weights: [null] }), /the weight of member pic is null/],
    [recipeOf(['pic'], { weights: [1, 2] }), /must be 1 numbers/],
    [recipeOf(['pic', 'pic']), /member pic is there twice/],
    [{ ...recipeOf(['pic']), maxBatch: 33 }, /member pic: takes 32 rows at once, the ensemble 33/],
    [recipeOf(['ens']), /member ens: it is made of ens itself/],
    [{ version: 2 }, /version is 2/],
    [recipeOf([{ model: '../pic' }]), /no name of a model/],
    [recipeOf(['pic'], { op: 'stack' }), /op is "stack"/],
    [recipeOf(['pic'], { rule: 'rank' }), /rule is "rank"/],
    [recipeOf(['pic'], { extra: 1 }), /root\.extra is not one of/],
  ];
  const { repository } = await repositoryOf({ folder });
  await repository.started;
  for (const [recipe, message] of bad) {
    writeEnsemble(folder, 'ens', recipe);
    await t.throwsAsync(repository.load('ens'), { code: 'MODEL_INVALID', message }, String(message));
  }
  writeEnsemble(folder, 'ens', recipeOf(['ring']));
  writeEnsemble(folder, 'ring', recipeOf(['ens']));
  repository.index();
  await new Promise(resolve => setTimeout(resolve, 50));
  await t.throwsAsync(repository.load('ens'), {
    code: 'MODEL_INVALID',
    message: /member ring: it is made of ens itself/,
  });
  writeFileSync(join(folder, 'ens', '1', 'ensemble.json'), '{');
  await t.throwsAsync(repository.load('ens'), { code: 'MODEL_INVALID', message: /no JSON/ });
  t.true(repository.find('pic').state.isReady);
  await repository.close();
});

test('pictures that are prepared otherwise', async t => {
  const { folder, repository } = await two([1, 1]);
  const path = join(folder, 'pic_b', '1');
  rmSync(path, { recursive: true });
  await pictureBundle(path, { seed: 'b', classes: 4 });
  const manifest = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as {
    preprocessing: { cropFraction: number };
  };
  manifest.preprocessing.cropFraction = 0.5;
  writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
  await repository.load('pic_b');
  t.deepEqual(repository.notReady(), ['ens'], 'the member was replaced; the ensemble no longer fits');
  const row = repository.index().find(({ name }) => name === 'ens')!;
  t.is(row.state, 'UNAVAILABLE');
  t.regex(row.reason, /member pic_b\/1: its pictures are prepared otherwise: cropFraction is 0.5, of pic_a 1/);
  t.throws(() => repository.find('ens'), { code: 'MODEL_NOT_READY', message: /cropFraction/ });
  await t.throwsAsync(repository.load('ens'), { code: 'MODEL_INVALID' });

  manifest.preprocessing.cropFraction = 1;
  writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
  await repository.load('pic_b');
  t.deepEqual(repository.notReady(), [], 'it fits again');
  t.is((await repository.find('ens').run({ inputs: pictures(1) })).outputs.size, 4);
  await repository.close();
});
