import test from 'ava';
import sharp, { type Sharp } from 'sharp';
import { GraftError, Random } from '../../src/base/index.js';
import { checkPreprocessing } from '../../src/pictures/index.js';
import { preparePicture } from '../../src/pictures/node.js';

const preprocessing = checkPreprocessing({
  width: 16,
  height: 16,
  resize: 'shorter-side',
  cropFraction: 0.875,
  filter: 'bicubic',
  background: [0, 0, 0],
});

/** One change: a bit, an interesting byte, a cut, a copy, a removal. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.integer(bytes.length);
  const length = 1 + random.integer(16);
  switch (random.integer(5)) {
    case 0:
      return bytes.map((value, i) => (i === at ? value ^ (1 << random.integer(8)) : value));
    case 1:
      return bytes.map((value, i) => (i === at ? [0, 1, 0x7f, 0x80, 0xff][random.integer(5)]! : value));
    case 2:
      return bytes.slice(0, at);
    case 3:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at, at + length), ...bytes.subarray(at)]);
    default:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
  }
}

test('changed pictures are decoded or refused by code, 3,000 of them', async t => {
  const random = new Random('changed pictures');
  const data = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => 128 + 100 * Math.sin(i / 50) + random.integer(20));
  const raw = (): Sharp => sharp(data, { raw: { width: 40, height: 30, channels: 3 } });
  const good = [
    await raw().jpeg().toBuffer(),
    await raw().jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
    await raw().toColourspace('cmyk').jpeg().toBuffer(),
    await raw().png().toBuffer(),
    await raw().png({ palette: true, progressive: true }).toBuffer(),
    await raw().ensureAlpha(0.5).webp().toBuffer(),
    await raw().webp({ lossless: true }).toBuffer(),
    await raw().gif().toBuffer(),
  ].map((buffer): Uint8Array => Uint8Array.from(buffer));
  let slowest = 0;
  for (let round = 0; round < 3000; round++) {
    let bytes = good[round % good.length]!;
    for (let left = 1 + random.integer(3); left > 0 && bytes.length > 0; left--) bytes = mutated(bytes, random);
    const start = performance.now();
    try {
      const pixels = await preparePicture(bytes, preprocessing);
      if (pixels.length !== 16 * 16 * 3) t.fail(`case ${round}: ${pixels.length} bytes`);
    } catch (error) {
      if (!(error instanceof GraftError) || !error.code.startsWith('IMAGE_')) t.fail(`case ${round}: ${String(error)}`);
    }
    slowest = Math.max(slowest, performance.now() - start);
  }
  t.true(slowest < 5000, `slowest ${slowest} ms`);
});
