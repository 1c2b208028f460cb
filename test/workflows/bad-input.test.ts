// The table of bad input: each a coded error, nothing written.

import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf } from '../../src/graph/index.js';
import { Add, Relu } from '../../src/operators/index.js';
import { evaluate, inspect, predict, split, transfer } from '../../src/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { good } from '../attacks/hostile-onnx.js';
import { temporary, writeNetwork, writePictures } from '../walks/small-network.js';

const runtime = nodeRuntime();

test('networks that are none', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 4, 'pictures');
  const out = join(folder, 'run');
  const write = (name: string, bytes: Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
  const two = new Builder('two');
  const [a, b] = [two.input('a', 'float32', ['N', 3, 8, 8]), two.input('b', 'float32', ['N', 3, 8, 8])];
  two.output(Relu(Add(a, b)), 'y');
  const twoInputs = encodeModel(modelOf(two.finish()));
  const small = writeNetwork(folder);
  const table: readonly (readonly [string, string])[] = [
    [join(folder, 'none.onnx'), 'ONNX_FILE_MISSING'],
    [write('text.onnx', Buffer.from('hello, this is no network at all')), 'ONNX_NOT_ONNX'],
    [
      write('cut.onnx', encodeModel((await import('../walks/small-network.js')).smallNetwork()).subarray(0, 700)),
      'PROTO_TRUNCATED',
    ],
    [write('two.onnx', twoInputs), 'GRAFT_PICTURE_INPUT'],
    [write('vector.onnx', good()), 'GRAFT_PICTURE_INPUT'],
  ];
  for (const [backbone, code] of table) {
    const error = await t.throwsAsync(transfer(pictures, { backbone, out, mean: [0], std: [1], scale: 1 }, runtime), {
      code,
    });
    t.true(error.message.includes(backbone.split('/').at(-1)!) || code !== 'ONNX_FILE_MISSING', error.message);
    t.false(existsSync(out), code);
  }
  const head = { head: 'mlp', optimizer: 'lbfgs' } as const;
  await t.throwsAsync(transfer(pictures, { backbone: small, out, ...head }, runtime), { code: 'GRAFT_HEAD' });
  rmSync(join(folder, 'small.json'));
  await t.throwsAsync(transfer(pictures, { backbone: small, out }, runtime), { code: 'PREPROCESSING_UNKNOWN' });
  await t.throwsAsync(transfer(pictures, { backbone: small, out, scale: 1, at: 'nowhere' }, runtime), {
    code: 'GRAFT_NOT_A_BACKBONE',
  });
  t.false(existsSync(out));
  rmSync(folder, { recursive: true });
});

test('pictures that are none', async t => {
  const folder = temporary();
  const backbone = writeNetwork(folder);
  const out = join(folder, 'run');
  const train = (pictures: string) => transfer(pictures, { backbone, out }, runtime);
  await t.throwsAsync(train(join(folder, 'none')), { code: 'DATA_MISSING' });
  mkdirSync(join(folder, 'empty'));
  await t.throwsAsync(train(join(folder, 'empty')), { code: 'DATA_EMPTY' });
  const one = await writePictures(folder, 4, 'one');
  rmSync(join(one, 'red'), { recursive: true });
  await t.throwsAsync(train(one), { code: 'DATA_ONE_CLASS' });
  const small = await writePictures(folder, 1, 'small');
  await t.throwsAsync(train(small), { code: 'DATA_CLASS_SMALL' });
  const broken = await writePictures(folder, 4, 'broken');
  for (const label of ['red', 'blue'])
    for (let i = 0; i < 4; i++) writeFileSync(join(broken, label, `${i}.png`), 'no picture');
  await t.throwsAsync(train(broken), { code: 'GRAFT_NOTHING_LEFT' });
  t.false(existsSync(join(out, 'bundle')));
  rmSync(folder, { recursive: true });
});

test('an unreadable folder', async t => {
  if (process.getuid?.() === 0) {
    t.log('the superuser reads everything: skipped');
    t.pass();
    return;
  }
  const folder = temporary();
  const pictures = await writePictures(folder, 4, 'pictures');
  chmodSync(join(pictures, 'red'), 0);
  await t.throwsAsync(transfer(pictures, { backbone: writeNetwork(folder), out: join(folder, 'run') }, runtime), {
    code: 'DATA_UNREADABLE',
  });
  chmodSync(join(pictures, 'red'), 0o755);
  rmSync(folder, { recursive: true });
});

test('bundles and labels that do not fit', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 6, 'pictures');
  await t.throwsAsync(predict(join(folder, 'none'), [pictures], {}, runtime), { code: 'BUNDLE_MISSING' });
  const { bundle } = await transfer(pictures, { backbone: writeNetwork(folder), out: join(folder, 'run') }, runtime);
  const other = await writePictures(folder, 2, 'other');
  mkdirSync(join(other, 'green'));
  writeFileSync(join(other, 'green', '1.png'), 'x');
  await t.throwsAsync(evaluate(bundle, other, {}, runtime), { code: 'GRAFT_LABEL_UNKNOWN', message: /green/ });
  await t.throwsAsync(evaluate(bundle, pictures, { split: 'train' }, runtime), { code: 'GRAFT_SPLIT_EMPTY' });
  rmSync(folder, { recursive: true });
});

test('several files are inspected even where one cannot be read', t => {
  const folder = temporary();
  const found = inspect([writeNetwork(folder), join(folder, 'none.onnx')]);
  t.true('network' in found[0]! && found[0].network.kind === 'classifier');
  t.true('error' in found[1]! && found[1].error.code === 'ONNX_FILE_MISSING');
  rmSync(folder, { recursive: true });
});

test('a split writes nothing over what is there', async t => {
  const folder = temporary();
  const network = writeNetwork(folder);
  const out = join(folder, 'parts');
  const { files, difference } = await split(network, { out }, runtime);
  t.is(files.length, 3);
  t.is(difference.exact, 0);
  await t.throwsAsync(split(network, { out }, runtime), { code: 'DISK_EXISTS' });
  rmSync(folder, { recursive: true });
});

test('pieces that do not give what the network gave are not written', async t => {
  const folder = temporary();
  const builder = new Builder('noise');
  const x = builder.input('input', 'float32', ['N', 3, 8, 8]);
  const [noise] = builder.append({
    op: 'RandomNormalLike',
    inputs: [Relu(x)],
    outputs: [{ type: 'float32', shape: ['N', 3, 8, 8] }],
    names: ['noise'],
  });
  builder.output(Relu(noise), 'y');
  const path = join(folder, 'noise.onnx');
  writeFileSync(path, encodeModel(modelOf(builder.finish())));
  const out = join(folder, 'parts');
  await t.throwsAsync(split(path, { at: ['relu'], out }, runtime), { code: 'GRAFT_DIFFERENT' });
  t.false(existsSync(out));
  rmSync(folder, { recursive: true });
});
