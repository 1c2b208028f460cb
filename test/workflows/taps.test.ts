// Inner values as outputs: by their own names and by those that a person would use.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Random, tensor } from '../../src/base/index.js';
import { decodeModel, encodeModel } from '../../src/codec/index.js';
import { modelOf, type Model } from '../../src/graph/index.js';
import { taps } from '../../src/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { differenceOf, randomFeeds, runOnce } from '../../src/workflows/compare.js';
import { smallNetwork, temporary } from '../walks/small-network.js';

const runtime = nodeRuntime();

test('features and an inner value come out, the old output as before', async t => {
  const folder = temporary();
  const [path, out] = [join(folder, 'network.onnx'), join(folder, 'tapped.onnx')];
  const before = smallNetwork();
  writeFileSync(path, encodeModel(before));
  const inner = before.graph.nodes[0]!.outputs[0]!;
  const result = await taps(path, { value: ['features', inner, 'probabilities', inner], out }, runtime);
  t.is(result.taps.length, 3);
  t.deepEqual(
    result.taps.map(({ type, shape, wasOutput }) => ({ type, shape, wasOutput })),
    [
      { type: 'float32', shape: ['N', 8], wasOutput: false },
      { type: 'float32', shape: ['N', 6, 8, 8], wasOutput: false },
      { type: 'float32', shape: ['N', 5], wasOutput: true },
    ],
  );
  const after = decodeModel(readFileSync(out));
  t.deepEqual(
    after.graph.outputs.map(({ name }) => name),
    ['probabilities', result.taps[0]!.name, inner],
  );
  const feeds = randomFeeds(before, new Random('again'), { batch: 3, other: 16 });
  const wanted = await runOnce(runtime, encodeModel(before), feeds, { optimization: 'disabled' });
  const found = await runOnce(runtime, encodeModel(after), feeds, { optimization: 'disabled' });
  t.true(differenceOf(wanted, found).exact);
  t.deepEqual(found.get(inner)?.shape, [3, 6, 8, 8]);

  await t.throwsAsync(taps(path, { value: [inner], out }, runtime), { code: 'DISK_EXISTS' });
  await t.throwsAsync(taps(path, { value: [], out, force: true }, runtime), { code: 'GRAFT_NO_TAPS' });
  await t.throwsAsync(taps(path, { value: ['nowhere'], out, force: true }, runtime), { code: 'TAP_NO_VALUE' });
  await t.throwsAsync(taps(path, { value: ['fc.w'], out, force: true }, runtime), {
    code: 'TAP_SOURCE',
    message: /a weight/,
  });
  await t.throwsAsync(taps(path, { value: ['input'], out, force: true }, runtime), {
    code: 'TAP_SOURCE',
    message: /an input/,
  });
  rmSync(folder, { recursive: true });
});

test('a value inside a body cannot leave it', async t => {
  const body = (name: string, op: string) => ({
    name,
    inputs: [],
    outputs: [{ name: `${name}/y`, type: 'float32' as const, shape: ['N', 3, 4, 4] }],
    nodes: [{ op, domain: '', name: op, inputs: ['x'], outputs: [`${name}/y`], attributes: new Map() }],
    initializers: new Map(),
    sparseInitializers: [],
    values: new Map(),
  });
  const model: Model = modelOf({
    name: 'choice',
    inputs: [{ name: 'x', type: 'float32', shape: ['N', 3, 4, 4] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['N', 3, 4, 4] }],
    nodes: [
      {
        op: 'If',
        domain: '',
        name: 'choose',
        inputs: ['yes'],
        outputs: ['y'],
        attributes: new Map([
          ['then_branch', { kind: 'graph', value: body('then', 'Relu') }],
          ['else_branch', { kind: 'graph', value: body('else', 'Neg') }],
        ]),
      },
    ],
    initializers: new Map([['yes', tensor('bool', [], [1])]]),
    sparseInitializers: [],
    values: new Map(),
  });
  const folder = temporary();
  const path = join(folder, 'choice.onnx');
  writeFileSync(path, encodeModel(model));
  await t.throwsAsync(taps(path, { value: ['then/y'], out: join(folder, 'tapped.onnx') }, runtime), {
    code: 'TAP_NO_VALUE',
    message: /body/,
  });
  rmSync(folder, { recursive: true });
});
