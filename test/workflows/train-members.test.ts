// Several members from one command: each is a complete run, its manifest says what it saw, and a command that was killed
// goes on with what is missing.

import { existsSync, mkdirSync, readdirSync, readFileSync, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { decodeSafetensors, floats } from '../../src/base/index.js';
import { readBundle } from '../../src/bundle/node.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { openMembers } from '../../src/workflows/members.js';
import { trainMembers, type TrainMembersOptions } from '../../src/workflows/train-members.js';
import { transfer } from '../../src/workflows/transfer.js';
import { smallNetworkFile } from '../small-network.js';
import { temporary, writeNetwork, writePictures } from '../walks/small-network.js';

const runtime = nodeRuntime();

/** Twelve pictures a class without a validation folder, one of them twice. */
async function flat(): Promise<{ folder: string; pictures: string; backbone: string }> {
  const folder = temporary();
  const pictures = await writePictures(folder, 12, 'pictures');
  copyFileSync(join(pictures, 'red', '3.png'), join(pictures, 'red', 'again.png'));
  return { folder, pictures, backbone: writeNetwork(folder) };
}

const manifestsOf = async (result: { readonly members: readonly { readonly bundle: string }[] }) =>
  Promise.all(result.members.map(async ({ bundle }) => (await readBundle(bundle)).manifest));
const modelOf = (out: string, member: number) =>
  readFileSync(join(out, 'members', String(member), 'bundle', 'model.onnx'));

test('folds without a validation folder: each part judges the member that did not see it', async t => {
  const { folder, pictures, backbone } = await flat();
  const out = join(folder, 'run');
  const told: string[] = [];
  const result = await trainMembers(
    pictures,
    {
      backbone,
      out,
      folds: 4,
      cache: false,
      seed: 3,
      onProgress: ({ what, done, total }) => told.push(`${what} ${done}/${total}`),
    },
    runtime,
  );
  const manifests = await manifestsOf(result);
  const all = new Set(manifests.flatMap(({ data }) => data.validation));
  t.is(all.size, 24, 'the parts cover all contents');
  for (const [i, { data, seeds, metrics }] of manifests.entries()) {
    t.is(data.train.length + data.validation.length, 25, 'the picture that is there twice counts twice');
    t.true(
      data.train.every(hash => !data.validation.includes(hash)),
      'equal contents are in one part',
    );
    for (const other of manifests.slice(i + 1))
      t.true(
        data.validation.every(hash => !other.data.validation.includes(hash)),
        'parts are disjoint',
      );
    t.deepEqual(
      Object.values(data.classes).reduce((a, b) => a + b, 0),
      data.train.length,
    );
    t.is(seeds['run'], 3 + i);
    t.is(metrics['count'], data.validation.length);
    const member = join(out, 'members', String(i + 1));
    for (const name of ['run.json', 'history.jsonl', 'report.html', 'artifacts/artifacts.json'])
      t.true(existsSync(join(member, name)), name);
    const { tensors } = decodeSafetensors(readFileSync(join(member, 'predictions', 'validation.safetensors')));
    t.deepEqual(tensors.get('logits')!.shape, [data.validation.length, 2]);
    t.is(Buffer.from(tensors.get('hashes')!.bytes.subarray(0, 32)).toString('hex'), data.validation[0]!);
    t.false(existsSync(join(member, 'lock')));
  }
  const said = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as { members: unknown };
  t.deepEqual(
    said.members,
    [1, 2, 3, 4].map(i => ({ folder: `members/${i}`, kind: 'fold', seed: 2 + i, fold: i })),
  );
  t.deepEqual(
    (await openMembers(out)).map(({ bundle }) => bundle.folder),
    result.members.map(({ bundle }) => bundle),
  );
  t.is(told.filter(line => line === 'featurizing 25/25').length, 1, 'each picture goes through the network once');
  rmSync(folder, { recursive: true });
});

test('folds with a validation folder: it judges all members, and each trains without its part', async t => {
  const backbone = await smallNetworkFile();
  const out = join(temporary(), 'run');
  const options = { backbone, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], cache: false, out } as const;
  const result = await trainMembers(demoPictures, { ...options, folds: 3 }, runtime);
  const manifests = await manifestsOf(result);
  const single = await transfer(demoPictures, { ...options, out: join(out, '..', 'single') }, runtime);
  const times = new Map<string, number>();
  for (const { data } of manifests) {
    t.deepEqual(data.validation, single.manifest.data.validation);
    for (const hash of data.train) times.set(hash, (times.get(hash) ?? 0) + 1);
    const counts = Object.values(data.classes);
    t.true(Math.max(...counts) - Math.min(...counts) <= 1, 'every class in its share');
  }
  t.deepEqual([...times.keys()].sort(), [...single.manifest.data.train].sort());
  t.true([...times.values()].every(many => many === 2));
});

