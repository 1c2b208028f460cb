import test from 'ava';
import sharp from 'sharp';
import { checkPreprocessing, headerSize, prepare, sniff, type Pixels } from '../../src/pictures/index.js';
import { decode, preparePicture } from '../../src/pictures/node.js';

const preprocessing = checkPreprocessing({
  width: 32,
  height: 32,
  resize: 'shorter-side',
  cropFraction: 0.875,
  filter: 'bilinear',
  background: [255, 0, 0],
});

/** A smooth picture with an arrow's asymmetry: red grows to the right, green downwards, a blue corner. */
function painted(width: number, height: number): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data.set(
        [(x * 255) / width, (y * 255) / height, 128 + 100 * Math.sin(x / 9) * Math.cos(y / 7)],
        (y * width + x) * 3,
      );
  return { width, height, data };
}

const raw = ({ width, height, data }: Pixels, channels: 1 | 2 | 3 | 4 = 3) =>
  sharp(data, { raw: { width, height, channels } });

const meanDifference = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;

test('the same picture has the same pixels in the lossless formats', async t => {
  // GIF has 256 colours: few enough here
  const picture = painted(80, 60);
  const flat = { ...picture, data: picture.data.map(value => value & 0xc0) };
  const png = await raw(flat).png().toBuffer();
  const webp = await raw(flat).webp({ lossless: true }).toBuffer();
  const gif = await raw(flat).gif({ dither: 0 }).toBuffer();
  for (const bytes of [png, webp, gif]) t.deepEqual((await decode(bytes, { preprocessing })).data, flat.data);
  const prepared = await preparePicture(png, preprocessing);
  t.is(prepared.length, 32 * 32 * 3);
  t.deepEqual(prepared, prepare(flat, preprocessing));
  t.deepEqual(await preparePicture(webp, preprocessing), prepared);
  t.deepEqual(await preparePicture(gif, preprocessing), prepared);
  const jpeg = await raw(picture).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
  t.true(meanDifference((await decode(jpeg, { preprocessing })).data, picture.data) < 2);
});

test('kind and size are read from the header of each format', async t => {
  const picture = painted(70, 50);
  const files = new Map([
    ['jpeg', await raw(picture).jpeg().toBuffer()],
    ['png', await raw(picture).png().toBuffer()],
    ['gif', await raw(picture).gif().toBuffer()],
    ['webp', await raw(picture).webp().toBuffer()],
  ] as const);
  const extended = await raw(picture)
    .ensureAlpha(0.5)
    .webp()
    .withExif({ IFD0: { Artist: 'a' } })
    .toBuffer();
  const lossless = await raw(picture).webp({ lossless: true }).toBuffer();
  const progressive = await raw(picture)
    .jpeg({ progressive: true })
    .withExif({ IFD0: { Artist: 'a' } })
    .toBuffer();
  for (const [format, bytes] of [...files, ['webp', extended], ['webp', lossless], ['jpeg', progressive]] as const) {
    t.is(sniff(bytes).format, format);
    t.deepEqual(headerSize(bytes, format), { width: 70, height: 50 }, format);
    for (let length = 0; length < 60; length++) t.notThrows(() => headerSize(bytes.subarray(0, length), format));
  }
});

test('transparent pixels show the background of the recipe', async t => {
  const data = Uint8Array.from({ length: 8 * 8 * 4 }, (_, i) => [10, 20, 30, 0][i % 4]!);
  const bytes = await raw({ width: 8, height: 8, data }, 4).png().toBuffer();
  t.deepEqual([...(await decode(bytes, { preprocessing })).data.slice(0, 3)], [255, 0, 0]);
});

test('grey and 16 bits become three channels of 8 bits', async t => {
  const grey = await raw({ width: 9, height: 7, data: new Uint8Array(63).fill(77) }, 1)
    .png()
    .toBuffer();
  const pixels = await decode(grey, { preprocessing });
  t.is(pixels.data.length, 9 * 7 * 3);
  t.true(pixels.data.every(value => value === 77));
  const deep = await raw(painted(9, 7)).toColourspace('rgb16').png().toBuffer();
  t.is(
    (
      await sharp(deep)
        .metadata()
        .catch(() => ({ depth: 'ushort' }))
    ).depth,
    'ushort',
  );
  t.true(meanDifference((await decode(deep, { preprocessing })).data, painted(9, 7).data) <= 1);
});

test('CMYK becomes RGB', async t => {
  const cmyk = await raw(painted(40, 30)).toColourspace('cmyk').jpeg().toBuffer();
  const pixels = await decode(cmyk, { preprocessing });
  t.is(pixels.data.length, 40 * 30 * 3);
  t.true(meanDifference(pixels.data, painted(40, 30).data) < 40);
});

test('a picture stands upright whatever its EXIF orientation', async t => {
  const upright = await decode(await raw(painted(64, 48)).png().toBuffer(), { preprocessing });
  // orientation 6: turn the stored picture by 90 degrees to the right; so it was turned to the left before
  const stored = await raw(painted(64, 48)).rotate(270).png().withMetadata({ orientation: 6 }).toBuffer();
  const turned = await decode(stored, { preprocessing });
  t.deepEqual([turned.width, turned.height], [64, 48]);
  t.deepEqual(turned.data, upright.data);
});

