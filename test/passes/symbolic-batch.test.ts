import test from 'ava';
import { Random, tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import type { Model } from '../../src/graph/index.js';
import { inferShapes, symbolicBatch } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { randomFeeds, runOnce } from '../../src/workflows/compare.js';
import { held, keepsOutputs, networkOf, normal, whole, type NodeText } from './networks.js';

const shapesFor = async (model: Model, batch: number) => {
  const feeds = randomFeeds(model, new Random('batch'), { batch, other: 1 });
  const found = await runOnce(nodeRuntime(), encodeModel(model), feeds, { optimization: 'disabled' });
  return [...found.values()].map(({ shape }) => shape);
};
const weights = { w: normal('w', [4, 3, 3, 3]), flat: whole(1, 64), back: whole(1, -1, 4), fc: normal('fc', [64, 5]) };

test('constants of Reshape that state the batch follow it', async t => {
  const model = networkOf({
    inputs: { x: [[1, 3, 6, 6]] },
    outputs: { y: [[1, 5]], z: [[1, 16, 4]] },
    weights,
    nodes: [
      ['Conv', 'x w', 'a'],
      ['Reshape', 'a flat', 'b'],
      ['Reshape', 'b back', 'z'],
      ['MatMul', 'b fc', 'y'],
    ],
  });
  const { model: after, told } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.deepEqual(told, ['symbolic-batch: made the batch of x a name and let 2 Reshape follow it']);
  t.deepEqual(after.graph.inputs[0]?.shape, ['N', 3, 6, 6]);
  t.deepEqual(await shapesFor(after, 3), [
    [3, 5],
    [3, 16, 4],
  ]);
  t.deepEqual(
    inferShapes(after).graph.outputs.map(({ shape }) => shape),
    [
      ['N', 5],
      ['N', 16, 4],
    ],
  );
});

test('Reshape whose target is a Constant node, Flatten and Squeeze follow by themselves', async t => {
  const nodes: NodeText[] = [
    ['GlobalAveragePool', 'x', 'p'],
    ['Constant', '', 'target', { value: held(whole(1, 3)) }],
    ['Reshape', 'p target', 'a'],
    ['Flatten', 'p', 'b'],
    ['Squeeze', 'p axes', 'c'],
    ['Add', 'a b', 'd'],
    ['Add', 'd c', 'y'],
  ];
  const model = networkOf({
    inputs: { x: [[1, 3, 4, 4]] },
    outputs: { y: [[1, 3]] },
    weights: { axes: whole(2, 3) },
    nodes,
  });
  const { model: after } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.deepEqual(await shapesFor(after, 3), [[3, 3]]);
});

test('targets of Reshape that are put together of constants follow, as in exports without constant folding', async t => {
  // ShuffleNet's exchange of channels: Concat(Unsqueeze(1), Unsqueeze(2), ...)
  const model = networkOf({
    inputs: { x: [[1, 4, 3, 3]] },
    outputs: { y: [[1, 2, 2, 3, 3]] },
    weights: { one: tensor('int64', [], [1]), two: tensor('int64', [], [2]), front: whole(0), side: whole(3) },
    nodes: [
      ['Unsqueeze', 'one front', 'n'],
      ['Unsqueeze', 'two front', 'groups'],
      ['Concat', 'n groups groups side side', 'target', { axis: 0 }],
      ['Reshape', 'x target', 'y'],
    ],
  });
  const { model: after } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.deepEqual(await shapesFor(after, 3), [[3, 2, 2, 3, 3]]);
});

test('tokens that are repeated for each picture follow', async t => {
  // a vision transformer's class token: Expand to [1, 1, D], then Concat
  const model = networkOf({
    inputs: { x: [[1, 5, 4]] },
    outputs: { y: [[1, 6, 4]] },
    weights: { token: normal('token', [1, 1, 4]), sizes: whole(1, 1, 4) },
    nodes: [
      ['Expand', 'token sizes', 't'],
      ['Concat', 't x', 'y', { axis: 1 }],
    ],
  });
  const { model: after, told } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.deepEqual(await shapesFor(after, 3), [[3, 6, 4]]);
  t.deepEqual(told, ['symbolic-batch: made the batch of x a name and let 1 Concat follow it']);
});

test('sizes of Resize follow', async t => {
  const model = networkOf({
    inputs: { x: [[1, 3, 4, 4]] },
    outputs: { y: [[1, 3, 8, 6]] },
    weights: { sizes: whole(1, 3, 8, 6) },
    nodes: [['Resize', 'x _ _ sizes', 'y', { mode: 'linear' }]],
  });
  const { model: after } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.deepEqual(await shapesFor(after, 3), [[3, 3, 8, 6]]);
});

test('several inputs of one batch become one name, side inputs stay', async t => {
  const model = networkOf({
    inputs: { a: [[1, 3, 4, 4]], b: [[1, 3, 4, 4]], rate: [[1]] },
    outputs: { y: [[1, 3, 4, 4]] },
    nodes: [
      ['Add', 'a b', 'c'],
      ['Mul', 'c rate', 'y'],
    ],
  });
  const { model: after } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.deepEqual(
    after.graph.inputs.map(({ shape }) => shape?.[0]),
    ['N', 'N', 1],
  );
  t.deepEqual(await shapesFor(after, 3), [[3, 3, 4, 4]]);
});

test('a batch that is a name, or several pictures, stays', t => {
  const named = networkOf({ inputs: { x: [['B', 3, 4, 4]] }, outputs: { y: [['B', 3, 4, 4]] }, nodes: [['Relu', 'x', 'y']] }); // prettier-ignore
  t.is(symbolicBatch(named), named);
  const eight = networkOf({ inputs: { x: [[8, 3, 4, 4]] }, outputs: { y: [[8, 3, 4, 4]] }, nodes: [['Relu', 'x', 'y']] }); // prettier-ignore
  t.is(symbolicBatch(eight), eight);
});

test('what shape arithmetic reads of the batch follows by itself', async t => {
  const model = networkOf({
    inputs: { x: [[1, 3, 4, 4]] },
    outputs: { y: [[1, 48]] },
    weights: { zero: tensor('int64', [], [0]), front: whole(0), rest: whole(-1) },
    nodes: [
      ['Shape', 'x', 's'],
      ['Gather', 's zero', 'n'],
      ['Unsqueeze', 'n front', 'm'],
      ['Concat', 'm rest', 'target', { axis: 0 }],
      ['Reshape', 'x target', 'y'],
    ],
  });
  const { model: after } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.deepEqual(await shapesFor(after, 3), [[3, 48]]);
});

test('windows of a picture are taken apart and put together for each picture', async t => {
  // Swin: [1, 4, 4, C] to windows [4, 4, C], attention over them with heads in front, and back
  const model = networkOf({
    inputs: { x: [[1, 4, 4, 6]] },
    outputs: { y: [[1, 4, 4, 6]] },
    weights: {
      grid: whole(1, 2, 2, 2, 2, 6),
      windows: whole(4, 4, 6),
      heads: whole(4, 4, 3, 2, 1),
      qkv: normal('qkv', [6, 6]),
      masked: whole(1, 4, 2, 4, 1),
      mask: normal('mask', [1, 4, 1, 4, 1]),
      again: whole(4, 2, 4, 1),
      pairs: whole(1, 4, 4, 2),
      wide: normal('wide', [2, 6]),
      back: whole(1, 2, 2, 2, 2, 6),
      whole: whole(1, 4, 4, 6),
    },
    nodes: [
      ['Reshape', 'x grid', 'a'],
      ['Transpose', 'a', 'b', { perm: [0, 1, 3, 2, 4, 5] }],
      ['Reshape', 'b windows', 'c'],
      ['MatMul', 'c qkv', 'd'],
      ['Reshape', 'd heads', 'e'],
      ['Transpose', 'e', 'f', { perm: [2, 0, 3, 1, 4] }],
      ['ReduceMean', 'f', 'g', { axes: [0], keepdims: 0 }],
      ['Reshape', 'g masked', 'h'],
      ['Add', 'h mask', 'i'],
      ['Reshape', 'i again', 'j'],
      ['Transpose', 'j', 'k', { perm: [0, 2, 1, 3] }],
      ['Reshape', 'k pairs', 'l'],
      ['MatMul', 'l wide', 'm'],
      ['Reshape', 'm back', 'n'],
      ['Transpose', 'n', 'o', { perm: [0, 1, 3, 2, 4, 5] }],
      ['Reshape', 'o whole', 'y'],
    ],
    opset: 17,
  });
  const { model: after } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.deepEqual(await shapesFor(after, 3), [[3, 4, 4, 6]]);
});

test('a batch that lies behind the tokens follows', async t => {
  // PyTorch's attention: [1, T, C] as [T, 1, C], heads as [T, 1·h, C/h]
  const model = networkOf({
    inputs: { x: [[1, 5, 6]] },
    outputs: { y: [[1, 5, 6]] },
    weights: {
      heads: whole(5, 3, 2),
      back: whole(5, 1, 6),
      token: normal('token', [1, 1, 6]),
      from: whole(1),
      end: whole(6),
      axis: whole(0),
    },
    nodes: [
      ['Transpose', 'x', 'a', { perm: [1, 0, 2] }],
      ['Reshape', 'a heads', 'b'],
      ['Tanh', 'b', 'c'],
      ['Reshape', 'c back', 'd'],
      ['Concat', 'd token', 'e', { axis: 0 }],
      ['Slice', 'e from end axis', 'f'],
      ['Transpose', 'f', 'y', { perm: [1, 0, 2] }],
    ],
  });
  const { model: after } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.deepEqual(await shapesFor(after, 3), [[3, 5, 6]]);
});

test('a flat picture picked in order, as PyTorch writes as_strided, follows', async t => {
  const order = Array.from({ length: 2048 }, (_, i) => i);
  const model = networkOf({
    inputs: { x: [[1, 2048, 1, 1]] },
    outputs: { y: [[1, 2048]] },
    weights: { flat: whole(-1), order: tensor('int64', [1, 2048, 1, 1], order), target: whole(1, 2048) },
    nodes: [
      ['Reshape', 'x flat', 'a'],
      ['Gather', 'a order', 'b', { axis: 0 }],
      ['Reshape', 'b target', 'y'],
    ],
  });
  const { model: after, ops } = await keepsOutputs(t, symbolicBatch, model, { batch: 1 });
  t.is(ops, 'Reshape Reshape Reshape');
  t.deepEqual(await shapesFor(after, 3), [[3, 2048]]);
});
