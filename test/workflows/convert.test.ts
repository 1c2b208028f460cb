// The door as a command, on small networks made here: what it says, what it proves, what it refuses.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Random, tensor } from '../../src/base/index.js';
import { decodeModel, encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Model, type Value } from '../../src/graph/index.js';
import {
  Add,
  Cast,
  Concat,
  Conv,
  Expand,
  Gather,
  MatMul,
  Mul,
  ReduceMean,
  Relu,
  Reshape,
  Shape,
  Transpose,
} from '../../src/operators/index.js';
import { convert, convertPasses } from '../../src/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { randomFeeds, runOnce } from '../../src/workflows/compare.js';
import { smallNetwork, temporary } from '../walks/small-network.js';

const runtime = nodeRuntime();

/** Writes a model into a folder of its own, converts it, and reads the result. */
async function through(model: Model, options: { size?: number; tolerance?: number } = {}) {
  const folder = temporary();
  const [path, out] = [join(folder, 'network.onnx'), join(folder, 'clean.onnx')];
  writeFileSync(path, encodeModel(model));
  try {
    const result = await convert(path, { out, ...options }, runtime);
    return { result, clean: decodeModel(readFileSync(out)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const model = (build: (builder: Builder) => Value): Model => {
  const builder = new Builder('case');
  builder.output(build(builder), 'y');
  return modelOf(builder.finish());
};
const weights = (builder: Builder, name: string, shape: readonly number[]): Value => {
  const random = new Random(name);
  const count = shape.reduce((a, b) => a * b, 1);
  return builder.parameter(
    name,
    tensor(
      'float32',
      shape,
      Float32Array.from({ length: count }, () => random.normal()),
    ),
  );
};

test('a network of one picture takes any number afterwards', async t => {
  const { result, clean } = await through(smallNetwork(1));
  t.is(result.batch, 'N');
  t.deepEqual(result.difference, { random: 0, real: 0 });
  t.is(result.tolerance, 1e-4);
  t.true(result.changes.some(({ pass, what }) => pass === 'symbolic-batch' && what.includes('input')));
  for (const batch of [1, 3]) {
    const found = await runOnce(runtime, encodeModel(clean), randomFeeds(clean, new Random('x'), { batch, other: 1 }));
    t.deepEqual(found.get('probabilities')?.shape, [batch, 5]);
  }
});

test('a network in the house’s own words is left as it is', async t => {
  const { result, clean } = await through(smallNetwork());
  t.deepEqual(result.changes, [{ pass: 'clean', what: 'took out 1 Identity' }]);
  t.deepEqual((await through(clean)).result.changes, []);
});

test('a network that mixes the pictures of a batch keeps to one', async t => {
  const { result, clean } = await through(
    model(builder => {
      const x = builder.input('x', 'float32', [1, 3, 4, 4]);
      return Add(x, ReduceMean(x, [0], { keepdims: 1 }));
    }),
  );
  t.is(result.batch, 1);
  t.regex(result.batchReason!, /three pictures/);
  t.false(result.changes.some(({ pass }) => pass === 'symbolic-batch'));
  t.deepEqual(clean.graph.inputs[0]?.shape, [1, 3, 4, 4]);
});

test('a network that cannot run on more than one picture keeps to one', async t => {
  const { result } = await through(
    model(builder => {
      const x = builder.input('x', 'float32', [1, 3, 4, 4]);
      return Mul(Reshape(x, [3, 16]), weights(builder, 'w', [3, 16]));
    }),
  );
  t.is(result.batch, 1);
  t.regex(result.batchReason!, /cannot run/);
});

test('height and width become numbers, and what is computed from them constants', async t => {
  const open = model(builder => {
    const x = builder.input('x', 'float32', ['N', 3, 'H', 'W']);
    const maps = Relu(Conv(x, weights(builder, 'w', [4, 3, 3, 3])));
    const sides = Shape(maps);
    return Reshape(maps, Concat(Gather(sides, [0]), builder.constant([4]), builder.constant([-1]), { axis: 0 }));
  });
  await t.throwsAsync(through(open), { code: 'GRAFT_SIZE_UNKNOWN' });
  const { result, clean } = await through(open, { size: 10 });
  t.deepEqual(clean.graph.inputs[0]?.shape, ['N', 3, 10, 10]);
  t.deepEqual(clean.graph.outputs[0]?.shape, ['N', 4, 64]);
  t.deepEqual(
    result.changes.map(({ pass }) => pass),
    ['size', 'clean', 'fold-shapes', 'drop-unused', 'infer-shapes'],
  );
  t.false(clean.graph.nodes.some(({ op }) => op === 'Shape'));
});

test('what depends on weights alone is computed, unless the file would grow', async t => {
  const { result, clean } = await through(
    model(builder => {
      const x = builder.input('x', 'float32', ['N', 4]);
      const scaled = Mul(Transpose(weights(builder, 'w', [3, 4])), weights(builder, 's', [3]));
      const wide = Expand(weights(builder, 'one', [1, 1]), builder.constant([2000, 3]));
      return Add(MatMul(x, scaled), ReduceMean(wide, [0], { keepdims: 1 }));
    }),
  );
  t.true(result.changes.some(({ pass, what }) => pass === 'fold-constants' && what.startsWith('computed ')));
  t.deepEqual(
    clean.graph.nodes.map(({ op }) => op),
    ['MatMul', 'Add'],
  );
  const { clean: large } = await through(
    model(builder => {
      const x = builder.input('x', 'float32', ['N', 2000, 3]);
      return Add(x, Expand(weights(builder, 'one', [1, 1]), builder.constant([2000, 3])));
    }),
  );
  t.deepEqual(
    large.graph.nodes.map(({ op }) => op),
    ['Expand', 'Add'],
  );
});

test('half precision becomes float32 within its own tolerance; within none nothing is written', async t => {
  const half = model(builder => {
    const x = builder.input('x', 'float16', ['N', 3, 8, 8]);
    const random = new Random('half');
    const w = builder.parameter(
      'w',
      tensor(
        'float16',
        [4, 3, 3, 3],
        Array.from({ length: 108 }, () => random.normal()),
      ),
    );
    return Cast(Conv(x, w), { to: 10 });
  });
  const { result, clean } = await through(half);
  t.is(result.tolerance, 1e-2);
  t.true(result.difference.random > 0 && result.difference.random < 1e-2);
  t.is(clean.graph.inputs[0]?.type, 'float32');
  t.is(clean.graph.outputs[0]?.type, 'float32');

  const folder = temporary();
  const [path, out] = [join(folder, 'network.onnx'), join(folder, 'clean.onnx')];
  writeFileSync(path, encodeModel(half));
  await t.throwsAsync(convert(path, { out, tolerance: 0 }, runtime), {
    code: 'GRAFT_DIFFERENT',
    message: /random input.*nothing was written/,
  });
  t.false(existsSync(out));
  rmSync(folder, { recursive: true });
});

test('operators of others are named, files that are there are kept', async t => {
  const small = smallNetwork();
  const [first, ...rest] = small.graph.nodes;
  const custom: Model = {
    ...small,
    opsets: new Map([...small.opsets, ['my.own', 1]]),
    graph: { ...small.graph, nodes: [{ ...first!, op: 'Fancy', domain: 'my.own' }, ...rest] },
  };
  await t.throwsAsync(through(custom), { code: 'ONNX_OP_UNKNOWN', message: /Fancy of my\.own/ });

  const folder = temporary();
  const [path, out] = [join(folder, 'network.onnx'), join(folder, 'clean.onnx')];
  writeFileSync(path, encodeModel(small));
  writeFileSync(out, 'mine');
  await t.throwsAsync(convert(path, { out }, runtime), { code: 'DISK_EXISTS' });
  t.is(readFileSync(out, 'utf8'), 'mine');
  await convert(path, { out, force: true }, runtime);
  t.true(readFileSync(out).length > 100);
  rmSync(folder, { recursive: true });
});

test('the passes have names and say what they do', t => {
  const passes = convertPasses();
  t.true(passes.length > 8);
  t.true(passes.every(({ name, summary }) => /^[a-z0-9-]+$/.test(name) && summary.length > 10));
});
