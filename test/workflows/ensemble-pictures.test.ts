// The pictures that choose: never one that trained a member; of folds each by the member that did not see it.

import test from 'ava';
import { cp, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { GraftError } from '../../src/base/index.js';
import { choosingPictures } from '../../src/workflows/ensemble-pictures.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { openMembers, type OpenedMember } from '../../src/workflows/members.js';
import { trainMembers } from '../../src/workflows/train-members.js';
import { combine, fresh, network, run, runtime, cache } from './ensemble-runs.js';

/** Pictures without a validation folder. */
async function withoutValidation(): Promise<string> {
  const own = fresh();
  await mkdir(own, { recursive: true });
  await cp(join(demoPictures, 'val'), own, { recursive: true });
  return own;
}

const pixels = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const codeOf = async (works: Promise<unknown>): Promise<string> => {
  try {
    await works;
    return 'nothing was refused';
  } catch (error) {
    return (error as GraftError).code;
  }
};

test('folds are judged out of fold and ship as their average', async t => {
  const pictures = await withoutValidation();
  const out = fresh();
  await trainMembers(pictures, { backbone: network, ...pixels, cache, out, folds: 3 }, runtime);
  const found = await combine([out]);
  t.true(found.isOutOfFold);
  t.is(found.counts.select, 80);
  t.is(found.chosen, 'average');
  t.regex(found.verdict, /cannot be told/);
  t.is(found.difference, undefined);
  t.is(found.manifest.ensemble!.members.length, 3);
  t.deepEqual(found.manifest.ensemble!.comparison.map(({ name, ships }) => [name, ships]), [['average', true]]); // prettier-ignore
  t.false((await readFile(found.report, 'utf8')).includes('Averaging'));
  // every picture counts once, by the answer of the member that did not train on it: the members' own mean loss
  const uncalibrated = await combine([out], { calibrate: 'none' });
  const members = await openMembers(out);
  const chosen = await choosingPictures(members);
  t.is(new Set(chosen.hashes).size, 80);
  chosen.owners!.forEach((owner, row) =>
    t.false(members[owner]!.bundle.manifest.data.train.includes(chosen.hashes[row]!)),
  );
  t.is(uncalibrated.evaluation.count, 80);
  // logits of members are brought to one scale: not worse than the members are by their own temperatures
  const own = members.map(({ bundle }) => bundle.manifest.metrics['negativeLogLikelihood'] as number);
  t.true(found.evaluation.negativeLogLikelihood < own.reduce((a, b) => a + b, 0) / own.length + 0.02);
  t.is(
    await codeOf(combine([], { recipe: `average[tta(hflip)[${out}/members/1], ${out}/members/2, ${out}/members/3]` })),
    'GRAFT_OUT_OF_FOLD',
  );
  t.true((await combine([out], { views: ['hflip'] })).isOutOfFold);
});

test('folds of pictures with a validation folder share it', async t => {
  const out = fresh();
  await trainMembers(demoPictures, { backbone: network, ...pixels, cache, out, folds: 2 }, runtime);
  const found = await combine([out], { combine: 'average' });
  t.false(found.isOutOfFold);
  t.is(found.counts.select, 80);
});

test('pictures that trained a member choose nothing, and that is said', async t => {
  const pictures = await withoutValidation();
  // other hold-outs: most pictures of one trained the other
  const runs = [await run({ seed: 1, validation: 0.4 }, pictures), await run({ seed: 2, validation: 0.4 }, pictures)];
  const warnings: string[] = [];
  const found = await combine(runs, { combine: 'average', onWarning: text => warnings.push(text) });
  const members = (await Promise.all(runs.map(openMembers))).flat();
  const trained = new Set(members.flatMap(({ bundle }) => bundle.manifest.data.train));
  t.true(found.manifest.data.validation.length > 0);
  t.true(found.manifest.data.validation.every(hash => !trained.has(hash)));
  t.true(warnings.some(text => text.startsWith(`${found.counts.select} pictures choose`)));
});

test('leaks are refused by content', async t => {
  const [member] = await openMembers(await run());
  const { train, validation } = member!.bundle.manifest.data;
  const changed = (name: string, data: { train: readonly string[]; validation: readonly string[] }): OpenedMember => ({
    ...member!,
    name,
    bundle: {
      ...member!.bundle,
      manifest: { ...member!.bundle.manifest, data: { ...member!.bundle.manifest.data, ...data } },
    },
  });
  // a fold whose own validation pictures trained it
  const leak = changed('leak', { train: [...train, ...validation], validation });
  t.is(await codeOf(choosingPictures([leak])), 'EVALUATION_SPLITS_OVERLAP');
  // members that share validation pictures, all of which trained a third
  const third = changed('third', { train: validation, validation: train.slice(0, 5) });
  t.is(
    await codeOf(choosingPictures([member!, changed('second', { train, validation }), third])),
    'GRAFT_NOTHING_COMMON',
  );
});

test('pictures that are gone are told, and found elsewhere', async t => {
  const pictures = fresh();
  await cp(demoPictures, pictures, { recursive: true });
  const runs = [await run({}, pictures), await run({ head: 'mlp', hidden: [8], epochs: 2 }, pictures)];
  const moved = `${pictures}-moved`;
  await rename(pictures, moved);
  t.regex(await codeOf(combine(runs)), /^(GRAFT_PICTURES_MISSING|DATA_)/);
  t.is(await codeOf(combine(runs, { pictures: join(moved, 'train') })), 'GRAFT_PICTURES_MISSING');
  const found = await combine(runs, { combine: 'average', pictures: moved });
  t.is(found.counts.select, 80);
  t.true((await readdir(found.bundle)).includes('report.html'));
});
