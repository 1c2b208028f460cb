// Augmented views on their way through a backbone: kept beside the pictures, or made anew for an epoch.

import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import test from 'ava';
import { elements } from '../../src/base/index.js';
import { painted, type Augmentation } from '../../src/pictures/index.js';
import { readSource } from '../../src/pictures/node.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { resolveAugment } from '../../src/workflows/augment-options.js';
import { augmentedFeatures, type AugmentedFeaturesOptions } from '../../src/workflows/augmented-features.js';
import { openBackbone } from '../../src/workflows/backbone.js';
import { setFeatures } from '../../src/workflows/set-features.js';
import { temporary, writeNetwork, writePictures } from '../walks/small-network.js';

const runtime = nodeRuntime();
const augment = 'flip,rotate=30,jitter=0.4';

async function setUp(perClass = 6) {
  const folder = temporary();
  const root = await writePictures(folder, perClass, 'pictures');
  writeFileSync(join(root, 'red', 'torn.png'), 'no picture');
  const set = await readSource(root, { validation: 0.34, seed: 0 });
  return { set, backbone: openBackbone(writeNetwork(folder)), cache: join(folder, 'cache') };
}
const rowOf = (features: Float32Array, width: number, row: number) => [
  ...features.subarray(row * width, (row + 1) * width),
];

test('views train beside the pictures as they are, grouped by picture; validation is never augmented', async t => {
  const { set, backbone, cache } = await setUp();
  const plain = await setFeatures(runtime, backbone, set, { cache: false });
  const options = { cache, augment, augmentViews: 3, seed: 5 };
  const made = await setFeatures(runtime, backbone, set, options);
  const { train } = made;
  const pictures = plain.train.count;
  t.is(plain.train.groups, undefined);
  t.is(train.count, 4 * pictures);
  t.deepEqual(train.items, plain.train.items);
  t.deepEqual(train.hashes, plain.train.hashes);
  t.deepEqual(made.validation, plain.validation);
  t.is(made.validation.groups, undefined);
  t.is(made.errors.length, plain.errors.length);
  t.is(made.errors.length, 1);
  const groups = Array.from({ length: train.count }, (_, row) => row % pictures);
  t.deepEqual([...train.groups!], groups);
  const labels = [...(elements(plain.train.labels) as BigInt64Array)];
  t.deepEqual([...(elements(train.labels) as BigInt64Array)], groups.map(group => labels[group])); // prettier-ignore
  const { width } = train;
  t.deepEqual([...train.features.subarray(0, pictures * width)], [...plain.train.features]);
  const views = Array.from({ length: train.count }, (_, row) => rowOf(train.features, width, row).join());
  t.is(new Set(views).size, train.count);

  const again = await setFeatures(runtime, backbone, set, options);
  t.deepEqual(again.train, train);
  t.is(again.cached, train.count + made.validation.count);
  const more = await setFeatures(runtime, backbone, set, { ...options, augmentViews: 4 });
  t.is(more.cached, again.cached);
  t.deepEqual(more.train.features.subarray(0, train.features.length), train.features);
  const other = await setFeatures(runtime, backbone, set, { ...options, seed: 6 });
  t.is(other.cached, pictures + made.validation.count);
});

test('features of an epoch are those of its view, in the order asked for, whatever the windows', async t => {
  const { set, backbone } = await setUp();
  const items = set.splits.get('train')!;
  const kept = await setFeatures(runtime, backbone, set, { cache: false, augment, augmentViews: 2, seed: 5 });
  const { train } = kept;
  const collect = async (options: Partial<AugmentedFeaturesOptions>) => {
    const rows = new Map<number, number[]>();
    const failed: string[] = [];
    const sizes: number[] = [];
    const windows = augmentedFeatures(runtime, backbone, items, { epoch: 2, seed: 5, augment, ...options });
    for await (const { features, places, errors } of windows) {
      sizes.push(places.length);
      places.forEach((place, row) => rows.set(place, rowOf(features, train.width, row)));
      failed.push(
        ...errors.map(
          ({ place, file, error }) => `${place === items.findIndex(({ name }) => name === file)} ${error.code}`,
        ),
      );
    }
    return { rows, failed, sizes };
  };
  const torn = items.findIndex(({ name }) => name.endsWith('torn.png'));
  const wanted = new Map(
    train.items.map((item, picture) => {
      const row = picture + 2 * train.items.length;
      return [items.indexOf(item), rowOf(train.features, train.width, row)] as const;
    }),
  );
  const whole = await collect({});
  t.deepEqual(whole.rows, wanted);
  t.deepEqual(whole.failed, torn < 0 ? [] : ['true IMAGE_UNSUPPORTED']);
  t.is(whole.sizes.length, 1);
  const order = Array.from(items.keys()).reverse();
  const session = await runtime.open(backbone.featurizer);
  const parts = await collect({ order, window: 3, session });
  t.deepEqual(new Map([...parts.rows].sort(([a], [b]) => a - b)), wanted);
  t.deepEqual([...parts.rows.keys()], order.filter(place => place !== torn)); // prettier-ignore
  t.is(parts.sizes.length, Math.ceil(items.length / 3));
  // the session is the caller's: it still runs
  const plain = await collect({ epoch: 0, session, order: [0] });
  t.deepEqual(
    plain.rows.get(0),
    torn === 0 ? undefined : rowOf(train.features, train.width, train.items.indexOf(items[0]!)),
  );
  await session.close();
  const stop = new AbortController();
  stop.abort(new Error('enough'));
  await t.throwsAsync(collect({ signal: stop.signal }), { message: 'enough' });
});

test('options: default where only views are given, four views where only a list is, and nothing for none', t => {
  t.is(resolveAugment({}), undefined);
  t.is(resolveAugment({ augment: 'none', augmentViews: 3 }), undefined);
  t.deepEqual(resolveAugment({ augment: ' flip , shift=0.1 ' }), {
    augment: 'flip@0.5,shift=0.1',
    text: 'flip@0.5,shift=0.1',
    views: 4,
  });
  t.true(resolveAugment({ augmentViews: 2 })!.text.startsWith('flip@0.5,rotate=10'));
  const invert: Augmentation = {
    name: 'invert',
    apply: view => painted(view, levels => levels.forEach((level, i) => (levels[i] = 255 - level))),
  };
  t.deepEqual(resolveAugment({ augment: [invert], augmentViews: 1 }), { augment: [invert], text: 'invert', views: 1 });
  for (const augmentViews of [0, 1.5, 1001]) t.throws(() => resolveAugment({ augmentViews }), { code: 'DATA_OPTION' });
  t.throws(() => resolveAugment({ augment: 'flop' }), { code: 'AUGMENT_UNKNOWN' });
});
