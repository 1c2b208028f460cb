// Every published network goes through the door: the same outputs, one picture and three at a time.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Random } from '../../src/base/index.js';
import { decodeModel } from '../../src/codec/index.js';
import { feedsOf, houseOpset } from '../../src/graph/index.js';
import { missingDomains } from '../../src/inspect/index.js';
import { readModel } from '../../src/codec/node.js';
import { convert, inspect, taps } from '../../src/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { randomFeeds, runOnce } from '../../src/workflows/compare.js';
import { assets } from '../assets.js';

const runtime = nodeRuntime();
const folder = assets ? join(assets, 'models') : undefined;
const files = folder
  ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.onnx'))
      .sort()
  : [];

test('there are networks', t => {
  if (!folder) t.log('no assets: skipped');
  t.true(!folder || files.length > 0);
});

for (const file of files) {
  test(`${file}: a clean network comes out of the door`, async t => {
    const path = join(folder!, file);
    const place = mkdtempSync(join(tmpdir(), 'graft-convert-'));
    const out = join(place, 'clean.onnx');
    const { model } = readModel(path);
    const [missing] = missingDomains(
      model.graph,
      model.functions.map(({ domain }) => domain),
    );
    if (missing) {
      const error = await t.throwsAsync(convert(path, { out }, runtime), { code: 'ONNX_OP_UNKNOWN' });
      t.true(error.message.includes(missing.domain), error.message);
    } else {
      const { batch, difference, tolerance } = await convert(path, { out }, runtime);
      t.is(batch, 'N');
      t.true(Math.max(difference.random, difference.real) <= tolerance);
      const bytes = readFileSync(out);
      const clean = decodeModel(bytes);
      t.is(clean.opsets.get(''), houseOpset);
      t.true(feedsOf(clean.graph).length === clean.graph.inputs.length && clean.irVersion >= 4);
      t.false([...clean.graph.initializers.values()].some(({ type }) => type === 'float16'));
      t.false(clean.graph.nodes.some(({ op }) => op === 'Dropout' || op === 'Constant'));
      for (const count of [1, 3]) {
        const feeds = randomFeeds(clean, new Random('batch'), { batch: count, other: 224 });
        const found = await runOnce(runtime, bytes, feeds);
        t.true([...found.values()].every(({ shape }) => shape[0] === count));
      }
      // what is clean already stays as it is
      const again = await convert(out, { out: join(place, 'again.onnx') }, runtime);
      t.deepEqual(again.changes, []);
    }
    rmSync(place, { recursive: true });
  });
  test(`${file}: its cuts can be tapped`, async t => {
    const path = join(folder!, file);
    const [one] = inspect([path]);
    if (!one || 'error' in one || one.unknownOperators.length > 0) {
      t.pass();
      return;
    }
    const place = mkdtempSync(join(tmpdir(), 'graft-taps-'));
    const names = Object.keys(one.names).slice(0, 4);
    const value = names.length > 0 ? names : one.cuts.slice(0, 2).flatMap(({ values }) => values);
    const {
      taps: tapped,
      difference,
      halfPrecision,
    } = await taps(path, { value, out: join(place, 'tapped.onnx') }, runtime);
    t.true(tapped.length > 0 && tapped.every(({ type, shape }) => type && shape));
    t.true(difference.exact <= (halfPrecision ? 1e-2 : 0) && difference.optimized <= (halfPrecision ? 1e-2 : 1e-5));
    rmSync(place, { recursive: true });
  });
}
