// Published networks: read and written again they give onnxruntime's outputs bit for bit; every one is understood.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Random } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { readModel } from '../../src/codec/node.js';
import { inspectModel } from '../../src/inspect/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { differenceOf, randomFeeds, runOnce } from '../../src/workflows/compare.js';
import { assets } from '../assets.js';

const folder = assets ? join(assets, 'models') : undefined;
const files = folder ? readdirSync(folder).filter(name => name.endsWith('.onnx')) : [];

test('there are networks', t => {
  if (!folder) t.log('no assets: skipped');
  t.true(!folder || files.length > 0);
});

for (const file of files) {
  test(`${file}: written again it is the same network`, async t => {
    const { model, bytes } = readModel(join(folder!, file));
    const feeds = randomFeeds(model, new Random(file), { batch: 2, other: 96 });
    const runtime = nodeRuntime();
    const before = await runOnce(runtime, bytes, feeds);
    const after = await runOnce(runtime, encodeModel(model), feeds);
    t.true(differenceOf(before, after).exact);
  });
  test(`${file}: features are found, every operator is known, every shape`, t => {
    const { model } = readModel(join(folder!, file));
    const inspection = inspectModel(model);
    t.deepEqual(inspection.unknownOperators, []);
    t.true(inspection.network.kind === 'classifier' || inspection.network.kind === 'headless');
    t.true(inspection.cuts.length > 2);
    t.true(inspection.parameters > 1000 && inspection.macs > 10000);
    for (const { outputs } of model.graph.nodes)
      for (const name of outputs) if (name) t.truthy(inspection.facts.get(name)?.shape, name);
  });
}
