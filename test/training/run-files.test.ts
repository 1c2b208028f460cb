// Checkpoints and history on the disk: two and the best are kept, damaged ones skipped, every failure of the disk leaves
// something to resume from, and a run that is broken off anywhere ends with the files of an unbroken one.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Random, tensor } from '../../src/base/index.js';
import { makeFolder, type Disk } from '../../src/base/node.js';
import { adam, crossEntropy, mlp } from '../../src/artifacts/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  finish,
  trainingRun,
  type Checkpoint,
  type TrainingRunOptions,
} from '../../src/training/index.js';
import { checkpoints, history } from '../../src/training/node.js';
import { codes, faultDisk } from '../fault-disk.js';
import { forgetfulDisk } from '../forgetful-disk.js';
import { artifactsOf, bitsOf, blobs } from './heads.js';

const fresh = () => mkdtempSync(join(tmpdir(), 'graft-training-'));
const made = (epoch: number, best?: number): Checkpoint => {
  const state = new Map([['w', tensor('float32', [3], [epoch, 0.1, -1])]]);
  const figures = { epoch: best ?? 0, validation: { loss: 0.1 + 0.2, accuracy: 1 / 3 }, trained: state };
  return {
    epoch,
    step: 10 * epoch,
    state,
    ...(best === undefined ? {} : { best: figures }),
    run: new Map([['seed', '0']]),
  };
};
const bytesOf = (at: Checkpoint, checksum?: string) => new Uint8Array(Buffer.concat(encodeCheckpoint(at, checksum)));

test('a checkpoint comes back as it was, and gives the same bytes twice', t => {
  for (const checkpoint of [made(3), made(7, 5)]) {
    const read = decodeCheckpoint(bytesOf(checkpoint));
    t.deepEqual({ ...read, state: 0, best: 0 }, { ...checkpoint, state: 0, best: 0 });
    t.deepEqual(bitsOf(read.state), bitsOf(checkpoint.state));
    t.deepEqual(read.best?.validation, checkpoint.best?.validation);
    t.deepEqual(bytesOf(read), bytesOf(checkpoint));
  }
});

test('what is no checkpoint is refused', t => {
  const refuse = (change: (at: string) => string, message: RegExp) => {
    const bytes = Buffer.from(change(Buffer.from(bytesOf(made(3, 2))).toString('latin1')), 'latin1');
    t.throws(() => decodeCheckpoint(new Uint8Array(bytes)), { code: 'TRAINING_CHECKPOINT', message });
  };
  refuse(at => at.replace('"version":"1"', '"version":"2"'), /version is 2/);
  refuse(at => at.replace('"epoch":"3"', '"epoch":"x"'), /epoch is x/);
  refuse(at => at.replace('"epoch":"3"', '"epoch":" "'), /epoch/);
  refuse(at => at.replace('"best.epoch":"2"', '"best.epoch":"b"'), /best.epoch is b/);
  refuse(at => at.replace('"best.loss"', '"best.lust"'), /best.loss is not told/);
  refuse(at => at.replace('"step"', '"stop"'), /no step/);
  t.throws(() => decodeCheckpoint(Uint8Array.of(1, 2)), { code: 'ST_HEADER' });
  const taken = { ...made(1), state: new Map([['w.best', tensor('float32', [1], [1])]]) };
  t.throws(() => encodeCheckpoint(taken), { code: 'TRAINING_STATE', message: /w\.best/ });
});

test('the last two and the best are kept', async t => {
  const folder = join(fresh(), 'checkpoints');
  const files = checkpoints(folder);
  t.is(await files.newest(), undefined);
  for (const [epoch, best] of [
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 2],
    [5, 2],
  ] as const)
    await files.save(made(epoch, best));
  t.deepEqual(readdirSync(folder).sort(), ['000002.safetensors', '000004.safetensors', '000005.safetensors']);
  await files.save(made(6, 6));
  t.deepEqual(readdirSync(folder).sort(), ['000005.safetensors', '000006.safetensors']);
  t.is((await files.newest())!.checkpoint.epoch, 6);
});

test('damaged ones are skipped and told: cut, emptied, one bit changed anywhere', async t => {
  const folder = fresh();
  const files = checkpoints(folder);
  await files.save(made(1));
  await files.save(made(2));
  const path = join(folder, '000002.safetensors');
  const whole = readFileSync(path);
  const random = new Random(5);
  const damages: (() => void)[] = [
    () => truncateSync(path, whole.length - 1),
    () => truncateSync(path, 0),
    ...Array.from({ length: 60 }, () => () => {
      const bytes = Buffer.from(whole);
      bytes[random.integer(bytes.length)]! ^= 1 << random.integer(8);
      writeFileSync(path, bytes);
    }),
  ];
  for (const damage of damages) {
    damage();
    const found = (await files.newest())!;
    // A changed blank of the header's padding may be harmless; then the content is what was written.
    if (found.damaged.length === 0) t.deepEqual(bytesOf(found.checkpoint), bytesOf(made(2)));
    else {
      t.is(found.checkpoint.epoch, 1);
      t.is(found.damaged[0]!.path, path);
      t.regex(found.damaged[0]!.cause.code, /^(ST_|TRAINING_|TENSOR_)/);
    }
    writeFileSync(path, whole);
  }
  truncateSync(path, 9);
  truncateSync(join(folder, '000001.safetensors'), 9);
  await t.throwsAsync(files.newest(), { code: 'ST_HEADER' });
});