test('a bootstrap of a linear head: repeated rows, whose copies stay together where the strength is chosen', async t => {
  const { folder, pictures, backbone } = await flat();
  const out = join(folder, 'run');
  const result = await trainMembers(pictures, { backbone, out, bagging: 3, cache: false }, runtime);
  const single = await transfer(pictures, { backbone, out: join(folder, 'single'), cache: false }, runtime);
  for (const { data } of await manifestsOf(result)) {
    t.deepEqual(data.validation, single.manifest.data.validation);
    t.is(new Set(data.train).size, data.train.length);
    t.true(data.train.length < single.manifest.data.train.length);
    t.true(data.train.every(hash => single.manifest.data.train.includes(hash)));
  }
  t.false(modelOf(out, 1).equals(modelOf(out, 2)));
  rmSync(folder, { recursive: true });
});

const perceptrons = { head: 'mlp', hidden: [6], epochs: 14, patience: 14, rate: 0.01, cache: false } as const;

test('perceptrons learn in one graph, each from its own seed, and leave what a single run does', async t => {
  const { folder, pictures, backbone } = await flat();
  const out = join(folder, 'run');
  const progress: string[] = [];
  const result = await trainMembers(
    pictures,
    { ...perceptrons, backbone, out, runs: 3, seed: 5, onProgress: ({ what }) => progress.push(what) },
    runtime,
  );
  t.true(progress.includes('training 3 heads at once'));
  const manifests = await manifestsOf(result);
  t.deepEqual(manifests[0]!.data, manifests[2]!.data);
  t.false(modelOf(out, 1).equals(modelOf(out, 2)));
  const single = join(folder, 'single');
  await transfer(pictures, { ...perceptrons, backbone, out: single, seed: 5 }, runtime);
  const names = (at: string) => readdirSync(at, { recursive: true, encoding: 'utf8' }).filter(name => !/checkpoints/.test(name)).sort(); // prettier-ignore
  t.deepEqual(names(join(out, 'members', '2')), names(single));
  const kinds = (at: string) =>
    readFileSync(join(at, 'history.jsonl'), 'utf8')
      .split('\n')
      .filter(line => line && !line.includes('"best","epoch"'))
      .map(line => (JSON.parse(line) as { kind: string }).kind);
  t.deepEqual(kinds(join(out, 'members', '2')), kinds(single));
  const checkpoint = await openMembers(`${join(out, 'members', '2')}@last`);
  t.is(checkpoint.length, 1);
  // the same first weights as the run of that seed
  const states = [join(out, 'members', '1'), single].map(at => decodeSafetensors(readFileSync(join(at, 'artifacts', 'checkpoint.safetensors'))).tensors); // prettier-ignore
  t.deepEqual(states[0]!.get('head.0.weight')!.shape, states[1]!.get('head.0.weight')!.shape);
  t.true(floats(states[0]!.get('head.0.weight')!).every(Number.isFinite));
  rmSync(folder, { recursive: true });
});

