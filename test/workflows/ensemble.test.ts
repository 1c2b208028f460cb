// Ensembles from runs to bundle: every way to combine, what ships, the fused graph against its members on two runtimes,
// an ensemble as a member, the same bytes twice.

import test from 'ava';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { GraftError } from '../../src/base/index.js';
import { readBundle } from '../../src/bundle/node.js';
import { webRuntime } from '../../src/runtime/web.js';
import { combinations } from '../../src/workflows/ensemble-options.js';
import { demoPictures } from '../../src/workflows/fixtures.js';
import { evaluate } from '../../src/workflows/evaluate.js';
import { predict } from '../../src/workflows/predict.js';
import { answersOf, apart, combine, fresh, heads, run, runtime } from './ensemble-runs.js';

const [linear, ...seeds] = [await run(), ...(await heads([0, 1, 2]))] as [string, string, string, string];
const members = [linear, ...seeds];
const pictures = ['checks/checks', 'dots/dots', 'rings/rings'].map(name =>
  join(demoPictures, 'train', `${name}-03.jpg`),
);
const softmax = (logits: ArrayLike<number>, K: number): number[] =>
  Array.from({ length: logits.length / K }, (_, row) => {
    const z = Array.from({ length: K }, (_unused, k) => Math.exp(logits[row * K + k]!));
    const sum = z.reduce((a, b) => a + b, 0);
    return z.map(one => one / sum);
  }).flat();

test('every way to combine gives a bundle that answers as its members were computed', async t => {
  for (const way of combinations) {
    const names = way === 'soup' ? seeds : members;
    const found = await combine(names, { combine: way, ...(way === 'best' ? { views: ['hflip'] } : {}) });
    t.true(found.difference! < 1e-5, `${way}: ${found.difference}`);
    t.is(found.table.rows.filter(({ kind }) => kind === 'member').length, names.length + 1, way);
    t.is(found.costUnit, 'flops');
    const { manifest } = await readBundle(found.bundle);
    t.is(manifest.ensemble!.comparison.filter(row => row['ships'] === true).length, 1, way);
    t.is(manifest.metrics['crossFitted'], true);
    for (const name of ['negativeLogLikelihood', 'equalMassCalibrationError', 'balancedAccuracy', 'macroF1', 'auroc'])
      t.is(typeof manifest.metrics[name], 'number', name);
  }
});

test('the average is the mean of the members’ probabilities, whatever the runtime', async t => {
  const found = await combine(members, { combine: 'average', calibrate: 'none' });
  t.deepEqual(found.calibration, { memberFirst: false, kind: 'none' });
  const alone = await Promise.all(members.map(async out => answersOf(join(out, 'bundle'), pictures, ['logits'])));
  const each = alone.map(said => softmax(said.get('logits')!, 5));
  const wanted = each[0]!.map((_, i) => each.reduce((sum, p) => sum + p[i]! / each.length, 0));
  const outputs = ['probabilities', 'logits', 'memberProbabilities', 'uncertainty'];
  const here = await answersOf(found.bundle, pictures, outputs);
  t.true(apart(here.get('probabilities')!, wanted) < 1e-5);
  t.true(apart(here.get('logits')!, wanted.map(Math.log)) < 1e-4);
  const byMember = pictures.flatMap((_, row) => each.flatMap(p => p.slice(row * 5, row * 5 + 5)));
  t.true(apart(here.get('memberProbabilities')!, byMember) < 1e-5);
  const web = await answersOf(found.bundle, pictures, outputs, webRuntime());
  for (const name of outputs) t.true(apart(web.get(name)!, here.get(name)!) < 1e-5, name);
});

test('a soup is one network: the mean of the weights, as cheap as one', async t => {
  const found = await combine([], { recipe: `soup[${seeds.join(', ')}]` });
  const { rows, chosen } = found.table;
  t.is(rows[chosen]!.cost, rows[0]!.cost, 'cost');
  t.is(found.manifest.ensemble!.members.length, 1);
  const shares = await combine([], { recipe: `soup[1*${seeds[0]}, 0*${seeds[1]}]`, calibrate: 'none' });
  const alone = await answersOf(join(seeds[0], 'bundle'), pictures, ['logits']);
  const soup = await answersOf(shares.bundle, pictures, ['probabilities']);
  t.true(apart(soup.get('probabilities')!, softmax(alone.get('logits')!, 5)) < 1e-5);
  const error = await t.throwsAsync<GraftError>(combine(members, { combine: 'soup' }));
  t.is(error.code, 'GRAFT_NO_SOUP');
});

test('the same input gives the same bytes, computed or kept', async t => {
  const options = { views: ['hflip'], coverage: 0.8, reject: 0.2, cache: fresh() } as const;
  const bundles: string[] = [];
  for (const cache of [options.cache, options.cache, false] as const)
    bundles.push((await combine(seeds, { ...options, cache })).bundle);
  const [first, ...others] = bundles as [string, ...string[]];
  for (const other of others)
    for (const name of ['model.onnx', 'manifest.json', 'README.md', 'report.html'])
      t.is(await readFile(join(other, name), 'latin1'), await readFile(join(first, name), 'latin1'), name);
});

