// graft explain over bundles whose network fires on what is bright: heat lies where the bright patch is, whatever the
// picture's proportions, the crop, the view and the member.

import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { tensor, type Tensor } from '../../src/base/index.js';
import { linear, servingModel } from '../../src/artifacts/index.js';
import { writeBundle } from '../../src/bundle/node.js';
import { encodeModel } from '../../src/codec/index.js';
import { fuse, type Fusion } from '../../src/ensembles/index.js';
import { Builder, type Graph, type Model, type Value } from '../../src/graph/index.js';
import { Conv, Flatten, MaxPool, Relu } from '../../src/operators/index.js';
import { place, spreadHeat, type Preprocessing } from '../../src/pictures/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { explain, type ExplainOptions, type Explanation } from '../../src/workflows/explain.js';
import { sharesOf } from '../../src/workflows/recipe-shares.js';
import { manifest } from '../bundle/manifest.js';
import { codeOf } from '../code-of.js';

const runtime = nodeRuntime();
const temporary = () => mkdtemp(join(tmpdir(), 'graft-explain-'));
const labels = ['dark', 'bright'];
const trained = new Map<string, Tensor>([
  ['head.weight', tensor('float32', [2, 1], [-1, 1])],
  ['head.bias', tensor('float32', [2], [0.5, -0.5])],
]);

/** Brightness above grey, in cells of 8 pixels: a Conv padded unevenly, a pool, a Conv. */
function firing(width: number, height: number, behind: (map: Value) => Value = x => x): Graph {
  const builder = new Builder('firing');
  const x = builder.input('x', 'float32', ['N', 3, height, width]);
  const kernel = (name: string, channels: number, k: number) =>
    builder.parameter(name, tensor('float32', [1, channels, k, k], new Float32Array(channels * k * k).fill(1 / (channels * k * k)))); // prettier-ignore
  const bias = builder.parameter('bias', tensor('float32', [1], [-0.55]));
  const first = Relu(Conv(x, kernel('a', 3, 3), bias, { strides: [2, 2], pads: [0, 0, 1, 1] }));
  const second = MaxPool(first, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  builder.output(behind(Conv(second, kernel('b', 1, 2), undefined, { strides: [2, 2] })), 'y');
  return builder.finish();
}

const networkOf = (recipe: Preprocessing, rows: 'averaged' | 'kept' = 'averaged'): Model => {
  const { width, height } = recipe;
  const pixels = { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, mean: [0], std: [1] } as const;
  const head = { head: linear, trained, classes: 2, task: 'single' } as const;
  return servingModel({ backbone: firing(width, height), width, height, pixels, rows, ...head });
};

async function bundleOf(recipe: Preprocessing, model: Model, more: object = {}): Promise<string> {
  const folder = join(await temporary(), 'bundle');
  await writeBundle(folder, encodeModel(model), { ...manifest, labels, preprocessing: recipe, ...more });
  return folder;
}

const square: Preprocessing = { width: 64, height: 64, resize: 'shorter-side', cropFraction: 1, filter: 'bilinear', background: [0, 0, 0] }; // prettier-ignore

interface Spot {
  readonly width: number;
  readonly height: number;
  /** The middle of the bright patch. */
  readonly x: number;
  readonly y: number;
}

/** A dark grey picture with one bright square, a tenth of the shorter side. */
async function pictureOf({ width, height, x, y }: Spot): Promise<string> {
  const data = new Uint8Array(width * height * 3).fill(90);
  const reach = Math.round(Math.min(width, height) / 20);
  for (let row = y - reach; row < y + reach; row++)
    data.fill(250, (row * width + x - reach) * 3, (row * width + x + reach) * 3);
  const file = join(await temporary(), 'spot.png');
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
  return file;
}

const run = (bundle: string, files: readonly string[], options: ExplainOptions = {}) =>
  explain(bundle, files, { label: 'bright', ...options }, runtime);

/** Where a map is hottest, in pixels of the picture. */
function hottest(map: Explanation['maps'][number], { width, height }: Spot, recipe: Preprocessing): [number, number] {
  const heat = { ...map, values: map.values.flat() };
  const spread = spreadHeat(heat, recipe, recipe);
  const most = Math.max(...spread);
  // the middle of what is nearly hottest: two cells may share the patch
  const places = [...spread.keys()].filter(i => spread[i]! > 0.9 * most);
  const mean = (of: (i: number) => number) => places.reduce((sum, i) => sum + of(i), 0) / places.length;
  const placed = place(width, height, recipe);
  const x = ((mean(i => i % recipe.width) + 0.5 + placed.left) * width) / placed.width;
  const y = ((mean(i => Math.floor(i / recipe.width)) + 0.5 + placed.top) * height) / placed.height;
  return [x, y];
}

test('heat lies on the patch, in pictures of any proportions, cropped or squeezed', async t => {
  const cases: readonly (readonly [Preprocessing, Spot])[] = [
    [square, { width: 128, height: 128, x: 40, y: 92 }],
    [square, { width: 400, height: 200, x: 250, y: 60 }],
    [
      { ...square, cropFraction: 0.5 },
      { width: 200, height: 320, x: 120, y: 190 },
    ],
    [
      { ...square, width: 96, height: 48, resize: 'stretch' },
      { width: 200, height: 200, x: 50, y: 140 },
    ],
    [
      { ...square, width: 80, height: 48, cropFraction: 0.8 },
      { width: 300, height: 300, x: 190, y: 170 },
    ],
  ];
  for (const [recipe, spot] of cases) {
    const bundle = await bundleOf(recipe, networkOf(recipe));
    const [found] = (await run(bundle, [await pictureOf(spot)])) as [Explanation];
    t.like(found, { label: 'bright', method: 'cam' });
    const [x, y] = hottest(found.maps[0]!, spot, recipe);
    const placed = place(spot.width, spot.height, recipe);
    // half a cell of 8 pixels
    const [across, down] = [(4.5 * spot.width) / placed.width, (4.5 * spot.height) / placed.height];
    t.true(Math.abs(x - spot.x) <= across, `${x} for ${spot.x}`);
    t.true(Math.abs(y - spot.y) <= down, `${y} for ${spot.y}`);
  }
});

test('the other label is spoken against, and the mean is the logit but for the bias', async t => {
  const bundle = await bundleOf(square, networkOf(square));
  const file = await pictureOf({ width: 64, height: 64, x: 20, y: 40 });
  const [bright] = (await run(bundle, [file])) as [Explanation];
  const [dark] = (await run(bundle, [file], { label: 'dark' })) as [Explanation];
  const values = bright.maps[0]!.values.flat();
  t.deepEqual(
    dark.maps[0]!.values.flat().map(value => value + 0),
    values.map(value => 0 - value),
  );
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  // p = σ(z1 − z0), z1 − z0 = 2 · mean − 1
  t.true(Math.abs(bright.probability - 1 / (1 + Math.exp(1 - 2 * mean))) < 1e-5);
  const [best] = (await explain(bundle, [file], {}, runtime)) as [Explanation];
  t.is(best.label, best.probability === dark.probability ? 'dark' : 'bright');
});

const ensembleOf = (names: readonly string[], recipe: object) => ({
  ensemble: {
    recipe: { version: 1, root: recipe },
    members: names.map(name => ({ name, sha256: '00' })),
    calibration: { kind: 'none' },
    comparison: [],
  },
});
const mirrored = { name: 'hflip', map: [-1, 0, 64, 0, 1, 0, 0, 0, 1] } as const;
const asItIs = { name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] } as const;

