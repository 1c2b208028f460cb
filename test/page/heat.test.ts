// Heat lies where its cells are, what the network does not see is dim, and the part that it sees is what the recipe crops.

import test from 'ava';
import { cropOf } from '../../src/page/crop.js';
import { heatAt, heatColour, heatLayer, heatWords } from '../../src/page/heat.js';
import type { HeatAnswer } from '../../src/page/protocol.js';
import { place, type Preprocessing } from '../../src/pictures/preprocessing.js';

/** Two rows of three cells over 30 × 20 pixels. */
const heat: HeatAnswer = {
  label: 'a',
  score: 1,
  height: 2,
  width: 3,
  values: [0, 0.5, 1, -1, 0, 0.25],
  rows: { start: 4.5, step: 10 },
  columns: { start: 4.5, step: 10 },
  picture: { width: 30, height: 20 },
};

test('cells are met at their centres, the middle between two is their mean, outside it is as at the edge', t => {
  t.is(heatAt(heat, 4.5, 4.5), 0);
  t.is(heatAt(heat, 24.5, 4.5), 1);
  t.is(heatAt(heat, 4.5, 14.5), -1);
  t.is(heatAt(heat, 9.5, 4.5), 0.25);
  t.is(heatAt(heat, 24.5, 9.5), 0.625);
  t.is(heatAt(heat, 30, 0), 1);
  t.is(heatAt(heat, -3, 40), -1);
  const single = { ...heat, width: 1, height: 1, values: [0.75], rows: { start: 9.5, step: 0 } };
  t.is(heatAt(single, 25, 3), 0.75);
});

test('colours: nothing is clear, for is orange, against is blue', t => {
  t.is(heatColour(0)[3], 0);
  const [red, , blue, alpha] = heatColour(1);
  t.true(red > 200 && blue < 50 && alpha === 255);
  const [cold, , bluish] = heatColour(-1);
  t.true(cold < 50 && bluish > 150);
  t.deepEqual(heatColour(5), heatColour(1));
});

test('the layer: heat inside of the crop, the rest dimmed alike', t => {
  const layer = heatLayer(
    heat,
    { width: 30, height: 20 },
    { width: 60, height: 20 },
    { x: 0.25, y: 0, width: 0.5, height: 1 },
    0.5,
  );
  const at = (x: number, y: number) => [...layer.subarray((y * 60 + x) * 4, (y * 60 + x + 1) * 4)];
  t.deepEqual(at(0, 0), at(59, 19));
  t.true(at(0, 0)[3]! > 100);
  // pixel 15 + 24 is pixel 24 of the prepared picture
  t.deepEqual(at(39, 4).slice(0, 3), [...heatColour(heatAt(heat, 24, 4))].slice(0, 3));
  t.is(at(39, 4)[3], Math.round(heatColour(heatAt(heat, 24, 4))[3] * 0.5));
});

test('in words', t => {
  t.is(heatWords(heat), 'strongest in the top right of what the network sees');
  t.is(heatWords({ ...heat, width: 1, height: 1, values: [1] }), 'strongest in the middle of what the network sees');
  t.is(heatWords({ ...heat, values: [0, 0, -1, 0, 0, 0] }), 'nothing in the picture speaks for it');
});

test('the crop is the one that pictures are prepared by', t => {
  for (const [width, height] of [
    [300, 200],
    [200, 301],
    [224, 224],
    [5000, 37],
    [1, 1],
  ] as const)
    // prettier-ignore
    for (const resize of ['shorter-side', 'stretch'] as const)
      for (const cropFraction of [1, 0.875, 224 / 232])
        for (const [wide, high] of [[224, 224], [96, 64], [7, 12]] as const) {
          // prettier-ignore
          const recipe: Preprocessing = { width: wide, height: high, resize, cropFraction, filter: 'bilinear', background: [0, 0, 0] };
          const { width: resizedWidth, height: resizedHeight, left, top } = place(width, height, recipe);
          const box = cropOf(width, height, recipe)!;
          const near = (a: number, b: number) => t.true(Math.abs(a - b) < 1e-9 * Math.max(1, b), `${a} ${b}`);
          near((box.x * resizedWidth) / width, left);
          near((box.y * resizedHeight) / height, top);
          near((box.width * resizedWidth) / width, wide);
          near((box.height * resizedHeight) / height, high);
        }
  t.is(cropOf(10, 10, { width: 8, height: 8 }), undefined);
});
