// Heat over pictures: spread to its places, coloured, written under.

import test from 'ava';
import { fitText, letterWidth, writeText } from '../../src/pictures/dot-matrix.js';
import { heated, heatSheet, place, positiveShare, shownRecipe, spreadHeat, type Preprocessing } from '../../src/pictures/index.js'; // prettier-ignore
import { turbo } from '../../src/pictures/turbo.js';

const line = { start: 7.5, step: 16 };
const near = (a: number, b: number, by = 1e-4) => Math.abs(a - b) < by;

test('a cubic between cells keeps straight lines straight, and goes on beyond the last cells', t => {
  // cells of 0 … 3 at pixels 7.5, 23.5, 39.5, 55.5 of 64
  const map = { values: [0, 1, 2, 3, 0, 1, 2, 3], height: 2, width: 4, rows: { start: 15.5, step: 32 }, columns: line };
  const spread = spreadHeat(map, { width: 64, height: 64 }, { width: 64, height: 64 });
  for (let x = 24; x < 40; x++) t.true(near(spread[30 * 64 + x]!, (x - 7.5) / 16));
  t.true(near(spread[0]!, 0, 0.1) && near(spread[63]!, 3, 0.1));
});

test('places are those of the prepared picture at any size it is shown in', t => {
  const values = [0, 0, 0, 0, 1, 0];
  const map = { values, height: 2, width: 3, rows: line, columns: line };
  for (const scale of [1, 2, 5]) {
    const [width, height] = [48 * scale, 32 * scale];
    const spread = spreadHeat(map, { width: 48, height: 32 }, { width, height });
    const hottest = spread.indexOf(Math.max(...spread));
    // cell (1, 1) is centred on 23.5, 23.5: the edge between two pixels
    t.true(Math.abs((hottest % width) + 0.5 - 24 * scale) <= 0.5 * scale);
    t.true(Math.abs(Math.floor(hottest / width) + 0.5 - 24 * scale) <= 0.5 * scale);
  }
  const mirrored = { ...map, values: [1, 0, 0, 0, 0, 0], columns: { start: 39.5, step: -16 } };
  const spread = spreadHeat(mirrored, { width: 48, height: 32 }, { width: 48, height: 32 });
  t.is(Math.round((spread.indexOf(Math.max(...spread)) % 48) / 10), 4);
});

test('only heat above 0 counts, as a share of the most', t => {
  t.deepEqual([...positiveShare([-3, 0, 1, 4])], [0, 0, 0.25, 1]);
  t.deepEqual([...positiveShare([-3, -1])], [0, 0]);
});

test('where it is cold the picture shows as it is', t => {
  const pixels = { width: 2, height: 1, data: Uint8Array.of(10, 20, 30, 40, 50, 60) };
  const { data } = heated(pixels, [0, 1]);
  t.deepEqual([...data.slice(0, 3)], [10, 20, 30]);
  const [red, green, blue] = turbo(1);
  t.deepEqual([...data.slice(3)], [0.3 * 40 + 0.7 * red, 0.3 * 50 + 0.7 * green, 0.3 * 60 + 0.7 * blue].map(Math.round)); // prettier-ignore
});

test('Turbo: close to the ends and the middle of the published table of 256 colours', t => {
  // turbo_colormap_data[0], [255] of Mikhailov's table
  const table = [
    [0, [0.18995, 0.07176, 0.23217]],
    [1, [0.4796, 0.01583, 0.01055]],
  ] as const;
  for (const [x, wanted] of table)
    turbo(x).forEach((level, c) => t.true(Math.abs(level / 255 - wanted[c]!) < 0.13, `${x} ${c} ${level / 255}`));
  const [red, green, blue] = turbo(0.5);
  t.true(green > 240 && red > 100 && blue < 100);
});

const recipe: Preprocessing = { width: 224, height: 224, resize: 'shorter-side', cropFraction: 0.875, filter: 'bilinear', background: [0, 0, 0] }; // prettier-ignore

test('what is shown is the part that the network sees, in its own proportions', t => {
  const cases = [
    [{ width: 500, height: 375 }, recipe],
    [
      { width: 375, height: 500 },
      { ...recipe, width: 320, height: 160 },
    ],
    [
      { width: 4000, height: 1000 },
      { ...recipe, resize: 'stretch' },
    ],
    [{ width: 32, height: 32 }, recipe],
  ] as const;
  for (const [size, own] of cases) {
    const shown = shownRecipe(size, own);
    const longer = Math.max(shown.width, shown.height);
    t.true(longer >= 256 && longer <= 512);
    const part = (one: Preprocessing) => {
      const placed = place(size.width, size.height, one);
      const [across, down] = [size.width / placed.width, size.height / placed.height];
      return [placed.left * across, placed.top * down, one.width * across, one.height * down];
    };
    const [a, b] = [part(own), part(shown)];
    // to a pixel of either
    a.forEach((edge, i) => t.true(Math.abs(edge - b[i]!) <= 1.5 * Math.max(size.width / 256, size.height / 256, 1)));
    const [, , width, height] = a as [number, number, number, number];
    t.true(near(shown.width / shown.height, width / height, 0.02));
  }
});

test('letters are told apart, and text that is too long is cut', t => {
  const drawn = (letter: string) => {
    const pixels = { width: 12, height: 16, data: new Uint8Array(12 * 16 * 3) };
    writeText(pixels, letter, { x: 0, y: 0 }, [255, 255, 255]);
    return pixels.data.join();
  };
  const letters = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  t.is(new Set(letters.map(drawn)).size, 95);
  t.is(drawn('é'), drawn('e'));
  t.is(drawn('猫'), drawn('?'));
  t.is(fitText('short', 5 * letterWidth), 'short');
  t.is(fitText('rather long', 8 * letterWidth), 'rather..');
});

test('a sheet holds its panels where they were put', t => {
  const panel = (level: number, width: number, height: number) => ({
    pixels: { width, height, data: new Uint8Array(width * height * 3).fill(level) },
    lines: ['a', 'b'],
  });
  const sheet = heatSheet([[panel(50, 100, 40), panel(60, 80, 40)], [panel(70, 100, 30)]]);
  const level = (x: number, y: number) => sheet.data[(y * sheet.width + x) * 3];
  t.is(level(17, 17), 50);
  t.is(level(16 + 100 + 16 + 1, 17), 60);
  t.is(level(2, 2), 255);
  t.is(level(17, 17 + 40 + 8 + 2 * 20 + 16), 70);
  t.is(sheet.data.length, sheet.width * sheet.height * 3);
});