test('every failure of the disk leaves the newest that was saved, whole', async t => {
  for (const code of codes)
    for (const forever of [false, true])
      for (let at = 1; ; at++) {
        const { disk: inner } = forgetfulDisk();
        await checkpoints('/run', { disk: inner }).save(made(1, 1));
        const fault = faultDisk({ at, code, forever, short: true, inner });
        const failing = checkpoints('/run', { disk: fault.disk });
        let saved = 1;
        try {
          for (const epoch of [2, 3, 4]) {
            await failing.save(made(epoch, 1));
            saved = epoch;
          }
        } catch (cause) {
          t.regex(String((cause as { code?: unknown }).code), /^DISK_/, `${code} at ${at}`);
        }
        const found = (await checkpoints('/run', { disk: inner }).newest())!;
        t.true(found.checkpoint.epoch >= saved, `${code} at ${at}`);
        t.deepEqual(found.damaged, []);
        if (!fault.failed()) break;
      }
});

test('what was saved outlives a power cut', async t => {
  const random = new Random(1);
  for (let turn = 0; turn < 100; turn++) {
    const { disk, crash } = forgetfulDisk();
    const files = checkpoints('/run/checkpoints', { disk });
    const told = history('/run/history.jsonl', { disk });
    const last = 1 + random.integer(5);
    for (let epoch = 1; epoch <= last; epoch++) {
      await disk.mkdir('/run').catch(() => undefined);
      await disk.syncFolder('/');
      await told.append({ kind: 'epoch', epoch, step: epoch, rate: 1, trainLoss: 1 });
      await files.save(made(epoch, 1));
    }
    crash(() => random.uniform() < 0.5, random.uniform() < 0.5);
    t.is((await files.newest())!.checkpoint.epoch, last);
    const lines = new TextDecoder()
      .decode(await disk.readFile('/run/history.jsonl'))
      .trim()
      .split('\n');
    t.is(lines.length, last);
  }
});

test('a history that cannot be read or written says so', async t => {
  const folder = fresh();
  mkdirSync(join(folder, 'history.jsonl'));
  const told = history(join(folder, 'history.jsonl'));
  await t.throwsAsync(told.rewind(1), { code: 'DISK_FAILED' });
  await t.throwsAsync(told.append({ kind: 'stopped', epoch: 1, reason: 'asked' }), { code: 'DISK_FAILED' });
  await t.notThrowsAsync(history(join(folder, 'none.jsonl')).rewind(1));
});

test('a run that dies at a call of the disk, and is resumed, ends with the files of an unbroken one', async t => {
  const { artifacts, initialState } = artifactsOf({
    features: 5,
    classes: 3,
    head: mlp({ hidden: [4], dropout: 0.2 }),
    loss: crossEntropy(),
    optimizer: adam(),
  });
  const options: TrainingRunOptions = {
    runtime: nodeRuntime(),
    artifacts,
    initialState,
    train: blobs(40, 5, 3, 1),
    validation: blobs(20, 5, 3, 2),
    epochs: 6,
    rate: 0.3,
    batch: 8,
    patience: 2,
  };
  const once = async (disk: Disk) => {
    await makeFolder('/run', { disk });
    const files = checkpoints('/run/checkpoints', { disk });
    const told = history('/run/history.jsonl', { disk });
    const found = await files.newest();
    await told.rewind(found?.checkpoint.epoch ?? 0);
    const run = trainingRun({ ...options, ...(found ? { resumeFrom: found.checkpoint } : {}) });
    await finish(run, async event => {
      await told.append(event);
      if (event.kind === 'checkpoint') await files.save(event.checkpoint);
    });
  };
  const contentOf = async (disk: Disk) => {
    const names = (await disk.readdir('/run/checkpoints')).sort().map(name => `checkpoints/${name}`);
    const read = async (name: string) => Buffer.from(await disk.readFile(`/run/${name}`)).toString('base64');
    return Promise.all(['history.jsonl', ...names].map(async name => [name, await read(name)]));
  };
  const { disk: unbroken } = forgetfulDisk();
  await once(unbroken);
  const wanted = await contentOf(unbroken);
  t.true(wanted.length >= 3);
  for (let at = 1, hasFailed = true; hasFailed; at += 8) {
    const { disk: inner } = forgetfulDisk();
    const fault = faultDisk({ at, code: 'EIO', forever: true, inner });
    await once(fault.disk).catch(() => undefined);
    hasFailed = fault.failed();
    await once(inner);
    t.deepEqual(await contentOf(inner), wanted, `call ${at}`);
  }
});