for (const [name, more, ways] of [
  ['heads at once', { ...perceptrons, folds: 3, classWeights: 'balanced' }, ['asked', 'killed', 'shipped']],
  ['heads one after the other', { ...perceptrons, head: 'linear', optimizer: 'adamw', runs: 3 }, ['asked', 'shipped']],
  ['fits', { bagging: 3, cache: false }, ['shipped']],
] as const)
  test(`a command that was stopped goes on with the members that are missing: ${name}`, async t => {
    const { folder, pictures, backbone } = await flat();
    const whole = join(folder, 'whole');
    const options: TrainMembersOptions = { ...more, backbone, out: whole, seed: 1 };
    await trainMembers(pictures, options, runtime);
    for (const way of ways) {
      const out = join(folder, way);
      const stop = new AbortController();
      const broken: TrainMembersOptions = {
        ...options,
        out,
        signal: stop.signal,
        onProgress: ({ what, done }) => {
          if (way === 'shipped' || !what.startsWith('training') || done !== 12) return;
          stop.abort();
          if (way === 'killed') throw new Error('killed in epoch 12');
        },
        onMember: ({ folder: at }) => {
          if (way === 'shipped' && at === 'members/1') throw new Error('killed after the first member');
        },
      };
      await t.throwsAsync(trainMembers(pictures, broken, runtime), { any: true });
      t.false(existsSync(join(out, 'lock')));
      const resumed = { ...options, out, resume: true };
      await t.throwsAsync(trainMembers(pictures, { ...resumed, seed: 2 }, runtime), { code: 'GRAFT_OTHER_OPTIONS' });
      t.is((await trainMembers(pictures, resumed, runtime)).members.length, 3);
      for (const member of [1, 2, 3]) {
        t.true(modelOf(out, member).equals(modelOf(whole, member)), `${way}: member ${member}`);
        const history = (at: string) => readFileSync(join(at, 'members', String(member), 'history.jsonl'), 'utf8');
        t.is(history(out), history(whole));
      }
    }
    rmSync(folder, { recursive: true });
  });

test('trunks learn one after the other on rows that are made once', async t => {
  const { folder, pictures } = await flat();
  const backbone = await smallNetworkFile();
  const out = join(folder, 'run');
  const seen: string[] = [];
  const result = await trainMembers(
    pictures,
    {
      backbone,
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
      out,
      cache: false,
      bagging: 2,
      unfreeze: 'last:1',
      epochs: 1,
      batch: 8,
      augment: 'flip',
      onProgress: ({ what, note }) => seen.push(what === 'training' ? (note ?? '').slice(0, 13) : what),
    },
    runtime,
  );
  t.true(seen.includes('member 2 of 2'));
  const manifests = await manifestsOf(result);
  t.deepEqual(manifests[0]!.data.validation, manifests[1]!.data.validation);
  t.true(manifests.every(({ data }) => new Set(data.train).size === data.train.length && data.train.length < 20));
  t.true(manifests.every(({ backbone: at }) => at.tuned !== undefined));
  rmSync(folder, { recursive: true });
});

test('what would give equal members, or cannot be parted, is refused before anything runs', async t => {
  const { folder, pictures, backbone } = await flat();
  const out = join(folder, 'run');
  const refused = async (options: Partial<TrainMembersOptions>, message: RegExp) =>
    t.throwsAsync(trainMembers(pictures, { backbone, out, cache: false, ...options }, runtime), {
      code: 'GRAFT_MEMBERS',
      message,
    });
  await refused({ runs: 5 }, /same weights whatever the seed/);
  await refused({ folds: 5, bagging: 5 }, /--folds 5 and --bagging 5/);
  await refused({ folds: 1 }, /whole number from 2/);
  await refused({}, /single run/);
  t.false(existsSync(out));
  mkdirSync(out);
  await refused({ folds: 13 }, /12 different pictures of/);
  rmSync(folder, { recursive: true });
});

test('members take the place of a run that was there, with nothing left of it', async t => {
  const { folder, pictures, backbone } = await flat();
  const out = join(folder, 'run');
  const options = { backbone, out, cache: false } as const;
  await transfer(pictures, options, runtime);
  await t.throwsAsync(trainMembers(pictures, { ...options, folds: 2 }, runtime), { code: 'GRAFT_OUT_EXISTS' });
  await trainMembers(pictures, { ...options, folds: 3, force: true }, runtime);
  await trainMembers(pictures, { ...options, folds: 2, force: true }, runtime);
  t.deepEqual(readdirSync(join(out, 'members')).sort(), ['1', '2']);
  t.is((await openMembers(out)).length, 2);
  await t.throwsAsync(transfer(pictures, options, runtime), { code: 'GRAFT_OUT_EXISTS' });
  rmSync(folder, { recursive: true });
});
