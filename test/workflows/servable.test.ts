// What a server opens: bundles, runs, networks; and the cheaper ways of an ensemble, each the answer of its members, its
// file little more than a graph.

import test from 'ava';
import { writeFileSync } from 'node:fs';
import { cp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { floats, tensor } from '../../src/base/index.js';
import { sha256 } from '../../src/base/node.js';
import type { Manifest } from '../../src/bundle/index.js';
import { encodeModel } from '../../src/codec/index.js';
import type { Preprocessing } from '../../src/pictures/index.js';
import { preparePicture } from '../../src/pictures/node.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { openServable } from '../../src/workflows/servable.js';
import { codeOf } from '../code-of.js';
import { addNetwork, temporary } from '../server/networks.js';
import { smallNetworkFile } from '../small-network.js';
import { answersOf, apart, combine, fresh, heads, run, runtime } from './ensemble-runs.js';

/** Two heads on one trunk, and one on another. */
const seeds = await heads([0, 1]);
const other = await run({ backbone: await smallNetworkFile({ seed: 'other' }) });
const options = { combine: 'average', calibrate: 'none' } as const;
const viewed = await combine(seeds, { ...options, views: ['hflip'] });
const plain = await combine([...seeds, other], options);
const files = ['checks/checks', 'dots/dots', 'rings/rings'].map(name => join(demoPictures, 'train', `${name}-03.jpg`));

/** Probabilities of a model's bytes, [pictures, classes], of the pictures as a bundle's recipe prepares them. */
async function probabilities(model: Uint8Array, { preprocessing }: Manifest): Promise<Float32Array> {
  const recipe = preprocessing as Preprocessing;
  const { width, height } = recipe;
  const bytes = new Uint8Array(files.length * width * height * 3);
  for (const [i, file] of files.entries())
    bytes.set(await preparePicture(await readFile(file), recipe, {}), i * width * height * 3);
  const session = await runtime.open(model);
  const feed = runtime.tensor(tensor('uint8', [files.length, height, width, 3], bytes));
  const results = await session.run(new Map([['pictures', feed]]), ['probabilities']);
  const read = floats(await results.get('probabilities')!.read()).slice();
  await session.close();
  return read;
}

const softmax = (logits: Float32Array, classes = logits.length / files.length): number[] =>
  files.flatMap((_, row) => {
    const z = [...logits.subarray(row * classes, (row + 1) * classes)].map(Math.exp);
    return z.map(one => one / z.reduce((a, b) => a + b, 0));
  });

/** The mean of what members say, each alone and uncalibrated. */
async function meanOf(members: readonly string[]): Promise<number[]> {
  const said = await Promise.all(members.map(async name => softmax((await answersOf(join(name, 'bundle'), files, ['logits'])).get('logits')!))); // prettier-ignore
  return Array.from(said[0]!, (_, i) => said.reduce((sum, one) => sum + one[i]! / said.length, 0));
}

for (const [name, made] of Object.entries({ viewed, plain }))
  test(`cheaper ways are the answers of their members: ${name}`, async t => {
    const { bundle, manifest } = made;
    const ways = manifest.ensemble?.rungs ?? [];
    t.true(ways.length >= 1);
    const { rungs, model } = await openServable(bundle, { rungs: true });
    t.deepEqual(rungs.map(({ members }) => members), ways.map(({ members }) => members)); // prettier-ignore
    for (const [i, rung] of rungs.entries()) {
      t.true(apart(await probabilities(rung.model, manifest), await meanOf(rung.members)) < 1e-6, ways[i]!.recipe);
      // what weighs is in the whole's file
      const { size } = await stat(join(bundle, ways[i]!.file));
      t.true(size < 0.5 * model.length, `${size} of ${model.length} bytes`);
    }
    t.deepEqual((await openServable(bundle)).rungs, []);
  });

/** A copy of the bundle with views, elsewhere. */
async function copied(): Promise<string> {
  const to = fresh();
  await cp(viewed.bundle, to, { recursive: true });
  return to;
}

test('a bundle that was moved opens with its ways', async t => {
  const [here, there] = [await openServable(viewed.bundle, { rungs: true }), await openServable(await copied(), { rungs: true })]; // prettier-ignore
  t.is(there.sha256, here.sha256);
  t.deepEqual(there.rungs.map(({ model }) => sha256(model)), here.rungs.map(({ model }) => sha256(model))); // prettier-ignore
});

test('a way that is missing, changed or elsewhere is refused', async t => {
  const { file } = viewed.manifest.ensemble!.rungs![0]!;
  const missing = await copied();
  await rm(join(missing, file));
  t.is(await codeOf(openServable(missing, { rungs: true })), 'STATE_CORRUPT');
  const changed = await copied();
  const bytes = await readFile(join(changed, file));
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(join(changed, file), bytes);
  t.is(await codeOf(openServable(changed, { rungs: true })), 'STATE_CORRUPT');
  for (const rung of [
    { file: '../model.onnx' },
    { file: join(viewed.bundle, file) },
    { file: 'no.onnx' },
    {},
    { file: 1 },
  ]) {
    const elsewhere = await copied();
    const manifest = JSON.parse(await readFile(join(elsewhere, 'manifest.json'), 'utf8')) as Manifest;
    Object.assign(manifest.ensemble!.rungs![0]!, { file: undefined, ...rung });
    await writeFile(join(elsewhere, 'manifest.json'), JSON.stringify(manifest));
    t.is(await codeOf(openServable(elsewhere, { rungs: true })), 'BUNDLE_MANIFEST', JSON.stringify(rung));
  }
});

test('a run, a bundle, a folder with a network and a network are opened; what is none of them is not', async t => {
  const run = seeds[0]!;
  const [byRun, byBundle] = [await openServable(run), await openServable(join(run, 'bundle'))];
  t.is(byRun.sha256, byBundle.sha256);
  t.deepEqual(byRun.inputs.map(({ name, type, shape }) => [name, type, shape]), [['pictures', 'uint8', [-1, 32, 32, 3]]]); // prettier-ignore
  t.true(byRun.mayBatch);
  const folder = temporary();
  writeFileSync(join(folder, 'model.onnx'), encodeModel(addNetwork()));
  const [byFolder, byFile] = [await openServable(folder), await openServable(join(folder, 'model.onnx'))];
  t.is(byFolder.sha256, byFile.sha256);
  t.false(byFile.mayBatch);
  t.is(byFile.manifest, undefined);
  t.is(await codeOf(openServable(join(folder, 'none'))), 'SERVE_NOTHING');
  t.is(await codeOf(openServable(fresh())), 'SERVE_NOTHING');
  // a value without a rank cannot be asked for
  const { graph } = addNetwork();
  const [{ shape: _, ...x }] = graph.inputs as [(typeof graph.inputs)[number]];
  writeFileSync(join(folder, 'model.onnx'), encodeModel({ ...addNetwork(), graph: { ...graph, inputs: [x], outputs: graph.outputs.map(({ shape: __, ...y }) => y) } })); // prettier-ignore
  t.is(await codeOf(openServable(folder)), 'SERVE_VALUE');
});
