// Where several heads go on whose checkpoints were written one after the other.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { tensor } from '../../src/base/index.js';
import type { Checkpoint } from '../../src/training/index.js';
import { checkpoints, newestOfAll } from '../../src/training/node.js';

const at = (epoch: number, best: number): Checkpoint => ({
  epoch,
  step: epoch,
  state: new Map([['w', tensor('float32', [1], [epoch])]]),
  best: {
    epoch: best,
    validation: { loss: 1, accuracy: 1 },
    trained: new Map([['w', tensor('float32', [1], [best])]]),
  },
  run: new Map(),
});

test('the newest epoch that all have who still train, and the end of those that do not', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'graft-members-'));
  const files = [0, 1, 2].map(member => checkpoints(join(folder, String(member))));
  const epochs = async () => (await newestOfAll(files, 5)).checkpoints?.map(({ epoch }) => epoch);
  t.is(await epochs(), undefined);
  await files[0]!.save(at(10, 9));
  await files[1]!.save(at(7, 2)); // ended: five epochs without a better one
  t.is(await epochs(), undefined, 'one has none: all begin anew');
  await files[2]!.save(at(10, 8));
  t.deepEqual(await epochs(), [10, 7, 10]);
  await files[0]!.save(at(20, 19)); // killed before the third was written
  t.deepEqual(await epochs(), [10, 7, 10]);
  await files[2]!.save(at(20, 18));
  t.deepEqual(await epochs(), [20, 7, 20]);
  rmSync(folder, { recursive: true });
});
