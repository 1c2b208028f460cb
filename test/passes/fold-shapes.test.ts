import test from 'ava';
import { integers, tensor } from '../../src/base/index.js';
import { dropUnused, foldShapes } from '../../src/passes/index.js';
import { body, graphOf, keepsOutputs, networkOf, whole, type NodeText } from './networks.js';

const scalar = (value: number) => tensor('int64', [], [value]);
/** [N, C, H, W] → Reshape to [N, C/2, 2·H, W] through Shape, Gather, Div, Mul, Unsqueeze, Concat. */
const chain: NodeText[] = [
  ['Shape', 'x', 's'],
  ['Gather', 's i0', 'n'],
  ['Gather', 's i1', 'c'],
  ['Gather', 's i2', 'h'],
  ['Gather', 's i3', 'w'],
  ['Div', 'c two', 'c2'],
  ['Mul', 'h two', 'h2'],
  ['Unsqueeze', 'n front', 'n_'],
  ['Unsqueeze', 'c2 front', 'c_'],
  ['Unsqueeze', 'h2 front', 'h_'],
  ['Unsqueeze', 'w front', 'w_'],
  ['Concat', 'n_ c_ h_ w_', 'target', { axis: 0 }],
  ['Reshape', 'x target', 'y'],
];
const weights = { i0: scalar(0), i1: scalar(1), i2: scalar(2), i3: scalar(3), two: scalar(2), front: whole(0) };

test('a chain over the batch becomes one Reshape with a 0 where the batch stands', async t => {
  const model = networkOf({ inputs: { x: [['N', 4, 6, 8]] }, outputs: { y: [undefined] }, weights, nodes: chain });
  const { model: after, told } = await keepsOutputs(t, foldShapes, model);
  t.is(told.length, 1);
  const short = dropUnused(after);
  t.is(short.graph.nodes.map(({ op }) => op).join(' '), 'Reshape');
  t.deepEqual(integers([...short.graph.initializers.values()][0]!), [0, 2, 12, 8]);
  await keepsOutputs(t, dropUnused, after);
});

test('one size that is a name and changes is -1, those that stay are 0', async t => {
  const model = networkOf({ inputs: { x: [['N', 4, 'H', 8]] }, outputs: { y: [undefined] }, weights, nodes: chain });
  const { model: after } = await keepsOutputs(t, foldShapes, model);
  const reshape = after.graph.nodes.at(-1)!;
  t.deepEqual(integers(after.graph.initializers.get(reshape.inputs[1]!)!), [0, 2, -1, 8]);
  const open = networkOf({ inputs: { x: [['N', 4, 'H', 'W']] }, outputs: { y: [undefined] }, weights, nodes: chain });
  const { model: both } = await keepsOutputs(t, foldShapes, open);
  t.deepEqual(integers(both.graph.initializers.get(both.graph.nodes.at(-1)!.inputs[1]!)!), [0, 2, -1, 0]);
});

test('halves are not lost: what goes through floats is not followed', async t => {
  // floor(7 · 0.5 · 2) as floats is 7, as whole numbers 6
  const model = networkOf({
    inputs: { x: [['N', 7]] },
    outputs: { y: [undefined] },
    weights: { one: scalar(1), half: tensor('float32', [], [2]), front: whole(0) },
    nodes: [
      ['Shape', 'x', 's'],
      ['Gather', 's one', 'w'],
      ['Cast', 'w', 'f', { to: 1 }],
      ['Div', 'f half', 'd'],
      ['Mul', 'd half', 'm'],
      ['Cast', 'm', 'i', { to: 7 }],
      ['Unsqueeze', 'i front', 'l'],
      ['ConstantOfShape', 'l', 'y'],
    ],
  });
  await keepsOutputs(t, foldShapes, model);
});

test('integer division rounds towards zero, as onnxruntime does', async t => {
  const model = networkOf({
    inputs: { x: [['N', 7]] },
    outputs: { y: [undefined] },
    weights: { a: whole(7, -7, 9), b: whole(2, 2, -4) },
    nodes: [
      ['Div', 'a b', 'c'],
      ['Sub', 'c b', 'd'],
      ['Cast', 'd', 'e', { to: 1 }],
      ['Shape', 'x', 's'],
      ['Cast', 's', 't', { to: 1 }],
      ['Concat', 'e t', 'y', { axis: 0 }],
    ],
  });
  const { model: after } = await keepsOutputs(t, foldShapes, model);
  t.deepEqual(integers(after.graph.initializers.get('d')!), [1, -5, 2]);
});

test('an output stays a node; names that two bodies share are left alone', async t => {
  const branch = (name: string, axis: number) =>
    graphOf({
      outputs: { [name]: [undefined, 'int64'] },
      weights: { [`${name}/i`]: whole(axis) },
      nodes: [
        ['Shape', 'x', 'shared'],
        ['Gather', `shared ${name}/i`, name],
      ],
    });
  const model = networkOf({
    inputs: { x: [[2, 4, 6]], yes: [[], 'bool'] },
    outputs: { y: [undefined, 'int64'], s: [undefined, 'int64'] },
    nodes: [
      ['If', 'yes', 'y', { then_branch: body(branch('t', 1)), else_branch: body(branch('e', 2)) }],
      ['Shape', 'x', 's'],
    ],
  });
  const { ops } = await keepsOutputs(t, foldShapes, model);
  t.is(ops, 'If Shape');
});
