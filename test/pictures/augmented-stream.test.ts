import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { Random } from '../../src/base/index.js';
import { sha256 } from '../../src/base/node.js';
import { chanceOf, checkPreprocessing, painted, parseAugment, type Augmentation } from '../../src/pictures/index.js';
import { pictureStream, preparePicture, prepareView, type PictureStreamOptions } from '../../src/pictures/node.js';
import { fill, folder } from './folders.js';

const preprocessing = checkPreprocessing({
  width: 24,
  height: 24,
  resize: 'shorter-side',
  cropFraction: 0.875,
  filter: 'bilinear',
  background: [255, 255, 255],
});
const text = 'crop=0.3..1,flip,rotate=20,jitter=0.3/0.3/0.3/0.1';

/** Noise with edges, as a PNG or a JPEG. */
async function picture(seed: number, width: number, height: number, format: 'png' | 'jpeg'): Promise<Buffer> {
  const random = new Random(seed);
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => ((i >> 5) * 7 + random.integer(60)) & 255);
  return sharp(data, { raw: { width, height, channels: 3 } })
    [format]()
    .toBuffer();
}

const collect = async (files: readonly string[], options: PictureStreamOptions) => {
  const all = [];
  for await (const shown of pictureStream(files, preprocessing, options))
    all.push('pixels' in shown ? shown.pixels : shown.error.code);
  return all;
};

test('the same pixels whatever the workers, the order and the neighbours, and those of prepareView', async t => {
  const root = fill(
    folder(t),
    new Map<string, Uint8Array | string>([
      ['a.png', await picture(1, 60, 40, 'png')],
      ['b.jpg', await picture(2, 40, 70, 'jpeg')],
      // large enough to be decoded at a fraction, and finer for a close crop
      ['c.jpg', await picture(3, 900, 700, 'jpeg')],
      ['d.jpg', 'no picture'],
    ]),
  );
  const names = ['a.png', 'b.jpg', 'c.jpg', 'd.jpg'];
  const showings = names.flatMap(name => [0, 1, 2, 3, 4].map(epoch => ({ file: join(root, name), epoch })));
  const run = async (list: typeof showings, workers: number) => {
    const augmented = { augment: text, seed: 7, epochs: list.map(({ epoch }) => epoch) };
    const shown = await collect(list.map(({ file }) => file), { workers, augmented }); // prettier-ignore
    return new Map(list.map(({ file, epoch }, i) => [`${file} ${epoch}`, shown[i]!]));
  };
  const one = await run(showings, 1);
  const turned = await run([...showings].reverse(), 3);
  for (const { file, epoch } of showings) {
    const found = one.get(`${file} ${epoch}`);
    t.deepEqual(turned.get(`${file} ${epoch}`), found, `${file} ${epoch}`);
    if (file.endsWith('d.jpg')) t.is(found, 'IMAGE_UNSUPPORTED');
    else {
      const bytes = readFileSync(file);
      const random = chanceOf(new Random(7), epoch, sha256(bytes));
      const alone =
        epoch === 0
          ? preparePicture(bytes, preprocessing)
          : prepareView(bytes, preprocessing, { augmentations: parseAugment(text), random });
      t.deepEqual(await alone, found);
    }
  }
  t.notDeepEqual(one.get(`${join(root, 'a.png')} 1`), one.get(`${join(root, 'a.png')} 2`));
});

test('augmentations of your own run on the calling thread and give what words give', async t => {
  const root = fill(folder(t), new Map([['a.png', await picture(1, 60, 40, 'png')]]));
  const files = [join(root, 'a.png'), join(root, 'a.png'), join(root, 'absent.png')];
  const epochs = [1, 0, 1];
  const byWords = await collect(files, { augmented: { augment: text, seed: 1, epochs } });
  t.deepEqual(await collect(files, { augmented: { augment: parseAugment(text), seed: 1, epochs } }), byWords);
  t.is(byWords[2], 'IMAGE_UNREADABLE');
  const invert: Augmentation = {
    name: 'invert',
    apply: view => painted(view, levels => levels.forEach((level, i) => (levels[i] = 255 - level))),
  };
  const [inverted, plain] = await collect(files, { augmented: { augment: [invert], seed: 1, epochs } });
  t.deepEqual([...(inverted as Uint8Array)], [...(plain as Uint8Array)].map(level => 255 - level)); // prettier-ignore
  const wrong: Augmentation = {
    name: 'wrong',
    apply: () => {
      throw new Error('a fault of its own');
    },
  };
  await t.throwsAsync(collect(files, { augmented: { augment: [wrong], seed: 1, epochs } }), {
    message: 'a fault of its own',
  });
});

test('a close view of a large picture is as fine as one decoded whole', async t => {
  const jpeg = await picture(5, 1200, 900, 'jpeg');
  const augmentations = parseAugment('crop=0.01..0.02');
  for (const epoch of [1, 2, 3]) {
    const random = () => chanceOf(new Random(1), epoch, 'x');
    const close = await prepareView(jpeg, preprocessing, { augmentations, random: random() });
    const whole = await prepareView(await sharp(jpeg).png().toBuffer(), preprocessing, {
      augmentations,
      random: random(),
    });
    t.deepEqual(close, whole);
  }
});

test('augmentations and epochs that make no sense are refused before anything is read', async t => {
  const files = ['a', 'b'];
  for (const [epochs, code] of [
    [[1], 'DATA_OPTION'],
    [[1, -1], 'DATA_OPTION'],
    [[1, 0.5], 'DATA_OPTION'],
  ] as const)
    await t.throwsAsync(collect(files, { augmented: { augment: 'flip', seed: 0, epochs } }), { code });
  await t.throwsAsync(collect(files, { augmented: { augment: 'flop', seed: 0, epochs: [1, 1] } }), {
    code: 'AUGMENT_UNKNOWN',
  });
});