test('members and mirrored views of an ensemble each show the patch where it is', async t => {
  const spot = { width: 64, height: 64, x: 18, y: 38 };
  const member = (name: string, bias: number): Fusion => {
    const weights = new Map(trained).set('head.bias', tensor('float32', [2], [bias, 0]));
    const pixels = { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, mean: [0], std: [1] } as const;
    const { width, height } = square;
    const model = servingModel({ backbone: firing(width, height), width, height, pixels, head: linear, trained: weights, classes: 2, task: 'single' }); // prettier-ignore
    return { kind: 'views', member: { kind: 'member', name, model }, views: [asItIs, mirrored] };
  };
  const root: Fusion = { kind: 'average', rule: 'probability', members: [member('a', 0), member('b', 1)] };
  const model = fuse({ root, width: 64, height: 64, classes: 2, task: 'single' });
  const tta = (name: string) => ({
    op: 'tta',
    views: ['identity', 'hflip'],
    members: [{ op: 'member', member: name }],
  });
  const names = ['a', 'a#hflip', 'b', 'b#hflip'];
  const bundle = await bundleOf(square, model, ensembleOf(names, { op: 'average', members: [tta('a'), tta('b')] }));
  const file = await pictureOf(spot);
  const [all] = (await run(bundle, [file])) as [Explanation];
  t.deepEqual(
    all.maps.map(map => map.member),
    names,
  );
  for (const map of all.maps) {
    const [x, y] = hottest(map, spot, square);
    t.true(Math.abs(x - spot.x) <= 4.5 && Math.abs(y - spot.y) <= 4.5, `${map.member}: ${x}, ${y}`);
  }
  t.true(all.maps[1]!.columns.step < 0);
  for (const said of ['b', '3']) {
    const [one] = (await run(bundle, [file], { member: said })) as [Explanation];
    t.is(one.member, 'b');
    t.deepEqual(one.maps, [all.maps[2]!]);
    t.not(one.probability, all.probability);
  }
  t.is(await codeOf(run(bundle, [file], { member: '5' })), 'EXPLAIN_MEMBER');
});

