// The common picture of several members: members of one recipe see the pixels they would see alone.

import test from 'ava';
import type { Preprocessing } from '../../src/pictures/index.js';
import { commonFrame } from '../../src/workflows/common-frame.js';

const recipe = (width: number, cropFraction: number): Preprocessing => ({
  width,
  height: width,
  resize: 'shorter-side',
  cropFraction,
  filter: 'bilinear',
  background: [255, 255, 255],
});

test('members of one recipe keep it', t => {
  const own = recipe(224, 0.875);
  const { preprocessing, crops, views } = commonFrame([
    { name: 'a', preprocessing: own },
    { name: 'b', preprocessing: recipe(224, 0.875), views: ['hflip'] },
  ]);
  t.deepEqual(preprocessing, own);
  t.deepEqual(crops, [1, 1]);
  t.deepEqual(
    views.map(list => list.length),
    [1, 2],
  );
});

test('crops of one member widen the picture of all, and each looks at its own part', t => {
  const { preprocessing, crops } = commonFrame([
    { name: 'a', preprocessing: recipe(224, 0.875) },
    { name: 'b', preprocessing: recipe(224, 0.875), views: ['five_crop'] },
  ]);
  t.is(preprocessing.width, 256);
  t.deepEqual(crops, [0.875, 0.875]);
});

test('the densest member is seen as it is, another by its part of the same picture', t => {
  const { preprocessing, crops } = commonFrame([
    { name: 'small', preprocessing: recipe(128, 0.875) },
    { name: 'large', preprocessing: recipe(224, 0.875) },
  ]);
  t.is(preprocessing.width, 224);
  t.deepEqual(crops, [1, 1]);
  const mixed = commonFrame([
    { name: 'wide', preprocessing: recipe(224, 1) },
    { name: 'narrow', preprocessing: recipe(224, 0.875) },
  ]);
  // 256 pixels of the whole picture: the narrow one sees 224 of them, the wide one all
  t.is(mixed.preprocessing.width, 256);
  t.deepEqual(mixed.crops, [1, 0.875]);
});

test('members that take pictures in different ways are refused with what differs', t => {
  t.throws(
    () =>
      commonFrame([
        { name: 'a', preprocessing: recipe(224, 0.875) },
        { name: 'b', preprocessing: { ...recipe(224, 0.875), resize: 'stretch' } },
      ]),
    { code: 'GRAFT_MEMBERS_DIFFER', message: /resize of a is shorter-side, of b stretch/ },
  );
});