test('sets, unknown pictures and members are told by predict', async t => {
  const found = await combine(seeds, {
    combine: 'average',
    coverage: 0.8,
    sets: 'adaptive',
    reject: 0.2,
    rejectBy: 'max-logit',
  });
  t.is(found.sets!.kind, 'adaptive');
  const [first] = await predict(found.bundle, pictures, { members: true, top: 2 }, runtime);
  if (!first || 'error' in first) return t.fail();
  t.true(first.predictionSet!.includes(first.label));
  t.is(typeof first.unknown, 'boolean');
  t.is(typeof first.outlierScore, 'number');
  t.deepEqual(
    first.members!.map(({ name }) => name),
    seeds,
  );
  for (const { label, probability, probabilities, top } of first.members!) {
    t.is(probability, Math.max(...probabilities));
    t.is(top![0]!.label, label);
    t.is(top!.length, 2);
  }
  const { entropy, mutualInformation } = first.uncertainty!;
  t.true(entropy >= mutualInformation && mutualInformation >= 0);
  const outliers = found.manifest.ensemble!.outliers as { kind: string; member: string; falseAlarmRate: number };
  t.deepEqual([outliers.kind, outliers.member, outliers.falseAlarmRate], ['max-logit', seeds[0], 0.2]);
});

test('pictures far from the training pictures are unknown by their features', async t => {
  const found = await combine(seeds, { combine: 'average', reject: 0.1, rejectBy: 'mahalanobis' });
  const outliers = found.manifest.ensemble!.outliers as Record<string, unknown>;
  t.deepEqual(Object.keys(outliers), ['kind', 'member', 'threshold', 'falseAlarmRate']);
  const held = found.manifest.data.validation.length;
  const { unknown, score } = await unknownsOf(found.bundle);
  // the promise: at most ⌊rate (n + 1)⌋ of the n pictures of the threshold lie above it
  t.true(unknown <= Math.floor(0.1 * (held + 1)));
  t.true(score.every(one => one >= 0 && Number.isFinite(one)));
  const web = await answersOf(found.bundle, pictures, ['outlierScore'], webRuntime());
  const here = await answersOf(found.bundle, pictures, ['outlierScore']);
  t.true(apart(web.get('outlierScore')!, here.get('outlierScore')!) < 1e-3 * Math.max(...here.get('outlierScore')!));
});

async function unknownsOf(bundle: string) {
  const answers = await predict(bundle, [join(demoPictures, 'val')], {}, runtime);
  const told = answers.flatMap(answer => ('error' in answer ? [] : [answer]));
  return {
    unknown: told.filter(({ unknown }) => unknown).length,
    score: told.map(({ outlierScore }) => outlierScore!),
  };
}

test('an ensemble is a bundle as any other: evaluated, and a member again, which is said', async t => {
  const first = await combine(seeds.slice(0, 2), { combine: 'average' });
  const { evaluation } = await evaluate(first.bundle, join(demoPictures, 'val'), {}, runtime);
  t.is(evaluation.count, first.counts.select);
  const warnings: string[] = [];
  const again = await combine([first.bundle, linear], { combine: 'average', onWarning: text => warnings.push(text) });
  t.true(again.difference! < 1e-5);
  t.true(warnings.some(text => text.includes('is an ensemble that these pictures chose')));
  const train = new Set(again.manifest.data.train);
  t.true(first.manifest.data.train.every(hash => train.has(hash)));
});

test('budgets: nothing that costs more ships, and what nothing costs is refused', async t => {
  const all = await combine(members, { combine: 'average' });
  const cost = all.table.rows[all.table.chosen]!.cost!;
  const cheapest = Math.min(...all.table.rows.map(row => row.cost!));
  for (const budgetFlops of [cheapest, (cost + cheapest) / 2]) {
    const { table } = await combine(members, { budgetFlops });
    t.true(table.rows[table.chosen]!.cost! <= budgetFlops * (1 + 1e-6));
  }
  const error = await t.throwsAsync<GraftError>(combine(members, { budgetFlops: cheapest / 2 }));
  t.is(error.code, 'GRAFT_BUDGET');
  const timed = await combine(members, { budgetMs: 1e4 });
  t.is(timed.costUnit, 'ms');
  t.true(timed.table.rows.every(row => row.cost! > 0));
});

test('what is there is not written over before anything is asked', async t => {
  const { bundle } = await combine(seeds, { combine: 'average' });
  const told: string[] = [];
  const error = await t.throwsAsync<GraftError>(
    combine(seeds, { out: bundle, onProgress: ({ what }) => told.push(what) }),
  );
  t.is(error.code, 'GRAFT_OUT_EXISTS');
  t.deepEqual(told, []);
  await combine(seeds, { out: bundle, force: true });
});

test('the report shows what further members bring, and what cost does', async t => {
  const { report, verdict } = await combine(members, { metric: 'accuracy' });
  const html = await readFile(report, 'utf8');
  for (const text of ['Members and gain', 'How members differ', 'Members', 'Combinations'])
    t.true(html.includes(text), text);
  t.true(html.includes('members'));
  t.regex(verdict, /accuracy/);
  t.true((await stat(report)).size < 4e6);
});

test('a stopped run leaves nothing', async t => {
  const out = fresh();
  const stop = new AbortController();
  await t.throwsAsync(
    combine(members, { out, cache: false, views: ['hflip'], signal: stop.signal, onProgress: () => stop.abort() }),
    { any: true },
  );
  await t.throwsAsync(stat(out));
});
