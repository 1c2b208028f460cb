// graft split on a published quantised network: bit for bit without optimizations; with them no farther than their own
// doing allows, which the result says.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { split } from '../../src/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { assets } from '../assets.js';
import { temporary } from '../walks/small-network.js';

const path = assets ? join(assets, 'models/mobilenetv1-0.25-128-qdq.onnx') : undefined;

for (const cut of ['features', 'conv16', 'clip29'])
  test(`a quantised network split at ${cut}`, async t => {
    if (!path || !existsSync(path)) {
      t.log('no assets: skipped');
      t.pass();
      return;
    }
    const folder = temporary();
    const { difference, quantizedDrift } = await split(path, { at: [cut], out: join(folder, 'parts') }, nodeRuntime());
    t.is(difference.exact, 0);
    t.true(difference.optimized <= Math.max(1e-5, 2 * quantizedDrift!));
    rmSync(folder, { recursive: true });
  });
