// Recipes to networks: views, cascades, checkpoints, members of other sizes and of several labels.

import test from 'ava';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeNetwork, writePictures } from '../walks/small-network.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { openMembers } from '../../src/workflows/members.js';
import type { InnerNode } from '../../src/workflows/recipe-nodes.js';
import { answersOf, apart, codeOf, combine, fresh, folder, heads, run } from './ensemble-runs.js';

const [a, b] = (await heads([0, 1])) as [string, string];
const tuned = await run({ unfreeze: 'last:1', epochs: 3, batch: 16, rate: 0.01, batchNorm: 'train', augment: 'flip' });
/** A run of another backbone with another input size on the same pictures. */
const small = await otherSize();
const rootOf = (found: Awaited<ReturnType<typeof combine>>) =>
  (found.manifest.ensemble!.recipe as { root: InnerNode }).root;
async function otherSize(): Promise<string> {
  const own = fresh();
  await mkdir(own, { recursive: true });
  return run({ backbone: writeNetwork(own), crop: 0.875 });
}

test('views are made inside the graph: mirrored, turned, and crops that look beyond the frame', async t => {
  for (const views of ['five_crop', 'hflip, rotate=5, scale=1.1']) {
    const found = await combine([], { recipe: `tta(${views})[${a}]` });
    t.true(found.difference! < 1e-5, `${views}: ${found.difference}`);
    t.deepEqual(rootOf(found).views, views.split(', '));
    const { width, height } = found.manifest.preprocessing as { width: number; height: number };
    t.is(width > 32 && height > 32, views === 'five_crop');
    // the recipe of the bundle makes the same bundle
    const file = `${found.bundle}.json`;
    await writeFile(file, JSON.stringify(found.manifest.ensemble!.recipe));
    const again = await combine([], { recipe: file });
    t.is(again.manifest.files[0]!.sha256, found.manifest.files[0]!.sha256);
  }
});

test('views are members of the answer, by their names', async t => {
  const found = await combine([], { recipe: `tta(hflip)[${a}]`, calibrate: 'none' });
  const file = join(demoPictures, 'train', 'dots', 'dots-03.jpg');
  const said = await answersOf(found.bundle, [file], ['memberProbabilities', 'probabilities']);
  t.deepEqual(found.manifest.ensemble!.members.map(({ name }) => name), [a, `${a}#hflip`]); // prettier-ignore
  const [plain, mirrored] = [0, 5].map(at => said.get('memberProbabilities')!.subarray(at, at + 5));
  t.true(apart(said.get('probabilities')!, plain!.map((p, k) => (p + mirrored![k]!) / 2)) < 1e-6); // prettier-ignore
});

test('weights of views are said, learnt, or chosen', async t => {
  const recipe = (weights: unknown) =>
    JSON.stringify({ version: 1, root: { op: 'tta', views: ['hflip'], weights, members: [a] } });
  const said = await combine([], { recipe: recipe([3, 1]) });
  t.deepEqual(rootOf(said).weights, [0.75, 0.25]);
  for (const way of ['learned', 'greedy']) t.true((await combine([], { recipe: recipe(way) })).difference! < 1e-5, way);
  t.is(await codeOf(combine([], { recipe: recipe([1, 1, 1]) })), 'RECIPE_FIELD');
  t.is(await codeOf(combine([], { recipe: `tta(hflip)[average[tta(rotate=5)[${a}], ${b}]]` })), 'RECIPE_FIELD');
  t.is(await codeOf(combine([], { recipe: `average(greedy)[${a}, ${b}]` })), 'RECIPE_SYNTAX');
  t.is(await codeOf(combine([], { recipe: JSON.stringify({ version: 2, root: a }) })), 'RECIPE_VERSION');
});

test('a recipe is the same as a line and as a YAML file', async t => {
  const line = await combine([], { recipe: `average[2*${a}, tta(hflip)[${b}]]` });
  const file = join(folder, 'recipe.yaml');
  await writeFile(
    file,
    `version: 1\nroot:\n  op: average\n  weights: [2, 1]\n  members:\n    - ${a}\n    - {op: tta, views: [hflip], members: [${b}]}\n`,
  );
  const yaml = await combine([], { recipe: file });
  t.is(yaml.manifest.files[0]!.sha256, line.manifest.files[0]!.sha256);
  t.is(yaml.recipe, line.recipe);
});

test('a cascade asks the dear network only where the cheap one is unsure', async t => {
  const found = await combine([small, a, b], { cascade: 0.02 });
  t.true(found.difference! < 1e-5);
  const root = rootOf(found);
  t.is(root.op, 'cascade');
  t.is(root.thresholds!.length, 2);
  const whole = await combine([small, a, b], { combine: 'average' });
  const costOf = ({ table }: typeof found) => table.rows[table.chosen]!.cost!;
  t.true(costOf(found) <= costOf(whole) * (1 + 1e-9));
  // thresholds that are said are kept
  const recipe = JSON.stringify({ version: 1, root: { ...root, thresholds: [0, 0] } });
  const first = await combine([], { recipe });
  t.deepEqual(rootOf(first).thresholds, [0, 0]);
  t.true(costOf(first) < costOf(found) * (1 + 1e-9));
});

