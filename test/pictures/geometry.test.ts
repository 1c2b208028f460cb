import test from 'ava';
import { sha256 } from '../../src/base/node.js';
import { Random } from '../../src/base/index.js';
import { checkPreprocessing, prepare, resize, type Pixels } from '../../src/pictures/index.js';
import { pillow } from './pillow-golden.js';

function noise(width: number, height: number): Pixels {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
  return { width, height, data };
}

test('every filter gives what Pillow gives, to the bit', t => {
  const rows = pillow.trim().split('\n');
  t.is(rows.length, 120);
  for (const row of rows) {
    const [w, h, filter, how, width, height, crop, hash] = row.split(' ');
    const recipe = checkPreprocessing({
      width: Number(width),
      height: Number(height),
      resize: how,
      cropFraction: Number(crop),
      filter,
      background: [0, 0, 0],
    });
    t.is(sha256(prepare(noise(Number(w), Number(h)), recipe)).slice(0, 16), hash!, row);
  }
});

/** Reference: the triangle filter over a box, in float64, without rounding between the passes. */
function reference(
  { width, height, data }: Pixels,
  box: readonly [x: number, y: number, width: number, height: number],
  out: readonly [width: number, height: number],
): number[] {
  const axis = (from: number, length: number, size: number, count: number): number[][] =>
    Array.from({ length: count }, (_, i) => {
      const scale = length / count;
      const reach = Math.max(scale, 1);
      const center = from + (i + 0.5) * scale;
      const weights = Array.from({ length: size }, (_, x) => Math.max(0, 1 - Math.abs(x + 0.5 - center) / reach));
      const sum = weights.reduce((a, b) => a + b, 0);
      return weights.map(weight => weight / sum);
    });
  const columns = axis(box[0], box[2], width, out[0]);
  const rows = axis(box[1], box[3], height, out[1]);
  return rows.flatMap(row =>
    columns.flatMap(column =>
      [0, 1, 2].map(c => {
        let sum = 0;
        row.forEach((v, y) => {
          if (v > 0) column.forEach((u, x) => (sum += u * v * data[(y * width + x) * 3 + c]!));
        });
        return sum;
      }),
    ),
  );
}

test('a box between pixels agrees with a float64 reference to one level', t => {
  const random = new Random('boxes');
  for (let round = 0; round < 12; round++) {
    const pixels = noise(9 + random.integer(30), 9 + random.integer(30));
    const box = [random.uniform() * 3, random.uniform() * 3] as const;
    const length = [
      pixels.width - box[0] - random.uniform() * 3,
      pixels.height - box[1] - random.uniform() * 3,
    ] as const;
    const out = [3 + random.integer(20), 3 + random.integer(20)] as const;
    const found = resize(
      pixels,
      { x: box[0], y: box[1], width: length[0], height: length[1] },
      { width: out[0], height: out[1] },
      { x: 0, y: 0, width: out[0], height: out[1] },
      'bilinear',
    );
    const wanted = reference(pixels, [...box, ...length], out);
    const worst = Math.max(...wanted.map((value, i) => Math.abs(value - found[i]!)));
    t.true(worst <= 1, `${worst} levels`);
  }
});

test('a crop is that part of the whole resize', t => {
  const pixels = noise(50, 40);
  const box = { x: 0, y: 0, width: 50, height: 40 };
  const size = { width: 23, height: 31 };
  for (const filter of ['bilinear', 'bicubic', 'lanczos', 'box', 'nearest'] as const) {
    const whole = resize(pixels, box, size, { x: 0, y: 0, ...size }, filter);
    const part = resize(pixels, box, size, { x: 5, y: 7, width: 11, height: 13 }, filter);
    for (let y = 0; y < 13; y++)
      t.deepEqual(
        part.slice(y * 33, (y + 1) * 33),
        whole.slice(((y + 7) * 23 + 5) * 3, ((y + 7) * 23 + 16) * 3),
        filter,
      );
  }
});

test('a picture of the right size comes back as it is, in memory of its own', t => {
  const pixels = noise(32, 32);
  const recipe = checkPreprocessing({
    width: 32,
    height: 32,
    resize: 'shorter-side',
    cropFraction: 1,
    filter: 'lanczos',
    background: [0, 0, 0],
  });
  const result = prepare(pixels, recipe);
  t.deepEqual(result, pixels.data);
  t.not(result.buffer, pixels.data.buffer);
});
