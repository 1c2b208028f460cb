// The main way: a network and pictures to a bundle, its figures and its answers; the same numbers on every runtime.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { floats, tensor } from '../../src/base/index.js';
import { readBundle, writeBundle } from '../../src/bundle/node.js';
import { evaluate, predict, transfer } from '../../src/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { webRuntime } from '../../src/runtime/web.js';
import { preparePicture } from '../../src/pictures/node.js';
import type { Preprocessing } from '../../src/pictures/index.js';
import { temporary, writeNetwork, writePictures } from './small-network.js';

const runtime = nodeRuntime();

test('train → evaluate → predict', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 12, 'pictures');
  writeFileSync(join(pictures, 'red', 'notes.jpg'), 'not a picture');
  writeFileSync(join(pictures, 'red', '.DS_Store'), '');
  const backbone = writeNetwork(folder);
  const out = join(folder, 'run');
  const trained = await transfer(pictures, { backbone, out }, runtime);
  t.deepEqual(trained.classes, ['blue', 'red']);
  t.is(trained.evaluation.accuracy, 1);
  t.is(trained.counts.train + trained.counts.validation, 24);
  t.true(
    [...trained.errors.map(({ file }) => file), ...trained.stray.map(({ file }) => file)].some(file =>
      file.includes('notes.jpg'),
    ),
  );
  for (const name of ['run.json', 'history.jsonl', 'bundle/model.onnx', 'bundle/manifest.json', 'bundle/README.md'])
    t.true(existsSync(join(out, name)), name);
  t.false(existsSync(join(out, 'lock')));

  const { evaluation, seen } = await evaluate(trained.bundle, pictures, {}, runtime);
  t.is(evaluation.count, 24);
  t.is(evaluation.errors.length + evaluation.count >= 24 ? 24 : 0, 24);
  t.is(seen.train + seen.validation, 24);

  const files = [join(pictures, 'red', '0.png'), join(pictures, 'red', 'notes.jpg')];
  const [first, second] = await predict(trained.bundle, files, { top: 2 }, runtime);
  t.true(first && 'label' in first && first.label === 'red' && first.top?.length === 2);
  t.true(second && 'error' in second && second.error.code.startsWith('IMAGE_'));

  await t.throwsAsync(transfer(pictures, { backbone, out }, runtime), { code: 'GRAFT_OUT_EXISTS' });
  const again = await transfer(pictures, { backbone, out, force: true }, runtime);
  t.is(again.manifest.files[0]!.sha256, trained.manifest.files[0]!.sha256, 'the same seed gives the same bytes');
  rmSync(folder, { recursive: true });
});

test('a bundle gives the same numbers on onnxruntime-node and onnxruntime-web', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 8, 'pictures');
  const { bundle } = await transfer(pictures, { backbone: writeNetwork(folder), out: join(folder, 'run') }, runtime);
  const { model, manifest } = await readBundle(bundle);
  const bytes = await preparePicture(
    readFileSync(join(pictures, 'red', '1.png')),
    manifest.preprocessing as Preprocessing,
    {},
  );
  const answers: Float32Array[] = [];
  for (const one of [runtime, webRuntime()]) {
    const session = await one.open(model);
    const feed = one.tensor(tensor('uint8', [1, 16, 16, 3], bytes));
    const results = await session.run(new Map([['pictures', feed]]), ['probabilities']);
    answers.push(floats(await results.get('probabilities')!.read()).slice());
    await session.close();
  }
  const [a, b] = answers as [Float32Array, Float32Array];
  a.forEach((value, i) => t.true(Math.abs(value - b[i]!) < 1e-5));
  rmSync(folder, { recursive: true });
});

test('a network exported for one picture at a time serves any number', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 8, 'pictures');
  const open = await transfer(pictures, { backbone: writeNetwork(folder), out: join(folder, 'open') }, runtime);
  const fixed = await transfer(pictures, { backbone: writeNetwork(folder, 1), out: join(folder, 'fixed') }, runtime);
  t.is(fixed.evaluation.negativeLogLikelihood, open.evaluation.negativeLogLikelihood);
  rmSync(folder, { recursive: true });
});

test('several labels a picture: from a list to answers', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 10, 'pictures');
  const rows = ['file,labels,split'];
  for (const [label, labels] of [
    ['red', 'warm|plain'],
    ['blue', 'cold|plain'],
  ] as const)
    for (let i = 0; i < 10; i++)
      rows.push(`pictures/${label}/${i}.png,${i === 0 ? labels.split('|')[0] : labels},${i < 7 ? 'train' : 'val'}`);
  const list = join(folder, 'list.csv');
  writeFileSync(list, rows.join('\n'));
  const out = join(folder, 'run');
  const { bundle, manifest } = await transfer(list, { backbone: writeNetwork(folder), out, cache: false }, runtime);
  t.is(manifest.task, 'multi-label');
  t.deepEqual(manifest.labels, ['cold', 'plain', 'warm']);
  const { evaluation } = await evaluate(bundle, list, {}, runtime);
  t.is(evaluation.accuracy, 1);
  const [answer] = await predict(bundle, [join(pictures, 'red', '9.png')], {}, runtime);
  t.true(answer && 'labels' in answer);
  if (answer && 'labels' in answer) t.deepEqual(answer.labels, ['plain', 'warm']);
  rmSync(folder, { recursive: true });
});

test('a bundle whose network is hostile is refused by our own reader', async t => {
  const folder = temporary();
  const pictures = await writePictures(folder, 8, 'pictures');
  const { bundle } = await transfer(
    pictures,
    { backbone: writeNetwork(folder), out: join(folder, 'run'), cache: false },
    runtime,
  );
  const { manifest } = await readBundle(bundle);
  const { files: _, ...rest } = manifest;
  await writeBundle(bundle, Buffer.from('not a network, but of the right hash'), rest, { force: true });
  await t.throwsAsync(predict(bundle, [pictures], {}, runtime), { code: 'ONNX_NOT_ONNX' });
  rmSync(folder, { recursive: true });
});
