// What lies in fixtures/ is what its makers make, byte for byte, and the pictures are ones that others can read.

import test from 'ava';
import sharp from 'sharp';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/base/index.js';
import { sha256 } from '../../src/base/node.js';
import { encodeJpeg } from '../../tools/fixtures/jpeg.js';
import { makeFixtures } from '../../tools/make-fixtures.js';

interface Row {
  readonly file: string;
  readonly sha256: string;
}

const folder = 'fixtures';
const made = makeFixtures();

test('making the fixtures again gives the same bytes', t => {
  for (const [name, bytes] of made) t.is(sha256(readFileSync(join(folder, name))), sha256(bytes), name);
});

test('no fixture is without a maker', t => {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1));
  t.deepEqual(found.sort(), [...made.keys()].sort());
});

test('the manifest names every other file with its hash', t => {
  const rows = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as readonly Row[];
  t.deepEqual(rows.map(row => row.file).sort(), [...made.keys()].filter(name => name !== 'manifest.json').sort());
  for (const row of rows) t.is(row.sha256, sha256(readFileSync(join(folder, row.file))), row.file);
});

// The reference is libjpeg-turbo, through sharp.
for (const [width, height] of [
  [16, 16],
  [13, 21],
  [1, 1],
] as const)
  test(`libjpeg reads back what was encoded: ${width} x ${height}`, async t => {
    const random = new Random('jpeg');
    const base = [random.integer(256), random.integer(256), random.integer(256)];
    const pixels = Uint8Array.from({ length: 3 * width * height }, (_, i) =>
      Math.max(0, Math.min(255, base[i % 3]! + 30 * Math.sin(i / 40) + 4 * random.normal())),
    );
    const jpeg = encodeJpeg({ width, height, pixels }, 100);
    const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
    t.deepEqual([info.width, info.height, info.channels], [width, height, 3]);
    // at quality 100 only roundings are left: of the levels, of the colours and of the decoder
    t.true(data.every((value, i) => Math.abs(value - pixels[i]!) <= 4));
  });
