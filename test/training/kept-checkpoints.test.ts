// What a run keeps for an ensemble: ends of cycles, the weights that are averaged and their average, the last epochs, raw
// and averaged weights apart. A run that is broken off anywhere and goes on leaves the files of an unbroken one.

import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { decodeSafetensors, encodeSafetensors, floats, tensor, type Tensor } from '../../src/base/index.js';
import { makeFolder, type Disk } from '../../src/base/node.js';
import { adamw, crossEntropy, linear } from '../../src/artifacts/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import {
  averagingSchedule,
  constant,
  cosineRestarts,
  decodeCheckpoint,
  encodeCheckpoint,
  finish,
  stepByStepRun,
  trainingRun,
  type Checkpoint,
  type TrainingEvent,
  type TrainingRunOptions,
} from '../../src/training/index.js';
import {
  checkpoints,
  checkpointWeights,
  history,
  saveSwa,
  type CheckpointsOptions,
  type WeightsKind,
} from '../../src/training/node.js';
import { faultDisk } from '../fault-disk.js';
import { forgetfulDisk } from '../forgetful-disk.js';
import { artifactsOf, bitsOf, blobs, walked } from './heads.js';

const fresh = () => join(mkdtempSync(join(tmpdir(), 'graft-kept-')), 'checkpoints');
const head = artifactsOf({ features: 6, classes: 3, head: linear, loss: crossEntropy(), optimizer: adamw() });
const options: TrainingRunOptions = {
  runtime: nodeRuntime(),
  ...head,
  train: blobs(40, 6, 3, 1),
  validation: blobs(30, 6, 3, 2),
  epochs: 6,
  rate: 0.05,
  batch: 8,
};
const cyclic = { ...options, schedule: cosineRestarts({ cycles: 3, epochs: 6 }) };
const averaging = {
  ...options,
  schedule: averagingSchedule(constant(), { start: 2, epochs: 6 }),
  averageAfter: [3, 4, 5, 6],
};
const atCycles = (epoch: number) => (epoch % 2 === 0 ? ('snapshot' as const) : undefined);
const inPhase = (epoch: number) => (epoch > 2 ? ('swa' as const) : undefined);

async function trained(run: TrainingRunOptions, folder: string, kept: CheckpointsOptions) {
  const files = checkpoints(folder, kept);
  const all = new Map<number, Checkpoint>();
  const result = await finish(trainingRun(run), async event => {
    if (event.kind !== 'checkpoint') return;
    all.set(event.epoch, event.checkpoint);
    await files.save(event.checkpoint);
  });
  if (result.swa) await saveSwa(folder, { epoch: run.epochs, ...result.swa });
  return { result, all };
}
const labels = async (folder: string, wanted: WeightsKind | number) =>
  (await checkpointWeights(folder, wanted)).map(({ label }) => label);
const rawOf = ({ state }: Checkpoint) =>
  new Map(head.artifacts.parameters.map(({ name }): [string, Tensor] => [name, state.get(name)!]));

test('snapshots: the raw weights at the end of each cycle stay', async t => {
  const folder = fresh();
  const { all } = await trained(cyclic, folder, { keptFor: atCycles });
  const found = await checkpointWeights(folder, 'snapshots');
  t.deepEqual(
    found.map(({ label, epoch }) => [label, epoch]),
    [
      ['2', 2],
      ['4', 4],
      ['6', 6],
    ],
  );
  for (const { epoch, weights } of found) t.deepEqual(bitsOf(weights), bitsOf(rawOf(all.get(epoch)!)));
  t.deepEqual(await labels(folder, 'swa'), []);
  t.deepEqual(await labels(folder, 'swa-points'), []);
});

