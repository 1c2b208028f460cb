// A bundle as Triton reads it: config.pbtxt is parsed as the message ModelConfig that Triton publishes.

import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { encodeModel } from '../../src/codec/index.js';
import { textOf, word } from '../../src/workflows/export-triton-text.js';
import { exportTriton } from '../../src/workflows/export-triton.js';
import { codeOf } from '../code-of.js';
import { smallNetwork } from '../walks/small-network.js';
import { awkwardLabels, writeExportBundle } from './export-bundles.js';
import { readModelConfig } from './triton-model-config.js';

const scratch = mkdtempSync(join(tmpdir(), 'graft-export-'));
test.after.always(() => rmSync(scratch, { recursive: true }));
const read = (name: string): Record<string, unknown> =>
  readModelConfig(readFileSync(join(scratch, 'repository', name, 'config.pbtxt'), 'utf8'));

test('a bundle with batches, labels of every kind', async t => {
  const bundle = join(scratch, 'run', 'bundle');
  await writeExportBundle(bundle);
  const result = await exportTriton(bundle, { out: join(scratch, 'repository'), maxBatch: 16, instances: 2 });
  t.is(result.name, 'run');
  t.deepEqual(result.files, ['run/1/model.onnx', 'run/labels.txt', 'run/README.md', 'run/config.pbtxt']);
  t.true(readFileSync(join(scratch, 'repository/run/1/model.onnx')).equals(readFileSync(join(bundle, 'model.onnx'))));
  const { parameters, ...config } = read('run');
  const shape = { data_type: 'TYPE_UINT8', dims: [4, 4, 3] };
  t.deepEqual(config, {
    name: 'run',
    backend: 'onnxruntime',
    max_batch_size: 16,
    input: [{ name: 'pictures', ...shape }],
    output: [
      { name: 'logits', data_type: 'TYPE_FP32', dims: [8] },
      { name: 'probabilities', data_type: 'TYPE_FP32', dims: [8], label_filename: 'labels.txt' },
    ],
    dynamic_batching: { preferred_batch_size: [4, 16], max_queue_delay_microseconds: 2000 },
    instance_group: [{ count: 2, kind: 'KIND_CPU' }],
    model_warmup: [
      { name: 'zeros', batch_size: 1, inputs: { pictures: { ...shape, zero_data: true } } },
      { name: 'random', batch_size: 16, inputs: { pictures: { ...shape, random_data: true } } },
    ],
  });
  const told = parameters as Record<string, { string_value: string }>;
  t.deepEqual(JSON.parse(told['labels']!.string_value), awkwardLabels);
  t.like(JSON.parse(told['preprocessing']!.string_value), { width: 4, cropFraction: 0.8, background: [255, 0, 9] });
  const lines = readFileSync(join(scratch, 'repository/run/labels.txt'), 'utf8').split('\n');
  t.is(lines.length, awkwardLabels.length + 1, 'a label is a line, whatever is in it');
  t.is(lines[4], 'Bär 🐻 熊');
});

test('an ensemble: outputs of three dimensions, one number a picture, GPUs', async t => {
  const bundle = join(scratch, 'ensemble');
  await writeExportBundle(bundle, { members: 3, labels: ['a', 'b'] });
  const options = {
    out: join(scratch, 'repository'),
    name: 'all_3',
    gpu: true,
    preferredBatch: [8, 4, 8],
    queueDelay: 0,
  };
  await exportTriton(bundle, options);
  t.like(read('all_3'), {
    max_batch_size: 32,
    output: [
      { name: 'logits', dims: [2] },
      { name: 'probabilities', label_filename: 'labels.txt' },
      { name: 'memberProbabilities', dims: [3, 2] },
      { name: 'outlierScore', dims: [1], reshape: {} },
    ],
    dynamic_batching: { preferred_batch_size: [4, 8] },
    instance_group: [{ kind: 'KIND_GPU', count: 1 }],
  });
});

test('a network of one picture at a time has no batches', async t => {
  const bundle = join(scratch, 'single');
  await writeExportBundle(bundle, { rows: 1, labels: ['a', 'b', 'c'] });
  await exportTriton(bundle, { out: join(scratch, 'repository') });
  const config = read('single');
  t.like(config, {
    input: [{ dims: [1, 4, 4, 3] }],
    output: [{ dims: [1, 3] }, { dims: [1, 3], label_filename: 'labels.txt' }],
    model_warmup: [{ batch_size: 1 }, { batch_size: 1 }],
  });
  t.false('dynamic_batching' in config);
});

test('nothing is written over, and other models of the repository stay', async t => {
  const bundle = join(scratch, 'kept');
  const out = join(scratch, 'other');
  await writeExportBundle(bundle);
  await exportTriton(bundle, { out });
  await exportTriton(bundle, { out, name: 'second' });
  t.deepEqual(readdirSync(out).sort(), ['kept', 'second']);
  t.is(await codeOf(exportTriton(bundle, { out })), 'EXPORT_FOLDER');
  await exportTriton(bundle, { out, maxBatch: 2, force: true });
  t.regex(readFileSync(join(out, 'kept/config.pbtxt'), 'utf8'), /max_batch_size: 2\n/);
});

test('what cannot be exported is refused before anything is written', async t => {
  const bundle = join(scratch, 'refused');
  const out = join(scratch, 'nothing');
  await writeExportBundle(bundle);
  const network = join(scratch, 'network.onnx');
  writeFileSync(network, encodeModel(smallNetwork()));
  t.is(await codeOf(exportTriton(network, { out })), 'EXPORT_BUNDLE');
  t.is(await codeOf(exportTriton(join(scratch, 'nowhere'), { out })), 'SERVE_NOTHING');
  for (const options of [
    { name: '../up' },
    { name: '' },
    { name: 'a/b' },
    { name: 'a b' },
    { name: '-a' },
    { maxBatch: 0 },
    { maxBatch: 1.5 },
    { preferredBatch: [64] },
    { queueDelay: -1 },
    { instances: 0 },
  ])
    // prettier-ignore
    t.is(await codeOf(exportTriton(bundle, { out, ...options })), 'EXPORT_OPTION', JSON.stringify(options));
  const odd = join(scratch, 'odd');
  await writeExportBundle(odd, { odd: true });
  t.is(await codeOf(exportTriton(odd, { out })), 'EXPORT_TYPE');
  t.false(existsSync(out));
});

test('any text comes back as it was', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (name, value) => {
      const message = { name, parameters: { key: value, value: { string_value: value } }, backend: 'onnxruntime' };
      t.deepEqual(readModelConfig(textOf(message)), {
        name,
        parameters: { [value]: { string_value: value } },
        backend: 'onnxruntime',
      });
    }),
  );
});

test('the reader refuses what Triton does not have', t => {
  t.throws(() => readModelConfig(textOf({ nam: 'x' })));
  t.throws(() => readModelConfig(textOf({ input: { name: 'x', data_type: word('TYPE_FLOAT') } })));
  t.throws(() => readModelConfig(textOf({ max_batch_size: 'x' })));
  t.throws(() => readModelConfig(textOf({ instance_group: { count: 1, kind: word('KIND_TPU') } })));
});
