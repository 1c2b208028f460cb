import test from 'ava';
import { dropUnused } from '../../src/passes/index.js';
import { body, graphOf, keepsOutputs, networkOf, normal } from './networks.js';

test('nodes and weights that no output needs go, inputs stay', async t => {
  const model = networkOf({
    inputs: { x: [['N', 3]], unread: [['N', 3]] },
    outputs: { y: [['N', 3]] },
    weights: { w: normal('w', [3]), v: normal('v', [3]), u: normal('u', [3]) },
    nodes: [
      ['Mul', 'x w', 'y'],
      ['Add', 'x v', 'a'],
      ['Relu', 'a', 'b'],
    ],
  });
  const { model: after, ops, told } = await keepsOutputs(t, dropUnused, model);
  t.is(ops, 'Mul');
  t.deepEqual([...after.graph.initializers.keys()], ['w']);
  t.deepEqual(
    after.graph.inputs.map(({ name }) => name),
    ['x', 'unread'],
  );
  t.deepEqual(told, ['drop-unused: dropped 2 nodes and 2 weights that nothing needs']);
});

test('what only a body reads is needed; what a body makes for nobody is not', async t => {
  const branch = (name: string, op: string) =>
    graphOf({
      outputs: { [name]: [['N', 3]] },
      nodes: [
        [op, 'a', name],
        ['Neg', 'a', `${name}/unread`],
      ],
    });
  const model = networkOf({
    inputs: { x: [['N', 3]], yes: [[], 'bool'] },
    outputs: { y: [['N', 3]] },
    weights: { w: normal('w', [3]) },
    nodes: [
      ['Mul', 'x w', 'a'],
      ['If', 'yes', 'y', { then_branch: body(branch('t', 'Relu')), else_branch: body(branch('e', 'Abs')) }],
    ],
  });
  const { ops, told } = await keepsOutputs(t, dropUnused, model);
  t.is(ops, 'Mul If');
  t.deepEqual(told, ['drop-unused: dropped 2 nodes that nothing needs']);
});

test('weights that are listed as inputs go from both lists', async t => {
  const model = networkOf({
    ir: 3,
    opset: 9,
    inputs: { x: [['N', 3]], w: [[3]], v: [[3]] },
    outputs: { y: [['N', 3]] },
    weights: { w: normal('w', [3]), v: normal('v', [3]) },
    nodes: [['Mul', 'x w', 'y']],
  });
  const { model: after } = await keepsOutputs(t, dropUnused, model);
  t.deepEqual(
    after.graph.inputs.map(({ name }) => name),
    ['x', 'w'],
  );
});
