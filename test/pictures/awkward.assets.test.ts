import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { GraftError } from '../../src/base/index.js';
import { checkPreprocessing, type Pixels } from '../../src/pictures/index.js';
import { decode, listPictures, pictureStream, preparePicture, type AllowedFormat } from '../../src/pictures/node.js';
import { assets } from '../assets.js';

const preprocessing = checkPreprocessing({
  width: 224,
  height: 224,
  resize: 'shorter-side',
  cropFraction: 0.875,
  filter: 'bilinear',
  background: [255, 255, 255],
});

const tried = async (file: string, allowFormats: readonly AllowedFormat[] = []): Promise<Pixels | GraftError> => {
  try {
    return await decode(readFileSync(file), { preprocessing, allowFormats });
  } catch (error) {
    if (error instanceof GraftError) return error;
    throw error;
  }
};

interface Awkward {
  readonly files: Record<string, { expect: string; pillow: { width?: number; height?: number; meanRgb?: number[] } }>;
}

test('awkward pictures do as their manifest expects', async t => {
  if (!assets) {
    t.log('no assets here');
    t.pass();
    return;
  }
  const folder = join(assets, 'pictures', 'awkward');
  const { files } = JSON.parse(readFileSync(`${folder}.manifest.json`, 'utf8')) as Awkward;
  for (const [name, { expect, pillow }] of Object.entries(files)) {
    const file = join(folder, name);
    const found = await tried(file);
    const isExtra = /\.(avif|tiff?|bmp)$/i.test(name);
    const code = found instanceof GraftError ? found.code : undefined;
    if (isExtra) t.is(code, 'IMAGE_UNSUPPORTED', name);
    else if (expect === 'refuse') t.is(code, 'IMAGE_TOO_LARGE', name);
    else if (expect === 'damaged') t.is(code, 'IMAGE_CORRUPT', name);
    else if (expect === 'error') t.regex(code ?? '', /^IMAGE_(CORRUPT|UNSUPPORTED)$/, name);
    const pixels = isExtra && !name.endsWith('.bmp') ? await tried(file, ['avif', 'tiff']) : found;
    if (expect !== 'decodes' || name.endsWith('.bmp')) continue;
    if (pixels instanceof GraftError) {
      t.fail(`${name}: ${pixels.message}`);
      continue;
    }
    if (pillow.width !== undefined) t.deepEqual([pixels.width, pixels.height], [pillow.width, pillow.height], name);
    // Pillow keeps a profile's numbers and mixes CMYK without one: colours differ there, nowhere else
    if (pillow.meanRgb === undefined || /cmyk|icc_/.test(name)) continue;
    const mean = [0, 1, 2].map(c => {
      let sum = 0;
      for (let i = c; i < pixels.data.length; i += 3) sum += pixels.data[i]!;
      return (sum * 3) / pixels.data.length;
    });
    const worst = Math.max(...mean.map((value, c) => Math.abs(value - pillow.meanRgb![c]!)));
    t.true(worst < 1, `${name}: ${worst} levels from Pillow's mean`);
  }
});

test('a folder of awkward pictures streams to its end', async t => {
  if (!assets) {
    t.log('no assets here');
    t.pass();
    return;
  }
  const files = await listPictures([join(assets, 'pictures', 'awkward')]);
  let seen = 0;
  for await (const picture of pictureStream(files, preprocessing, { workers: 2 })) {
    t.is(picture.index, seen++);
    if ('pixels' in picture) t.is(picture.pixels.length, 224 * 224 * 3);
    else t.regex(picture.error.code, /^IMAGE_/);
  }
  t.is(seen, files.length);
});

interface Corpus {
  readonly files: readonly {
    file: string;
    kind: string;
    expect: string;
    code?: string;
    must?: string;
    note?: string;
  }[];
}

test('the pictures of the corpus do as its index says', async t => {
  if (!assets) {
    t.log('no assets here');
    t.pass();
    return;
  }
  const { files } = JSON.parse(readFileSync(join(assets, 'corpus', 'index.json'), 'utf8')) as Corpus;
  for (const { file, expect, code, must = '', note = '' } of files.filter(({ kind }) => kind === 'image')) {
    const path = join(assets, 'corpus', file);
    const start = performance.now();
    const found = await tried(path);
    t.true(performance.now() - start < 2000, file);
    const also = /(IMAGE_\w+) also accepted/.exec(note)?.[1];
    if (found instanceof GraftError) {
      const accepted = [code, also].filter(name => name !== undefined);
      t.true(accepted.includes(found.code), `${file}: ${found.code}, wanted ${accepted.join(' or ') || expect}`);
      continue;
    }
    t.true(expect === 'load' || /loading .* is right too/.test(note), `${file} was decoded`);
    const size = /width (\d+), height (\d+)/.exec(must);
    if (size) t.deepEqual([found.width, found.height], [Number(size[1]), Number(size[2])], file);
    t.is(found.data.length, found.width * found.height * 3, file);
    t.is((await preparePicture(readFileSync(path), preprocessing)).length, 224 * 224 * 3, file);
  }
});
