// What members say is computed once and kept; files that are cut off are made again.

import test from 'ava';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkPreprocessing, testViews } from '../../src/pictures/index.js';
import { memberLogits, type MeasuredMember } from '../../src/workflows/member-logits.js';
import { memberPictures, openMember } from '../../src/workflows/members.js';
import { apart, combine, fresh, heads, runtime, validationOf } from './ensemble-runs.js';

const [a, b] = (await heads([0, 1], { epochs: 2 })) as [string, string];

const ofB = await validationOf(b);

async function asked(view = 'hflip') {
  const member = await openMember(a);
  const preprocessing = checkPreprocessing(member.bundle.manifest.preprocessing);
  const { items, hashes } = await memberPictures(member);
  const measured: MeasuredMember = {
    name: 'a',
    model: member.model,
    sha256: member.sha256,
    group: 'g',
    crop: 1,
    views: testViews([view], preprocessing).views,
  };
  const pictures = { files: items.map(({ file }) => file), hashes, classes: 5 };
  return { measured, preprocessing, pictures };
}

test('the logits are those of the run; what is kept is not computed again', async t => {
  const { measured, preprocessing, pictures } = await asked();
  const cache = fresh();
  const told: string[] = [];
  const ask = async (member = measured) =>
    (
      await memberLogits(runtime, [member], preprocessing, pictures, {
        cache,
        onProgress: ({ what }) => told.push(what),
      })
    )[0]!;
  const [plain, mirrored] = await ask();
  t.true(apart(plain!, (await validationOf(a)).logits) < 1e-4);
  t.true(apart(plain!, mirrored!) > 1e-3);
  t.true(told.every(what => what === 'asking a, 2 views'));
  told.length = 0;
  const again = await ask();
  t.deepEqual(again, [plain!, mirrored!]);
  t.deepEqual(told, []);
  // the run's own predictions stand for the picture as it is
  const ofRun = await memberLogits(runtime, [{ ...measured, run: a }], preprocessing, pictures, {
    cache: fresh(),
    onProgress: ({ what }) => told.push(what),
  });
  t.true(apart(ofRun[0]![0]!, plain!) < 1e-4);
  t.true(told.every(what => what === 'asking a'));
  // logits and features of two views; cut off, they are made again
  const paths = (await readdir(join(cache, 'predictions'))).map(file => join(cache, 'predictions', file));
  t.is(paths.length, 4);
  const before = await Promise.all(paths.map(async path => readFile(path)));
  for (const cut of [7, 1000]) {
    for (const [i, path] of paths.entries()) await writeFile(path, before[i]!.subarray(0, Math.max(0, before[i]!.length - cut))); // prettier-ignore
    t.deepEqual(await ask(), [plain!, mirrored!]);
    t.deepEqual(await Promise.all(paths.map(async path => readFile(path))), before);
  }
});

test('a picture goes through a trunk once, however many heads are asked', async t => {
  const { measured, preprocessing, pictures } = await asked();
  const other = await openMember(b);
  const cache = fresh();
  const told: string[] = [];
  const ask = async (member: MeasuredMember) =>
    memberLogits(runtime, [member], preprocessing, pictures, { cache, onProgress: ({ what }) => told.push(what) });
  await ask(measured);
  t.true(told.length > 0);
  told.length = 0;
  const [[plain]] = (await ask({ ...measured, name: 'b', model: other.model, sha256: other.sha256 })) as [
    Float32Array[],
  ];
  t.deepEqual(told, []);
  t.true(apart(plain!, ofB.logits) < 1e-4);
});

test('predictions of a run that are cut off are made again', async t => {
  const whole = await combine([a, b], { combine: 'average', cache: false });
  const path = join(b, 'predictions', 'validation.safetensors');
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length / 2));
  const found = await combine([a, b], { combine: 'average', cache: false });
  t.true(Math.abs(found.evaluation.negativeLogLikelihood - whole.evaluation.negativeLogLikelihood) < 1e-5);
  await writeFile(path, bytes);
});