test('the last epochs stay, as many as were asked for', async t => {
  const folder = fresh();
  const { result, all } = await trained(options, folder, { last: 4 });
  t.deepEqual(await labels(folder, 'checkpoints'), ['3', '4', '5', '6']);
  // the first two are there only where one of them is the best
  const there = readdirSync(folder).map(name => Number.parseInt(name, 10));
  t.deepEqual(
    there.sort((a, b) => a - b).filter(epoch => epoch !== result.epoch || epoch > 2),
    [3, 4, 5, 6],
  );
  t.deepEqual(await labels(folder, 5), ['5']);
  t.deepEqual(await labels(folder, 7), []);
  // raw, averaged and best weights of one run are three members
  const [last, average, best] = await Promise.all(
    (['last', 'average', 'best'] as const).map(async kind => (await checkpointWeights(folder, kind))[0]!),
  );
  const newest = all.get(6)!;
  t.deepEqual(bitsOf(last!.weights), bitsOf(rawOf(newest)));
  t.deepEqual(bitsOf(best!.weights), bitsOf(result.trained));
  for (const [name, value] of average!.weights) t.deepEqual(value.bytes, newest.state.get(`${name}.average`)!.bytes);
  t.notDeepEqual(bitsOf(last!.weights), bitsOf(average!.weights));
  t.is(best!.epoch, result.epoch);
});

test('SWA gives the plain mean of the weights after its epochs, judged, and its points stay', async t => {
  const folder = fresh();
  const { result, all } = await trained(averaging, folder, { keptFor: inPhase });
  const [swa] = await checkpointWeights(folder, 'swa');
  t.is(result.swa!.count, 4);
  t.is(swa!.epoch, 6);
  t.deepEqual(bitsOf(swa!.weights), bitsOf(result.swa!.weights));
  for (const [name, mean] of swa!.weights) {
    const points = [3, 4, 5, 6].map(epoch => floats(all.get(epoch)!.state.get(name)!));
    floats(mean).forEach((value, i) => t.is(value, Math.fround(points.reduce((sum, at) => sum + at[i]!, 0) / 4)));
  }
  t.deepEqual(await labels(folder, 'swa-points'), ['3', '4', '5', '6']);
  t.deepEqual(await labels(folder, 'snapshots'), []);
  // what is told of it is what its weights are worth: two epochs at no rate have them throughout
  const state = new Map(
    [...head.initialState].map(([name, value]) => [name, swa!.weights.get(name.replace('.average', '')) ?? value]),
  );
  const still = await walked(
    trainingRun({ ...averaging, initialState: state, rate: 1e-30, epochs: 2, averageAfter: [1, 2] }),
  );
  t.true(Math.abs(still.result.swa!.validation!.loss - result.swa!.validation!.loss) < 1e-6);
  t.deepEqual(bitsOf(still.result.swa!.weights), bitsOf(swa!.weights));
});

test('an epoch at once and step by step average the same, also where a run goes on', async t => {
  const [atOnce, steps] = [
    await walked(trainingRun(averaging)),
    await walked(stepByStepRun({ ...averaging, ...head })),
  ];
  t.deepEqual(bitsOf(steps.result.swa!.weights), bitsOf(atOnce.result.swa!.weights));
  const told = (events: readonly TrainingEvent[]) => events.filter(({ kind }) => kind === 'swa');
  t.deepEqual(
    told(atOnce.events).map(event => [event.kind, 'epoch' in event && event.epoch]),
    [['swa', 6]],
  );
  for (const event of atOnce.events) {
    if (event.kind !== 'checkpoint') continue;
    const read = decodeCheckpoint(new Uint8Array(Buffer.concat(encodeCheckpoint(event.checkpoint))));
    t.is(read.swa?.count ?? 0, Math.max(0, event.epoch - 2));
    const rest = await walked(trainingRun({ ...averaging, resumeFrom: read }));
    t.deepEqual(bitsOf(rest.result.swa!.weights), bitsOf(atOnce.result.swa!.weights));
    t.deepEqual(told(rest.events), told(atOnce.events));
  }
});