test('members of other sizes and backbones see one picture', async t => {
  const found = await combine([small, a], { combine: 'average' });
  t.true(found.difference! < 1e-5);
  t.is((found.manifest.preprocessing as { width: number }).width, 32);
  // where the budget holds the cheap one alone, that ships, however good the dear one is
  const costs = found.table.rows.map(row => row.cost!);
  const budgetFlops = Math.min(...costs);
  const cheap = await combine([small, a], { budgetFlops });
  t.is(cheap.table.rows[cheap.table.chosen]!.cost, budgetFlops);
  t.deepEqual(cheap.manifest.ensemble!.members.map(({ name }) => name), [small]); // prettier-ignore
  // a choice costs what was chosen
  const best = await combine([small, a], { combine: 'greedy' });
  const alone = found.table.rows.filter(({ kind }) => kind === 'member').map(row => row.cost!);
  const { members } = best.manifest.ensemble!;
  if (members.length === 1) t.true(alone.includes(best.table.rows[best.table.chosen]!.cost!));
  else t.is(best.table.rows[best.table.chosen]!.cost, found.table.rows[found.table.chosen]!.cost);
  const top = await combine([small, a, b], { combine: 'average', top: 2 });
  t.is(top.manifest.ensemble!.members.length, 2);
});

test('checkpoints of a run are members', async t => {
  for (const [spec, least] of [
    ['last', 1],
    ['2', 1],
    ['best', 1],
    ['average', 1],
    ['checkpoints', 2],
  ] as const) {
    const opened = await openMembers(`${tuned}@${spec}`);
    t.true(opened.length >= least, spec);
    for (const { name, sha256, bundle } of opened) {
      t.true(name.startsWith(`${tuned}@`));
      t.not(sha256, bundle.sha256);
    }
  }
  t.is(await codeOf(openMembers(`${tuned}@99`)), 'GRAFT_NO_MEMBER');
  t.is(await codeOf(openMembers(join(folder, 'nothing'))), 'GRAFT_NO_MEMBER');
  const soup = await combine([], { recipe: `soup[${tuned}@checkpoints]` });
  t.true(soup.difference! < 1e-5);
  t.is(soup.manifest.ensemble!.members.length, 1);
});

test('statistics of a soup are those of training pictures, not the mean of the members’', async t => {
  const found = await combine([], { recipe: `soup[${tuned}@checkpoints]`, calibrate: 'none' });
  const warnings: string[] = [];
  // where only the validation pictures are there, the means stay, and that is said
  const val = join(folder, 'only-val');
  await mkdir(val, { recursive: true });
  await cp(join(demoPictures, 'val'), join(val, 'val'), { recursive: true });
  const means = await combine([], {
    recipe: `soup[${tuned}@checkpoints]`,
    calibrate: 'none',
    pictures: val,
    onWarning: text => warnings.push(text),
  });
  t.true(warnings.some(text => text.includes('statistics of') && text.includes('BatchNormalization')));
  const file = join(demoPictures, 'train', 'dots', 'dots-03.jpg');
  const [one, two] = await Promise.all(
    [found, means].map(async ({ bundle }) =>
      (await answersOf(bundle, [file], ['probabilities'])).get('probabilities')!,
    ),
  );
  t.true(apart(one!, two!) > 1e-6);
});

test('several labels a picture', async t => {
  const own = fresh();
  await mkdir(own, { recursive: true });
  const pictures = await writePictures(own, 12, 'pictures');
  const rows = ['file,labels,split'];
  for (const [label, labels] of [
    ['red', 'warm|plain'],
    ['blue', 'cold|plain'],
  ] as const)
    for (let i = 0; i < 12; i++)
      rows.push(`${label}/${i}.png,${i % 3 === 0 ? labels.split('|')[0] : labels},${i < 8 ? 'train' : 'val'}`);
  const list = join(pictures, 'labels.csv');
  await writeFile(list, rows.join('\n'));
  const backbone = writeNetwork(own);
  const runs = [await run({ backbone }, list), await run({ backbone, head: 'mlp', hidden: [8], epochs: 4 }, list)];
  for (const way of ['average', 'logit', 'vote', 'greedy', 'stack', 'learned'] as const) {
    const found = await combine(runs, { combine: way, reject: 0.3 });
    t.is(found.manifest.task, 'multi-label');
    t.true(found.difference! < 1e-5, `${way}: ${found.difference}`);
  }
  const told = await combine(runs, { combine: 'average', reject: 0.3, rejectBy: 'mahalanobis' });
  t.is((told.manifest.ensemble!.outliers as { kind: string }).kind, 'mahalanobis');
  t.is(await codeOf(combine(runs, { coverage: 0.9 })), 'GRAFT_SETS');
  t.is(await codeOf(combine(runs, { combine: 'rank' })), 'GRAFT_ENSEMBLE_OPTION');
  t.is(await codeOf(combine(runs, { calibrate: 'isotonic' })), 'GRAFT_ENSEMBLE_OPTION');
  t.true((await readFile(told.report, 'utf8')).includes('labels'));
});
