import test from 'ava';
import { checkPixels, checkPreprocessing, place } from '../../src/pictures/index.js';

const recipe = {
  width: 224,
  height: 224,
  resize: 'shorter-side',
  cropFraction: 0.875,
  filter: 'bilinear',
  background: [255, 255, 255],
};

test('a recipe keeps its own keys and drops others', t => {
  t.deepEqual(checkPreprocessing({ ...recipe, extra: 1 }), checkPreprocessing(recipe));
});

for (const [key, value] of [
  ['width', 0],
  ['width', 1.5],
  ['height', 5000],
  ['height', '224'],
  ['resize', 'longer-side'],
  ['cropFraction', 0],
  ['cropFraction', 1.01],
  ['cropFraction', NaN],
  ['filter', 'hamming'],
  ['background', [1, 2]],
  ['background', [1, 2, 256]],
] as const)
  test(`${key} ${JSON.stringify(value)} is refused by name`, t => {
    const error = t.throws(() => checkPreprocessing({ ...recipe, [key]: value }), { code: 'PREPROCESSING_INVALID' });
    t.true(error.message.includes(key));
  });

test('no object is refused', t => {
  for (const value of [null, [], 'x', undefined])
    t.throws(() => checkPreprocessing(value), { code: 'PREPROCESSING_INVALID' });
});

// torchvision: Resize(256), CenterCrop(224); the long side is int(256 * long / short), corners round half to even
test('pictures are placed as torchvision places them', t => {
  const square = checkPreprocessing(recipe);
  t.deepEqual(place(500, 375, square), { width: 341, height: 256, left: 58, top: 16 });
  t.deepEqual(place(375, 500, square), { width: 256, height: 341, left: 16, top: 58 });
  t.deepEqual(place(384, 286, square), { width: 343, height: 256, left: 60, top: 16 });
  t.deepEqual(place(6000, 12, square), { width: 128000, height: 256, left: 63888, top: 16 });
  const to232 = checkPreprocessing({ ...recipe, cropFraction: 224 / 232 });
  t.is(place(232, 232, to232).width, 232);
  t.deepEqual(place(500, 375, checkPreprocessing({ ...recipe, resize: 'stretch', cropFraction: 1 })), {
    width: 224,
    height: 224,
    left: 0,
    top: 0,
  });
});

test('of a wide target the side that needs the larger scale decides', t => {
  const wide = checkPreprocessing({ ...recipe, width: 320, height: 240, cropFraction: 1 });
  t.deepEqual(place(100, 100, wide), { width: 320, height: 320, left: 0, top: 40 });
  t.deepEqual(place(300, 100, wide), { width: 720, height: 240, left: 200, top: 0 });
});

const pixels = { channels: 'RGB', layout: 'NCHW', scale: 1 / 255, mean: [0.5], std: [0.25] };

test('one mean is meant for every channel', t => {
  t.deepEqual(checkPixels(pixels).mean, [0.5, 0.5, 0.5]);
  t.deepEqual(checkPixels({ ...pixels, channels: 'grey' }).std, [0.25]);
});

for (const [key, value] of [
  ['channels', 'rgb'],
  ['layout', 'HWC'],
  ['scale', 0],
  ['scale', Infinity],
  ['mean', [1, 2]],
  ['mean', ['1']],
  ['std', [0]],
  ['std', undefined],
] as const)
  test(`pixels: ${key} ${String(value)} is refused by name`, t => {
    const error = t.throws(() => checkPixels({ ...pixels, [key]: value }), { code: 'PREPROCESSING_INVALID' });
    t.true(error.message.includes(key));
  });

test('pixels that are no object are refused', t => {
  t.throws(() => checkPixels(null), { code: 'PREPROCESSING_INVALID' });
});