/** The stored pixels of an upright picture for an EXIF orientation. */
function storedFor({ width, height, data }: Pixels, orientation: number): Pixels {
  const swapped = orientation >= 5;
  const stored = {
    width: swapped ? height : width,
    height: swapped ? width : height,
    data: new Uint8Array(data.length),
  };
  for (let y = 0; y < stored.height; y++)
    for (let x = 0; x < stored.width; x++) {
      // EXIF: where the stored row 0 and column 0 lie in the upright picture
      const [u, v] = (
        [
          [x, y],
          [width - 1 - x, y],
          [width - 1 - x, height - 1 - y],
          [x, height - 1 - y],
          [y, x],
          [width - 1 - y, x],
          [width - 1 - y, height - 1 - x],
          [y, height - 1 - x],
        ] as const
      )[orientation - 1]!;
      stored.data.set(data.subarray((v * width + u) * 3, (v * width + u) * 3 + 3), (y * stored.width + x) * 3);
    }
  return stored;
}

test('a large JPEG is decoded at a fraction and gives nearly the same input, in every orientation', async t => {
  const picture = painted(773, 581);
  const whole = prepare(picture, preprocessing);
  for (let orientation = 1; orientation <= 8; orientation++) {
    const bytes = await raw(storedFor(picture, orientation))
      .jpeg({ quality: 98, chromaSubsampling: '4:4:4' })
      .withMetadata({ orientation })
      .toBuffer();
    const pixels = await decode(bytes, { preprocessing });
    t.deepEqual([pixels.reduced?.width, pixels.reduced?.height], [773, 581]);
    t.true(pixels.width < 400 && pixels.height >= 2 * 36, `${pixels.width} x ${pixels.height}`);
    const difference = meanDifference(prepare(pixels, preprocessing), whole);
    t.true(difference < 1, `orientation ${orientation}: ${difference}`);
  }
});

test('a JPEG below six times the wanted size, and any other format, is decoded whole', async t => {
  const small = await raw(painted(220, 190)).jpeg().toBuffer();
  t.is((await decode(small, { preprocessing })).reduced, undefined);
  const png = await raw(painted(773, 581)).png().toBuffer();
  t.is((await decode(png, { preprocessing })).width, 773);
});

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

for (const [what, bytes, words] of [
  ['nothing', new Uint8Array(0), 'empty'],
  ['text', text('hello'), 'text'],
  ['HTML', text('<!doctype html><html></html>'), 'HTML'],
  ['SVG', text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'SVG'],
  ['BMP', text('BM..............'), 'BMP'],
  ['PDF', text('%PDF-1.7'), 'PDF'],
  ['TIFF', Uint8Array.of(0x49, 0x49, 0x2a, 0), 'TIFF'],
  ['BigTIFF', Uint8Array.of(0x49, 0x49, 0x2b, 0), 'BigTIFF'],
  ['HEIC', text('\0\0\0\x18ftypheic'), 'HEIC'],
  ['AVIF', text('\0\0\0\x18ftypavif'), 'AVIF'],
  ['MP4', text('\0\0\0\x18ftypisom'), 'video'],
  ['zip', text('PK\x03\x04'), 'zip'],
  ['a Git LFS pointer', text('version https://git-lfs.github.com/spec/v1'), 'Git LFS'],
  ['noise', Uint8Array.of(1, 2, 3, 4), 'no picture'],
] as const)
  test(`${what} is refused by its content`, async t => {
    const error = await t.throwsAsync(decode(bytes, { preprocessing }), { code: 'IMAGE_UNSUPPORTED' });
    t.true(error.message.includes(words), error.message);
  });

test('AVIF and TIFF are decoded where they are allowed, and only there', async t => {
  const picture = painted(48, 32);
  const tiff = await raw(picture).tiff({ compression: 'lzw' }).toBuffer();
  const avif = await raw(picture).avif({ quality: 90 }).toBuffer();
  await t.throwsAsync(decode(tiff, { preprocessing }), { code: 'IMAGE_UNSUPPORTED' });
  await t.throwsAsync(decode(tiff, { preprocessing, allowFormats: ['avif'] }), { code: 'IMAGE_UNSUPPORTED' });
  t.deepEqual((await decode(tiff, { preprocessing, allowFormats: ['tiff'] })).data, picture.data);
  const pixels = await decode(avif, { preprocessing, allowFormats: ['avif', 'tiff'] });
  t.true(meanDifference(pixels.data, picture.data) < 6);
  await t.throwsAsync(decode(tiff, { preprocessing }), { code: 'IMAGE_UNSUPPORTED' });
});

test('a picture of too many pixels is refused from its header', async t => {
  const png = await raw(painted(8, 8)).png().toBuffer();
  const claim = (width: number, height: number): Uint8Array => {
    const bytes = Uint8Array.from(png);
    const view = new DataView(bytes.buffer);
    view.setUint32(16, width);
    view.setUint32(20, height);
    return bytes;
  };
  for (const [width, height] of [
    [20000, 1],
    [1, 16385],
    [10000, 5001],
    [0x7fffffff, 0x7fffffff],
  ] as const)
    await t.throwsAsync(decode(claim(width, height), { preprocessing }), { code: 'IMAGE_TOO_LARGE' });
  // within the limits, but the data are of 8 x 8
  await t.throwsAsync(decode(claim(9, 9), { preprocessing }), { code: 'IMAGE_CORRUPT' });
});

test('a file cut short is refused in every format', async t => {
  const picture = painted(200, 150);
  const files = [
    await raw(picture).jpeg().toBuffer(),
    await raw(picture).jpeg({ progressive: true }).toBuffer(),
    await raw(picture).png().toBuffer(),
    await raw(picture).webp().toBuffer(),
    await raw(picture).gif().toBuffer(),
  ];
  for (const bytes of files)
    await t.throwsAsync(decode(bytes.subarray(0, bytes.length * 0.6), { preprocessing }), { code: 'IMAGE_CORRUPT' });
});
