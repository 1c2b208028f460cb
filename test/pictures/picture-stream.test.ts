import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { sha256 } from '../../src/base/node.js';
import { GraftError } from '../../src/base/index.js';
import { checkPreprocessing } from '../../src/pictures/index.js';
import { hashFiles, pictureStream, preparePicture, readPictureFile } from '../../src/pictures/node.js';
import { fill, folder, png } from './folders.js';

const preprocessing = checkPreprocessing({
  width: 8,
  height: 8,
  resize: 'stretch',
  cropFraction: 1,
  filter: 'bilinear',
  background: [255, 255, 255],
});

test('pictures come in order with their hashes; what cannot be read is an error of its own', async t => {
  const root = folder(t);
  const names = Array.from({ length: 40 }, (_, i) => `${i}.png`);
  // large and small ones in turn, so that threads finish out of order
  const contents = await Promise.all(names.map(async (_, i) => png(i, i % 5 === 0 ? 900 : 10)));
  fill(
    root,
    new Map<string, string | Uint8Array>([
      ...names.map((name, i) => [name, contents[i]!] as const),
      ['text.jpg', 'no picture'],
    ]),
  );
  const files = [
    ...names.map(name => join(root, name)),
    join(root, 'text.jpg'),
    join(root, 'absent.jpg'),
    root,
    'a\0b.jpg',
  ];
  const seen: number[] = [];
  const codes: string[] = [];
  for await (const picture of pictureStream(files, preprocessing, { workers: 2, ahead: 3 })) {
    seen.push(picture.index);
    t.is(picture.file, files[picture.index]!);
    if ('error' in picture) {
      t.true(picture.error instanceof GraftError);
      t.truthy(picture.error.hint);
      codes.push(`${picture.error.code} ${picture.error.kind}`);
    } else {
      t.is(picture.sha256, sha256(contents[picture.index]!));
      t.deepEqual(picture.pixels, await preparePicture(contents[picture.index]!, preprocessing));
    }
  }
  t.deepEqual(seen, [...files.keys()]);
  t.deepEqual(codes, [
    'IMAGE_UNSUPPORTED unsupported',
    'IMAGE_UNREADABLE missing',
    'IMAGE_UNREADABLE missing',
    'IMAGE_UNREADABLE missing',
  ]);
});

test('one thread gives the same as several; no file gives nothing', async t => {
  const root = fill(
    folder(t),
    new Map([
      ['a.png', await png(9)],
      ['b.png', await png(200)],
    ]),
  );
  const files = [join(root, 'a.png'), join(root, 'b.png')];
  const collect = async (workers: number) => {
    const all = [];
    for await (const picture of pictureStream(files, preprocessing, { workers })) all.push(picture);
    return all;
  };
  t.deepEqual(await collect(1), await collect(3));
  for await (const picture of pictureStream([], preprocessing)) t.fail(picture.file);
});

test('no more than the look-ahead is decoded before somebody asks', async t => {
  const root = fill(folder(t), new Map([['a.png', await png(1)]]));
  // the same file over and over; from number 4 on it will be gone
  const files = new Array<string>(30).fill(join(root, 'a.png'));
  const stream = pictureStream(files, preprocessing, { workers: 2, ahead: 3 });
  t.true('pixels' in (await stream.next()).value!);
  await new Promise(resolve => setTimeout(resolve, 300));
  truncateSync(join(root, 'a.png'), 0);
  let good = 1;
  for await (const picture of stream) if ('pixels' in picture) good++;
  t.true(good >= 2 && good <= 4, String(good));
});

test('a signal stops the stream, and leaving the loop ends its threads', async t => {
  const root = fill(folder(t), new Map([['a.png', await png(1)]]));
  const files = new Array<string>(500).fill(join(root, 'a.png'));
  const stop = new AbortController();
  const run = async () => {
    for await (const { index } of pictureStream(files, preprocessing, { signal: stop.signal }))
      if (index === 3) stop.abort(new Error('enough'));
  };
  await t.throwsAsync(run(), { message: 'enough' });
  await t.throwsAsync(pictureStream(files, preprocessing, { signal: stop.signal }).next(), { message: 'enough' });
  for await (const { index } of pictureStream(files, preprocessing)) if (index === 3) break;
  t.pass();
});

test('options that make no sense are refused', async t => {
  for (const options of [{ workers: 0 }, { workers: 1.5 }, { ahead: 0 }])
    await t.throwsAsync(pictureStream(['a'], preprocessing, options).next(), { code: 'DATA_OPTION' });
  await t.throwsAsync(pictureStream(['a'], { ...preprocessing, width: 0 }).next(), { code: 'PREPROCESSING_INVALID' });
});

test('a thread that ends by a fault of its own is told', async t => {
  const files = JSON.parse('[42]') as string[];
  await t.throwsAsync(pictureStream(files, preprocessing).next(), { code: 'IMAGE_STOPPED' });
});

test('hashes come without decoding', async t => {
  const root = fill(folder(t), new Map([['a.png', 'no picture at all']]));
  const all = [];
  for await (const hashed of hashFiles([join(root, 'a.png'), join(root, 'absent')])) all.push(hashed);
  t.deepEqual(all[0], { index: 0, file: join(root, 'a.png'), sha256: sha256('no picture at all') });
  t.is('error' in all[1]! ? all[1].error.code : '', 'IMAGE_UNREADABLE');
});

test('a named pipe and a file beyond all measure are refused at once', async t => {
  const root = fill(folder(t), ['large.jpg']);
  truncateSync(join(root, 'large.jpg'), 300 * 1024 * 1024);
  t.throws(() => readPictureFile(join(root, 'large.jpg')), { code: 'IMAGE_TOO_LARGE' });
  mkdirSync(join(root, 'sub'));
  if (process.platform !== 'win32') {
    execFileSync('mkfifo', [join(root, 'pipe.jpg')]);
    t.throws(() => readPictureFile(join(root, 'pipe.jpg')), { code: 'IMAGE_UNREADABLE' });
  }
  fill(root, ['good']);
  t.deepEqual(readPictureFile(join(root, 'good')), Uint8Array.from(readFileSync(join(root, 'good'))));
});
