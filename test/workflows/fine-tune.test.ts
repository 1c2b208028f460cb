// Fine-tuning from pictures to bundle: what trains moves and nothing else does, the bundle gives the numbers of the
// evaluation graph, memory and interruptions change nothing, and numbers that run away are told by layer.

import test from 'ava';
import { cp, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeSafetensors, floats, tensor, type GraftError, type Tensor } from '../../src/base/index.js';
import { decodeModel, encodeModel } from '../../src/codec/index.js';
import { readModel } from '../../src/codec/node.js';
import { tap } from '../../src/passes/index.js';
import { rowStore } from '../../src/features/node.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { merge } from '../../src/workflows/merge.js';
import type { EpochTold } from '../../src/workflows/progress.js';
import { transfer, type TransferOptions } from '../../src/workflows/transfer.js';
import { resolveTune } from '../../src/workflows/tune-options.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { smallNetwork, smallNetworkFile } from '../small-network.js';

const runtime = nodeRuntime();
const network = await smallNetworkFile();
const out = async () => join(await mkdtemp(join(tmpdir(), 'graft-tune-')), 'run');
const options = {
  backbone: network,
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  cache: false,
  unfreeze: 'last:1',
  epochs: 2,
  batch: 8,
  rate: 0.002,
} as const;
const tuned = async (more: Partial<TransferOptions> = {}, pictures = demoPictures) => {
  const folder = await out();
  return { folder, result: await transfer(pictures, { ...options, out: folder, ...more }, runtime) };
};
const weightsOf = async (folder: string) =>
  decodeModel(await readFile(join(folder, 'bundle', 'model.onnx'))).graph.initializers;
const isEqual = (a: Tensor, b: Tensor) => Buffer.from(a.bytes).equals(b.bytes);

async function run(bytes: Uint8Array, feeds: ReadonlyMap<string, Tensor>, output: string): Promise<Float32Array> {
  const session = await runtime.open(bytes);
  try {
    const given = session.inputs.map(name => [name, runtime.tensor(feeds.get(name)!)] as const);
    return floats(await (await session.run(new Map(given), [output])).get(output)!.read()).slice();
  } finally {
    await session.close();
  }
}

test('what lies behind the cut trains with the head, and the bundle gives the numbers of the evaluation graph', async t => {
  const { folder, result } = await tuned({ epochs: 1 });
  t.is(result.head.optimizer, 'adamw');
  t.true(result.tuned!.weights > 0 && result.tuned!.headAccuracy > 0);
  const before = smallNetwork().graph.initializers;
  const after = await weightsOf(folder);
  for (const [name, value] of before) {
    const found = after.get(name);
    if (name.startsWith('fc.')) t.is(found, undefined);
    else if (/^stage4\.(weight|bias|norm\.(weight|bias))$/.test(name)) t.false(isEqual(found!, value), name);
    else t.true(isEqual(found!, value), name);
  }
  // one epoch: its average is what is shipped
  const { tensors } = decodeSafetensors(await readFile(join(folder, 'artifacts', 'checkpoint.safetensors')));
  const shipped = new Map(
    [...tensors]
      .filter(([name]) => tensors.has(`${name}.average`))
      .map(([name]) => [name, tensors.get(`${name}.average`)!]),
  );
  const pixels = new Uint8Array(3 * 32 * 32 * 3).map((_, i) => (i * 37) % 251);
  const bundle = await readFile(join(folder, 'bundle', 'model.onnx'));
  const logits = await run(bundle, new Map([['pictures', tensor('uint8', [3, 32, 32, 3], pixels)]]), 'logits');
  // what the trunk reads: the output of the third stage, here as a run of the published network up to there
  const whole = readModel(network).model;
  const cut = whole.graph.nodes.filter(({ op }) => op === 'Relu')[2]!.outputs[0]!;
  const prepared = new Float32Array(pixels.length);
  for (let n = 0; n < 3; n++)
    for (let p = 0; p < 1024; p++)
      for (let c = 0; c < 3; c++)
        prepared[n * 3072 + c * 1024 + p] = (pixels[n * 3072 + 3 * p + c]! / 255 - 0.5) / 0.25;
  const maps = await run(
    encodeModel(tap(whole, [cut])),
    new Map([['picture', tensor('float32', [3, 3, 32, 32], prepared)]]),
    cut,
  );
  const feeds = new Map([
    ...shipped,
    [cut, tensor('float32', [3, 12, 4, 4], maps)],
    ['labels', tensor('int64', [3], [0, 1, 0])],
  ]);
  const evaluated = await run(await readFile(join(folder, 'artifacts', 'eval_model.onnx')), feeds, 'logits');
  const largest = Math.max(...evaluated.map(Math.abs));
  logits.forEach((value, i) => t.true(Math.abs(value - evaluated[i]!) <= 1e-5 * largest));
});

