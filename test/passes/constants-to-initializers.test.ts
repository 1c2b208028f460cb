import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { constantsToInitializers } from '../../src/passes/index.js';
import { body, float, graphOf, held, keepsOutputs, networkOf, normal } from './networks.js';

test('every kind of Constant becomes a weight of its name', async t => {
  const model = networkOf({
    inputs: { x: [['N', 3]] },
    outputs: { y: [['N', 3]], z: [[]] },
    nodes: [
      ['Constant', '', 'w', { value: held(normal('w', [3])) }],
      ['Constant', '', 'half', { value_float: float(0.5) }],
      ['Constant', '', 'list', { value_floats: { kind: 'floats', value: [1, 2, 3] } }],
      ['Constant', '', 'axes', { value_ints: [0, 1] }],
      ['Constant', '', 'three', { value_int: 3 }],
      ['Mul', 'x w', 'a'],
      ['Mul', 'a half', 'b'],
      ['Add', 'b list', 'y'],
      ['ReduceSum', 'y axes', 'c', { keepdims: 0 }],
      ['Cast', 'three', 'd', { to: 1 }],
      ['Add', 'c d', 'z'],
    ],
  });
  const { model: after, ops, told } = await keepsOutputs(t, constantsToInitializers, model);
  t.is(ops, 'Mul Mul Add ReduceSum Cast Add');
  t.deepEqual([...after.graph.initializers.keys()], ['w', 'half', 'list', 'axes', 'three']);
  t.deepEqual(told, ['constants-to-initializers: turned 5 Constant nodes into initializers']);
});

test('in bodies too; an output stays a node', async t => {
  const branch = (name: string, value: number) =>
    graphOf({
      outputs: { [name]: [['N', 3]] },
      nodes: [
        ['Constant', '', `${name}/c`, { value: held(tensor('float32', [1], [value])) }],
        ['Add', `x ${name}/c`, name],
      ],
    });
  const model = networkOf({
    inputs: { x: [['N', 3]], yes: [[], 'bool'] },
    outputs: { y: [['N', 3]], z: [[1]] },
    nodes: [
      ['If', 'yes', 'y', { then_branch: body(branch('t', 1)), else_branch: body(branch('e', 2)) }],
      ['Constant', '', 'z', { value: held(tensor('float32', [1], [7])) }],
    ],
  });
  const { ops, model: after } = await keepsOutputs(t, constantsToInitializers, model);
  t.is(ops, 'If Constant');
  const then = after.graph.nodes[0]?.attributes.get('then_branch');
  t.true(then?.kind === 'graph' && then.value.nodes.length === 1 && then.value.initializers.size === 1);
});
