// Test-time views: what is shown, and that the frame with a margin shows the very pixels of the frame without.

import test from 'ava';
import { place, testViews, type Preprocessing } from '../../src/pictures/index.js';
import { mapped } from '../../src/pictures/projective.js';

const recipe: Preprocessing = {
  width: 224,
  height: 224,
  resize: 'shorter-side',
  cropFraction: 0.875,
  filter: 'bilinear',
  background: [255, 255, 255],
};

test('the picture as it is comes first, and no view comes twice', t => {
  const { views, preprocessing } = testViews(['hflip', 'ten_crop', 'identity'], recipe);
  t.is(views[0]!.name, 'identity');
  t.is(views.length, 10);
  t.is(new Set(views.map(({ name }) => name)).size, 10);
  t.deepEqual([preprocessing.width, preprocessing.height, preprocessing.cropFraction], [256, 256, 1]);
});

test('a mirror image takes its left from the right', t => {
  const { views, preprocessing } = testViews(['hflip', 'vflip'], recipe);
  t.is(preprocessing, recipe);
  t.deepEqual(mapped(views[1]!.map, 0.5, 10.5), [223.5, 10.5]);
  t.deepEqual(mapped(views[2]!.map, 0.5, 10.5), [0.5, 213.5]);
});

test('five crops are the corners of what the recipe resizes to, in whole pixels', t => {
  const { views } = testViews(['five_crop'], recipe);
  t.deepEqual(
    views.map(({ map }) => mapped(map, 0, 0)),
    [
      [0, 0],
      [-16, -16],
      [16, -16],
      [-16, 16],
      [16, 16],
    ],
  );
});

test('the wider frame has the narrow one in its middle, whatever the picture and the recipe', t => {
  for (const cropFraction of [0.875, 0.9, 0.95, 0.8, 0.77])
    for (const side of [96, 128, 224, 299])
      for (const [w, h] of [
        [300, 200],
        [333, 500],
        [227, 228],
        [1001, 640],
      ] as const) {
        // prettier-ignore
        const narrow: Preprocessing = { ...recipe, width: side, height: side, cropFraction };
        const { preprocessing: wide } = testViews(['five_crop'], narrow);
        const margin = (wide.width - side) / 2;
        t.is(margin % 2, 0);
        const before = place(w, h, narrow);
        const now = place(w, h, wide);
        const said = `${cropFraction} ${side} ${w}x${h}`;
        t.deepEqual([now.width, now.height], [before.width, before.height], said);
        t.deepEqual([now.left + margin, now.top + margin], [before.left, before.top], said);
      }
});

test('without a margin the corners are enlarged parts of the frame', t => {
  const { views, preprocessing } = testViews(['five_crop'], { ...recipe, cropFraction: 1, resize: 'stretch' });
  t.is(preprocessing.width, 224);
  const [x, y] = mapped(views[1]!.map, 0, 0);
  t.true(Math.abs(x) < 1e-9 && Math.abs(y) < 1e-9);
  const [right, bottom] = mapped(views[1]!.map, 224, 224);
  t.true(Math.abs(right - 196) < 1e-9 && Math.abs(bottom - 196) < 1e-9);
});

test('scales zoom about the centre, turns go both ways', t => {
  const { views } = testViews(['scale=2', 'rotate=90'], recipe);
  t.deepEqual(mapped(views[1]!.map, 0, 112), [56, 112]);
  // turned clockwise, the top of the view shows the left of the picture
  t.deepEqual(mapped(views[2]!.map, 112, 0), [0, 112]);
  t.deepEqual(mapped(views[3]!.map, 112, 0), [224, 112]);
});

test('draws of training augmentations are the same for the same seed', t => {
  const words = ['augment:flip,rotate=10,shift=0.1*4'];
  const maps = (seed: number) => testViews(words, recipe, seed).views.map(({ map }) => map);
  t.is(maps(1).length, 5);
  t.deepEqual(maps(1), maps(1));
  t.notDeepEqual(maps(1), maps(2));
});

test('a word that is no view is refused by name', t => {
  for (const word of ['flip', 'rotate', 'rotate=x', 'scale=0', 'augment:jitter=0.2', 'augment:flip*0', 'augment:lens=0.2'])
    t.throws(() => testViews([word], recipe), { code: 'AUGMENT_VIEW' }, word); // prettier-ignore
});
