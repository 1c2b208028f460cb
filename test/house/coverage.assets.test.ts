// What graphs/coverage.json says of published networks is what the operators of today make of them.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openTrainable } from '../../src/workflows/open-trainable.js';
import { recordedNetworks } from '../../tools/networks/recorded-networks.js';
import { exporterOf, trainabilityOf } from '../../tools/networks/trainability.js';
import { assets } from '../assets.js';

test('recorded networks train from where they are said to', t => {
  if (assets === undefined) return t.pass('no assets');
  let found = 0;
  for (const { file, exporter, parameters, trainableFrom } of recordedNetworks()) {
    const path = ['', 'awkward'].map(folder => join(assets!, 'models', folder, file)).find(one => existsSync(one));
    if (path === undefined) continue;
    found++;
    const opened = openTrainable(path, { size: 224 });
    t.deepEqual(
      { exporter: exporterOf(opened.file.model), ...trainabilityOf(opened.model) },
      { exporter, parameters, trainableFrom },
      file,
    );
  }
  t.true(found >= 10);
});