test('another averaging, another rate: another run', async t => {
  const { result } = await walked(trainingRun(averaging));
  const resumeFrom = result.last;
  const refuse = (change: object, message: RegExp) =>
    t.throws(() => trainingRun({ ...averaging, resumeFrom, ...change }), { code: 'TRAINING_OTHER_RUN', message });
  refuse({ averageAfter: [4, 6] }, /averageAfter is 3,4,5,6/);
  refuse({ schedule: cosineRestarts({ cycles: 3, epochs: 6 }) }, /rates/);
  const { result: cycles } = await walked(trainingRun(cyclic));
  t.throws(
    () => trainingRun({ ...cyclic, schedule: cosineRestarts({ cycles: 6, epochs: 6 }), resumeFrom: cycles.last }),
    { code: 'TRAINING_OTHER_RUN', message: /rates/ },
  );
  for (const averageAfter of [[0], [7], [1.5]])
    t.throws(() => trainingRun({ ...options, averageAfter }), { code: 'TRAINING_OPTION', message: /averageAfter/ });
});

test('a half-life longer than the run is refused: the average would be of the beginning', t => {
  t.throws(() => trainingRun({ ...options, halfLife: 7 }), {
    code: 'TRAINING_OPTION',
    message: /at most the 6 epochs/,
  });
  t.notThrows(() => trainingRun({ ...options, epochs: 1, halfLife: 1 }));
});

test('a run that dies at a call of the disk, and is resumed, keeps what an unbroken one does', async t => {
  const kept = { last: 3, keptFor: (epoch: number) => atCycles(epoch) ?? inPhase(epoch) };
  const once = async (disk: Disk) => {
    await makeFolder('/run', { disk });
    const files = checkpoints('/run/checkpoints', { ...kept, disk });
    const told = history('/run/history.jsonl', { disk });
    const found = await files.newest();
    await told.rewind(found?.checkpoint.epoch ?? 0);
    const run = trainingRun({ ...averaging, ...(found ? { resumeFrom: found.checkpoint } : {}) });
    const { swa } = await finish(run, async event => {
      await told.append(event);
      if (event.kind === 'checkpoint') await files.save(event.checkpoint);
    });
    await saveSwa('/run/checkpoints', { epoch: 6, ...swa! }, { disk });
  };
  const contentOf = async (disk: Disk) => {
    const names = (await disk.readdir('/run/checkpoints')).sort().map(name => `checkpoints/${name}`);
    const read = async (name: string) => Buffer.from(await disk.readFile(`/run/${name}`)).toString('base64');
    return Promise.all(['history.jsonl', ...names].map(async name => [name, await read(name)]));
  };
  const { disk: unbroken } = forgetfulDisk();
  await once(unbroken);
  const wanted = await contentOf(unbroken);
  t.true(wanted.length >= 7);
  for (let at = 1, hasFailed = true; hasFailed; at += 13) {
    const { disk: inner } = forgetfulDisk();
    const fault = faultDisk({ at, code: 'EIO', forever: true, inner });
    await once(fault.disk).catch(() => undefined);
    hasFailed = fault.failed();
    await once(inner);
    t.deepEqual(await contentOf(inner), wanted, `call ${at}`);
  }
});

test('averaged weights that cannot be read are refused', async t => {
  const folder = fresh();
  t.deepEqual(await checkpointWeights(folder, 'swa'), []);
  await saveSwa(folder, { epoch: 3, count: 2, weights: new Map([['w', tensor('float32', [1], [1])]]) });
  const path = join(folder, 'swa.safetensors');
  const { tensors, metadata } = decodeSafetensors(readFileSync(path));
  t.is(metadata.get('kept'), 'swa');
  const write = (change: [string, string]) =>
    writeFileSync(path, Buffer.concat(encodeSafetensors(new Map(tensors), new Map([...metadata, change]))));
  for (const change of [
    ['version', '2'],
    ['count', '0'],
    ['epoch', 'x'],
  ] as [string, string][]) {
    write(change);
    await t.throwsAsync(checkpointWeights(folder, 'swa'), { code: 'TRAINING_CHECKPOINT' });
  }
  writeFileSync(path, 'x');
  await t.throwsAsync(checkpointWeights(folder, 'swa'), { code: 'ST_HEADER' });
});
