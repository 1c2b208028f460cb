import test from 'ava';
import { inferShapes, inferShapesWith } from '../../src/passes/index.js';
import { OperatorSet } from '../../src/operators/index.js';
import { keepsOutputs, networkOf, normal, whole } from './networks.js';

const model = networkOf({
  inputs: { x: [['N', 3, 8, 8]] },
  outputs: { y: [undefined] },
  weights: { w: normal('w', [4, 3, 3, 3]) },
  nodes: [
    ['Conv', 'x w', 'a', { strides: [2, 2], pads: [1, 1, 1, 1] }],
    ['Relu', 'a', 'b'],
    ['Flatten', 'b', 'y'],
  ],
});

test('types and shapes of inner values and of outputs are written down, the batch as a name', async t => {
  const { model: after, told } = await keepsOutputs(t, inferShapes, model);
  t.deepEqual([...after.graph.values], [
    ['a', { name: 'a', type: 'float32', shape: ['N', 4, 4, 4] }],
    ['b', { name: 'b', type: 'float32', shape: ['N', 4, 4, 4] }],
  ]); // prettier-ignore
  t.deepEqual(after.graph.outputs, [{ name: 'y', type: 'float32', shape: ['N', 64] }]);
  t.deepEqual(told, ['infer-shapes: wrote down type and shape of 3 values']);
});

test('what the operators do not tell stays as the file says it', t => {
  const said = { name: 'b', type: 'float32', shape: ['N', 4, 4, 4] } as const;
  const known = { ...model, graph: { ...model.graph, values: new Map([['b', said]]) } };
  const after = inferShapesWith(new OperatorSet([]))(known);
  t.deepEqual(after.graph.values.get('b'), said);
});

test('a size modulo itself is not that size', async t => {
  const remainder = networkOf({
    inputs: { x: [['N', 4]] },
    outputs: { y: [undefined] },
    weights: { zero: whole(0), one: whole(1) },
    nodes: [
      ['Shape', 'x', 's'],
      ['Gather', 's zero', 'n'],
      ['Mod', 'n n', 'none'],
      ['Add', 'none one', 'l'],
      ['ConstantOfShape', 'l', 'y'],
    ],
  });
  const { model: after } = await keepsOutputs(t, inferShapes, remainder);
  t.deepEqual(after.graph.outputs[0]?.shape, ['']);
});