test('a trunk that is no better than the head alone ends as the head alone; each epoch is told', async t => {
  const told: EpochTold[] = [];
  // far too large a rate for anything to get better
  const { folder, result } = await tuned({ rate: 3, schedule: 'constant', onEpoch: at => told.push(at) });
  t.deepEqual(
    told.map(({ epoch, of, isBest }) => [epoch, of, isBest]),
    [
      [0, 2, true],
      [1, 2, false],
      [2, 2, false],
    ],
  );
  t.is(result.head.epoch, 0);
  t.is(told[0]!.validation.accuracy, result.tuned!.headAccuracy);
  t.is(result.evaluation.split, 'validation');
  const after = await weightsOf(folder);
  for (const [name, value] of smallNetwork().graph.initializers)
    if (!name.startsWith('fc.')) t.true(isEqual(after.get(name)!, value), name);
  const history = (await readFile(join(folder, 'history.jsonl'), 'utf8')).trim().split('\n');
  t.is((JSON.parse(history[0]!) as { kind: string }).kind, 'initial');
});

test('rows on disk, another number of steps at once: the same weights', async t => {
  const inMemory = await weightsOf((await tuned()).folder);
  // 12 × 4 × 4 floats a picture: 40 kB do not hold them all
  const { folder } = await tuned({ memory: 0.04 });
  const onDisk = await weightsOf(folder);
  t.deepEqual([...onDisk.keys()], [...inMemory.keys()]);
  for (const [name, value] of inMemory) t.true(isEqual(value, onDisk.get(name)!), name);
  t.deepEqual(await readdir(join(folder, 'scratch')), []);
});

test('a run that is stopped goes on from its checkpoint to the same weights', async t => {
  const whole = await weightsOf((await tuned({ epochs: 3 })).folder);
  const folder = await out();
  const stop = new AbortController();
  let steps = 0;
  await t.throwsAsync(
    transfer(
      demoPictures,
      {
        ...options,
        epochs: 3,
        out: folder,
        signal: stop.signal,
        onProgress: ({ what, done, total }) => {
          if (what === 'training' && (steps = done) > (2 * total) / 3) stop.abort();
        },
      },
      runtime,
    ),
    { any: true },
  );
  t.true(steps > 0);
  t.true((await readdir(join(folder, 'checkpoints'))).length > 0);
  await transfer(demoPictures, { ...options, epochs: 3, out: folder, resume: true }, runtime);
  const resumed = await weightsOf(folder);
  for (const [name, value] of whole) t.true(isEqual(value, resumed.get(name)!), name);
});

test('everything trains, at rates that fall with depth', async t => {
  const { folder, result } = await tuned({ unfreeze: 'all', epochs: 1 });
  t.is(result.tuned!.weights, 16);
  const before = smallNetwork().graph.initializers;
  const after = await weightsOf(folder);
  const moved = (name: string) => {
    const [a, b] = [floats(before.get(name)!), floats(after.get(name)!)];
    return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
  };
  // AdamW moves each weight by about its rate a step: 0.3 of the head's for the last stage, 0.7 of that before it, …
  t.true(moved('stage1.weight') > 0);
  t.true(moved('stage1.weight') < moved('stage2.weight') && moved('stage2.weight') < moved('stage4.weight'));
});

test('numbers that run away are told by layer, and the last checkpoint is kept', async t => {
  const folder = await out();
  const error = await t.throwsAsync<GraftError>(
    transfer(demoPictures, { ...options, out: folder, rate: 1e30, optimizer: 'sgd', schedule: 'constant' }, runtime),
  );
  t.is(error.code, 'TRAINING_NOT_FINITE');
  t.regex(error.message, /layer|weight|steps were too large/);
});

test('fresh augmentation shows each epoch in another way, by the seed alone', async t => {
  const augmented = { augment: 'flip,shift=0.1' } as const;
  const [one, two, still] = await Promise.all(
    [tuned(augmented), tuned(augmented), tuned()].map(async it => weightsOf((await it).folder)),
  );
  const differs = [...one!].filter(([name, value]) => !isEqual(value, still!.get(name)!));
  t.true(differs.length > 4);
  for (const [name, value] of one!) t.true(isEqual(value, two!.get(name)!), name);
  const views = await weightsOf((await tuned({ ...augmented, augmentViews: 2 })).folder);
  t.true([...views].some(([name, value]) => !isEqual(value, still!.get(name)!)));
});

test('BatchNormalization that trains moves its statistics, and what is served uses them', async t => {
  // judged by the pictures that train: the epochs are better than the head alone
  const pictures = await mkdtemp(join(tmpdir(), 'graft-same-'));
  for (const split of ['train', 'val']) await cp(demoPictures, join(pictures, split), { recursive: true });
  const { folder, result } = await tuned({ batchNorm: 'train', rate: 0.01 }, pictures);
  t.true(result.head.epoch! > 0);
  const before = smallNetwork().graph.initializers;
  const after = await weightsOf(folder);
  for (const what of ['mean', 'var']) {
    t.false(isEqual(before.get(`stage4.norm.${what}`)!, after.get(`stage4.norm.${what}`)!));
    t.true(isEqual(before.get(`stage3.norm.${what}`)!, after.get(`stage3.norm.${what}`)!));
  }
  const bundle = decodeModel(await readFile(join(folder, 'bundle', 'model.onnx')));
  t.false(bundle.graph.nodes.some(({ attributes }) => attributes.has('training_mode')));
});

