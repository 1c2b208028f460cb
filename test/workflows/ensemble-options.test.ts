// What is refused of an ensemble before anything is opened, and of members that do not go together.

import test from 'ava';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GraftError } from '../../src/base/index.js';
import { sha256 } from '../../src/base/node.js';
import { checkOptions, type EnsembleOptions } from '../../src/workflows/ensemble-options.js';
import { writeNetwork, writePictures } from '../walks/small-network.js';
import { combine, fresh, heads, run } from './ensemble-runs.js';

test('options that make no sense', t => {
  const codeOf = (members: readonly string[], options: Partial<EnsembleOptions>) =>
    t.throws<GraftError>(() => checkOptions(members, { out: 'out', ...options })).code;
  for (const wrong of [
    { coverage: 1 },
    { coverage: Number.NaN },
    { reject: 0 },
    { cascade: 1 },
    { cascade: 0.1, combine: 'stack' },
    { top: 0 },
    { top: 1.5 },
    { budgetFlops: 0 },
    { budgetMs: 1, budgetFlops: 1 },
  ] as const)
    t.is(codeOf(['a'], wrong), 'GRAFT_ENSEMBLE_OPTION', JSON.stringify(wrong));
  t.is(codeOf(['a'], { recipe: 'average[a, b]' }), 'GRAFT_RECIPE_AND_MEMBERS');
  for (const beside of [{ combine: 'vote' }, { views: ['hflip'] }, { top: 1 }, { cascade: 0 }] as const)
    t.is(codeOf([], { recipe: 'average[a, b]', ...beside }), 'GRAFT_RECIPE_AND_MEMBERS');
  t.notThrows(() => checkOptions(['a'], { out: 'out', coverage: 0.9, reject: 0.1, top: 1, budgetMs: 0.1 }));
});

test('members of other labels, and none at all', async t => {
  const [a] = (await heads([0])) as [string];
  const other = fresh();
  await cp(join(a, 'bundle'), other, { recursive: true });
  const path = join(other, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as { labels: string[] };
  manifest.labels.reverse();
  await writeFile(path, JSON.stringify(manifest));
  const refused = async (members: readonly string[], options = {}) =>
    (await t.throwsAsync<GraftError>(combine(members, options))).code;
  t.is(await refused([a, other]), 'GRAFT_MEMBERS_DIFFER');
  t.is(await refused([]), 'GRAFT_NO_MEMBER');
  const identity = sha256(await readFile(join(a, 'bundle', 'manifest.json')));
  const recipe = (of: string) =>
    JSON.stringify({ version: 1, root: { op: 'average', members: [{ op: 'member', member: a, sha256: of }] } });
  t.is(await refused([], { recipe: recipe('0'.repeat(64)) }), 'GRAFT_NO_MEMBER');
  t.is((await combine([], { recipe: recipe(identity) })).manifest.ensemble!.members.length, 1);
  t.is(await refused([], { recipe: `soup[average[${a}, ${a}]]` }), 'GRAFT_NO_MEMBER');
});

test('every calibrator that is asked for is used', async t => {
  const runs = await heads([0, 1]);
  for (const kind of ['none', 'temperature', 'vector'] as const) {
    const found = await combine(runs, { combine: 'average', calibrate: kind });
    t.is(found.calibration.kind, kind);
    t.is((found.manifest.ensemble!.calibration as { kind: string }).kind, kind);
    t.true(found.difference! < 1e-5);
  }
});

test('two classes are calibrated by isotonic steps, inside the graph', async t => {
  const own = fresh();
  await mkdir(own, { recursive: true });
  const pictures = await writePictures(own, 20, 'pictures');
  const backbone = writeNetwork(own);
  const runs = [
    await run({ backbone }, pictures),
    await run({ backbone, head: 'mlp', hidden: [8], epochs: 3 }, pictures),
  ];
  const found = await combine(runs, { combine: 'average', calibrate: 'isotonic' });
  t.is(found.calibration.kind, 'isotonic');
  t.true(found.difference! < 1e-5);
  const error = await t.throwsAsync<GraftError>(combine(await heads([0]), { calibrate: 'isotonic' }));
  t.is(error.code, 'GRAFT_ENSEMBLE_OPTION');
});
