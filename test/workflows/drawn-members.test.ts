// Members that are drawn from networks: by dropout, by mini-batches, from a distribution of weights.

import test from 'ava';
import { mkdir } from 'node:fs/promises';
import { writeNetwork } from '../walks/small-network.js';
import { codeOf, combine, fresh, heads, run } from './ensemble-runs.js';

const [a, b] = (await heads([0, 1])) as [string, string];
const tuned = await run({ unfreeze: 'last:1', epochs: 3, batch: 16, rate: 0.01, batchNorm: 'train', augment: 'flip' });

test('members are drawn: by dropout, by mini-batches, from a distribution of weights', async t => {
  for (const recipe of [`dropout(2)[${a}]`, `batchnorm(2)[${tuned}]`, `swag(2)[${tuned}@checkpoints]`]) {
    const found = await combine([], { recipe });
    t.true(found.difference! < 1e-5, recipe);
    const { members } = found.manifest.ensemble!;
    t.is(members.length, 2, recipe);
    t.is(new Set(members.map(({ sha256 }) => sha256)).size, 2, recipe);
    const again = await combine([], { recipe, cache: false });
    t.is(again.manifest.files[0]!.sha256, found.manifest.files[0]!.sha256, recipe);
    const other = await combine([], { recipe, seed: 1 });
    t.not(other.manifest.files[0]!.sha256, found.manifest.files[0]!.sha256, recipe);
  }
});

test('what nothing can be drawn from is refused', async t => {
  const linear = await run();
  const own = fresh();
  await mkdir(own, { recursive: true });
  const small = await run({ backbone: writeNetwork(own), crop: 0.875 });
  for (const recipe of [
    `dropout(2)[${linear}]`,
    `dropout(2)[${a}, ${b}]`,
    `swag(2)[${a}]`,
    `swag(2)[${a}, ${a}]`,
    `batchnorm(2)[${small}]`,
  ])
    t.is(await codeOf(combine([], { recipe })), recipe.includes(', ') && recipe.startsWith('d') ? 'RECIPE_SYNTAX' : 'GRAFT_NOTHING_DRAWN', recipe); // prettier-ignore
  t.is(await codeOf(combine([], { recipe: `swag(2)[${a}, ${small}]` })), 'GRAFT_NO_SOUP');
});