test('BatchNormalization that is not there is refused, or put in so that nothing changes', async t => {
  const backbone = await smallNetworkFile({ normalized: false });
  const error = await t.throwsAsync<GraftError>(tuned({ backbone, batchNorm: 'train' }));
  t.is(error.code, 'GRAFT_BATCH_NORM');
  // too low a rate to move anything: the network with new normalizations is the one without
  const rate = 1e-12;
  const plain = await tuned({ backbone, epochs: 1, rate });
  const inserted = await tuned({ backbone, epochs: 1, rate, insertBatchNorm: true, accumulate: 2 });
  const pixels = new Uint8Array(2 * 3072).map((_, i) => (i * 91) % 253);
  const feeds = new Map([['pictures', tensor('uint8', [2, 32, 32, 3], pixels)]]);
  const [wanted, found] = await Promise.all(
    [plain, inserted].map(async ({ folder }) =>
      run(await readFile(join(folder, 'bundle', 'model.onnx')), feeds, 'logits'),
    ),
  );
  found!.forEach((value, i) => t.true(Math.abs(value - wanted![i]!) < 1e-4));
  t.true([...(await weightsOf(inserted.folder)).keys()].some(name => name.includes('.norm.')));
});

test('a bundle is given back as the network that it was made of', async t => {
  const { folder } = await tuned({ epochs: 1 });
  const file = `${folder}.onnx`;
  const said = await merge(join(folder, 'bundle'), { out: file });
  t.deepEqual(
    { input: said.input.name, output: said.output.name, gives: said.gives },
    { input: 'picture', output: 'logits', gives: 'logits' },
  );
  const pixels = new Uint8Array(2 * 3072).map((_, i) => (i * 91) % 253);
  const prepared = new Float32Array(pixels.length);
  for (let n = 0; n < 2; n++)
    for (let p = 0; p < 1024; p++)
      for (let c = 0; c < 3; c++)
        prepared[n * 3072 + c * 1024 + p] = (pixels[n * 3072 + 3 * p + c]! / 255 - 0.5) / 0.25;
  const wanted = await run(
    await readFile(join(folder, 'bundle', 'model.onnx')),
    new Map([['pictures', tensor('uint8', [2, 32, 32, 3], pixels)]]),
    'logits',
  );
  const found = await run(
    await readFile(file),
    new Map([['picture', tensor('float32', [2, 3, 32, 32], prepared)]]),
    'logits',
  );
  found.forEach((value, i) => t.true(Math.abs(value - wanted[i]!) < 1e-5));
});

test('a bundle that does not tell what its network read is refused', async t => {
  const { folder } = await tuned({ epochs: 1 });
  const path = join(folder, 'bundle', 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as { backbone: { network?: unknown } };
  delete manifest.backbone.network;
  await writeFile(path, JSON.stringify(manifest));
  const error = await t.throwsAsync<GraftError>(merge(join(folder, 'bundle'), { out: `${folder}.onnx` }));
  t.is(error.code, 'GRAFT_MERGE');
});

test('options out of range are refused', t => {
  const codeOf = (fails: () => unknown) => t.throws<GraftError>(fails).code;
  t.is(
    codeOf(() => resolveTune({ optimizer: 'lbfgs' })),
    'GRAFT_TUNE',
  );
  for (const wrong of [{ trunkRate: 0 }, { accumulate: 0.5 }, { depthDecay: -1 }, { clip: NaN }, { memory: Infinity }])
    t.is(
      codeOf(() => resolveTune(wrong)),
      'GRAFT_TUNE',
    );
});

test('a cut behind the features trains nothing of the trunk and is refused', async t => {
  const error = await t.throwsAsync<GraftError>(tuned({ unfreeze: 'logits' }));
  t.is(error.code, 'GRAFT_UNFREEZE');
});

test('rows in a file are read in any order, and only those that are there', async t => {
  const path = join(await mkdtemp(join(tmpdir(), 'graft-rows-')), 'rows.tmp');
  const store = await rowStore(path, 3);
  await store.append(Float32Array.of(0, 1, 2, 3, 4, 5));
  await store.append(Float32Array.of(6, 7, 8));
  t.deepEqual([...(await store.read([2, 0]))], [6, 7, 8, 0, 1, 2]);
  for (const wrong of [() => store.read([3]), () => store.append(Float32Array.of(1, 2))])
    t.is((await t.throwsAsync<GraftError>(wrong)).code, 'FEATURES_ROWS');
  await store.close();
  await t.throwsAsync(readFile(path));
});
