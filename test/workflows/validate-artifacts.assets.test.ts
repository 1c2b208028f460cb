// Artifacts that Microsoft's own tool made: nothing is wrong with them.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { validateArtifacts } from '../../src/workflows/validate-artifacts.js';
import { assets } from '../assets.js';

const sets = ['mnist', 'seizureguard'].flatMap(name => {
  const folder = assets && join(assets, 'ort-training', name);
  return folder && existsSync(folder) ? [folder] : [];
});

if (sets.length === 0) test('no training artifacts among the assets', t => t.pass());
for (const folder of sets)
  test(folder, t => {
    const { faults, runtimes, files, trainable } = validateArtifacts(folder);
    t.deepEqual(faults, []);
    t.deepEqual(runtimes, ['1.18', '1.19']);
    t.is(files.length, 4);
    t.true(trainable.length > 0);
  });
