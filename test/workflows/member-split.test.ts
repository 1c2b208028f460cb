// What one member sees of the features, or of the rows behind a cut, of the whole.

import test from 'ava';
import { floats, integers, tensor } from '../../src/base/index.js';
import { featuresOf, featuresSeen, rowsSeen } from '../../src/workflows/member-split.js';
import type { SplitFeatures } from '../../src/workflows/set-features.js';
import type { SplitRows } from '../../src/workflows/set-rows.js';

const items = ['a', 'b', 'c'].map((name, label) => ({ file: `/${name}.png`, name, label }));
/** Three pictures of two features, 10·picture and its view; each picture has one augmented view. */
const split: SplitFeatures = {
  features: Float32Array.from([0, 0, 10, 0, 20, 0, 0, 1, 10, 1, 20, 1]),
  count: 6,
  width: 2,
  labels: tensor('int64', [6], [0, 1, 2, 0, 1, 2]),
  groups: Uint32Array.from([0, 1, 2, 0, 1, 2]),
  items,
  hashes: ['ha', 'hb', 'hc'],
};

test('pictures that are drawn twice: each once as it is, then copies and views, all of one group', t => {
  const seen = featuresSeen(split, [2, 0, 1]);
  t.deepEqual([...seen.features], [0, 0, 20, 0, 0, 0, 0, 1, 0, 1, 20, 1]);
  t.deepEqual([...seen.groups!], [0, 1, 0, 0, 0, 1]);
  t.deepEqual(integers(seen.labels), [0, 2, 0, 0, 0, 2]);
  t.deepEqual(seen.hashes, ['ha', 'hc']);
  t.deepEqual(
    seen.items.map(({ name }) => name),
    ['a', 'c'],
  );
});

test('without copies and views every row is a picture of its own', t => {
  const still = featuresOf(split, [0, 1, 2]);
  const seen = featuresSeen(still, [0, 1, 1]);
  t.is(seen.groups, undefined);
  t.deepEqual([...seen.features], [10, 0, 20, 0]);
  t.deepEqual([...featuresOf(split, [2]).features], [20, 0]);
});

test('rows behind a cut are asked for by the picture, one that is drawn twice once', async t => {
  const asked: (readonly [readonly number[], number])[] = [];
  const whole: SplitRows = {
    count: 3,
    shape: [2],
    labels: tensor('int64', [3], [0, 1, 2]),
    items,
    hashes: split.hashes,
    read(pictures, epoch) {
      asked.push([pictures, epoch]);
      const data = Float32Array.from(pictures.flatMap(picture => [picture, epoch]));
      return Promise.resolve(tensor('float32', [pictures.length, 2], data));
    },
  };
  const seen = rowsSeen(whole, [0, 3, 1]);
  t.is(seen.count, 4);
  t.deepEqual([...seen.groups!], [0, 1, 0, 0]);
  t.deepEqual(integers(seen.labels), [1, 2, 1, 1]);
  const read = await seen.read([3, 1, 0], 7);
  t.deepEqual([...floats(read)], [1, 7, 2, 7, 1, 7]);
  t.deepEqual(asked, [[[1, 2], 7]]);
  t.deepEqual(read.shape, [3, 2]);
});