test('of a cascade the first stage is explained', async t => {
  const model = networkOf(square);
  const stage = (name: string): Fusion => ({ kind: 'member', name, model });
  const root: Fusion = { kind: 'cascade', stages: [{ member: stage('a'), threshold: 2 }], last: stage('b') };
  const fused = fuse({ root, width: 64, height: 64, classes: 2, task: 'single' });
  const recipe = { op: 'cascade', members: ['a', 'b'].map(member => ({ op: 'member', member })) };
  const bundle = await bundleOf(square, fused, ensembleOf(['a', 'b'], recipe));
  const [found] = (await run(bundle, [await pictureOf({ width: 64, height: 64, x: 30, y: 30 })])) as [Explanation];
  t.true(found.isFirstStage);
  t.deepEqual(
    found.maps.map(map => map.member),
    ['a'],
  );
});

test('shares of an ensemble are multiplied down its recipe', t => {
  const member = (name: string) => ({ op: 'member', member: name }) as const;
  t.deepEqual(sharesOf(member('a')), [1]);
  t.deepEqual(
    sharesOf({
      op: 'average',
      weights: [3, 1],
      members: [
        { op: 'tta', members: [member('a')], views: ['identity', 'hflip'], weights: [1, 2] },
        { op: 'soup', members: [member('b'), member('c')] },
      ],
    }),
    [0.25, 0.5, 0.25],
  );
  t.deepEqual(sharesOf({ op: 'stack', weights: [1, 2, 3, 4], members: [member('a'), member('b')] }), [0.5, 0.5]);
});

test('one sheet, or a file for each picture; nothing is written over unless told', async t => {
  const bundle = await bundleOf(square, networkOf(square));
  const files = [
    await pictureOf({ width: 90, height: 60, x: 20, y: 20 }),
    await pictureOf({ width: 60, height: 90, x: 30, y: 60 }),
  ];
  const folder = await temporary();
  const sheet = join(folder, 'heat.png');
  const found = (await run(bundle, files, { out: sheet })) as Explanation[];
  t.deepEqual(
    found.map(({ drawn }) => drawn),
    [sheet, sheet],
  );
  const { width, height, format } = await sharp(await readFile(sheet)).metadata();
  t.is(format, 'png');
  t.true(width > 2 * 256 && height > 2 * 256);
  t.is(await codeOf(run(bundle, files, { out: sheet })), 'DISK_EXISTS');
  t.is(await codeOf(run(bundle, files, { out: sheet, force: true })), 'done');
  const many = join(folder, 'heat');
  await run(bundle, files, { out: many });
  t.deepEqual((await readdir(many)).sort(), ['spot-2.png', 'spot.png']);
});

test('what cannot be explained is said', async t => {
  const bundle = await bundleOf(square, networkOf(square));
  const file = await pictureOf({ width: 64, height: 64, x: 30, y: 30 });
  t.is(await codeOf(run(bundle, [file], { label: 'grey' })), 'EXPLAIN_LABEL');
  t.is(await codeOf(run(bundle, [file], { member: 'a' })), 'EXPLAIN_MEMBER');
  const many = Array.from({ length: 65 }, () => file);
  t.is(await codeOf(run(bundle, many, { out: join(await temporary(), 'heat.png') })), 'EXPLAIN_TOO_MANY');
  const broken = join(await temporary(), 'broken.png');
  await writeFile(broken, 'no picture');
  const [bad, good] = await run(bundle, [broken, file]);
  t.true('error' in bad! && bad.error.code === 'IMAGE_UNSUPPORTED');
  t.true('maps' in good!);

  // an MLP on pixels
  const builder = new Builder('mlp');
  builder.output(Flatten(builder.input('x', 'float32', ['N', 3, 8, 8])), 'y');
  const weights = new Map(trained).set('head.weight', tensor('float32', [2, 192], new Float32Array(384).fill(0.01)));
  const small: Preprocessing = { ...square, width: 8, height: 8 };
  const pixels = { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, mean: [0], std: [1] } as const;
  const flat = servingModel({ backbone: builder.finish(), width: 8, height: 8, pixels, head: linear, trained: weights, classes: 2, task: 'single' }); // prettier-ignore
  t.is(await codeOf(run(await bundleOf(small, flat), [file])), 'EXPLAIN_NO_MAP');
});

test('of several labels a picture each is explained by its own logit', async t => {
  const bundle = await bundleOf(square, networkOf(square), { task: 'multi-label' });
  const file = await pictureOf({ width: 64, height: 64, x: 40, y: 24 });
  const [found] = (await run(bundle, [file])) as [Explanation];
  const [x, y] = hottest(found.maps[0]!, { width: 64, height: 64, x: 40, y: 24 }, square);
  t.true(Math.abs(x - 40) <= 4.5 && Math.abs(y - 24) <= 4.5);
});
