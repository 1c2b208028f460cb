// Published networks split at every one of their cuts: head(featurizer(x)) is model(x), bit for bit.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Random } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { readModel } from '../../src/codec/node.js';
import { verify } from '../../src/graph/index.js';
import { inspectModel } from '../../src/inspect/index.js';
import { split } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { differenceOf, randomFeeds, runOnce } from '../../src/workflows/compare.js';
import { assets } from '../assets.js';

const folder = assets ? join(assets, 'models') : undefined;
const files = folder ? readdirSync(folder).filter(name => name.endsWith('.onnx')) : [];
/** More cuts than this are thinned out evenly. */
const most = 150;

test('there are networks', t => {
  if (!folder) t.log('no assets: skipped');
  t.true(!folder || files.length > 0);
});

for (const file of files)
  test(`${file}: every cut`, async t => {
    const { model } = readModel(join(folder!, file));
    const { cuts, facts } = inspectModel(model);
    const runtime = nodeRuntime();
    const feeds = randomFeeds(model, new Random(file), { batch: 2, other: 64 });
    const wanted = await runOnce(runtime, encodeModel(model), feeds, { optimization: 'disabled' });
    const step = Math.max(1, Math.ceil(cuts.length / most));
    const chosen = cuts.filter((_, i) => i % step === 0 || i === cuts.length - 1);
    for (const { values } of chosen) {
      let held = new Map(feeds);
      for (const piece of split(model, [values], facts)) {
        const made = await runOnce(runtime, encodeModel(verify(piece)), held, { optimization: 'disabled' });
        held = new Map([...held, ...made]);
      }
      t.true(differenceOf(wanted, held).exact, values.join(' + '));
    }
    t.log(`${chosen.length} of ${cuts.length} cuts`);
  });
