import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { clean } from '../../src/passes/index.js';
import { body, float, graphOf, keepsOutputs, networkOf, normal } from './networks.js';

const picture = { x: [['N', 3, 6, 6]] } as const;
const out = { y: [['N', 3, 6, 6]] } as const;

test('Identity, Dropout and a Cast to the type that is there are taken out', async t => {
  const model = networkOf({
    inputs: picture,
    outputs: out,
    weights: { ratio: tensor('float32', [], [0.5]), off: tensor('bool', [], [0]) },
    nodes: [
      ['Identity', 'x', 'a'],
      ['Relu', 'a', 'b'],
      ['Dropout', 'b ratio off', 'c mask'],
      ['Cast', 'x', 'd', { to: 1 }],
      ['Add', 'c d', 'y'],
    ],
  });
  const { ops, told } = await keepsOutputs(t, clean, model);
  t.is(ops, 'Relu Add');
  t.deepEqual(told, ['clean: took out 1 Identity, 1 Dropout, 1 Cast']);
});

test('a Cast of a value whose type the file does not tell is taken out too', async t => {
  const model = networkOf({
    inputs: { x: [['N', 3], 'int64'] },
    outputs: { y: [['N', 3]] },
    nodes: [
      ['Cast', 'x', 'a', { to: 1 }],
      ['Relu', 'a', 'b'],
      ['Cast', 'b', 'c', { to: 1 }],
      ['Tanh', 'c', 'y'],
    ],
  });
  t.is((await keepsOutputs(t, clean, model)).ops, 'Cast Relu Tanh');
});

test('the maker of a value takes over the name of the output', async t => {
  const model = networkOf({ inputs: picture, outputs: out, nodes: [['Relu', 'x', 'a'], ['Identity', 'a', 'b'], ['Dropout', 'b', 'y']] }); // prettier-ignore
  const { model: after, ops } = await keepsOutputs(t, clean, model);
  t.is(ops, 'Relu');
  t.deepEqual(after.graph.nodes[0]?.outputs, ['y']);
});

test('what must stay stays: an input passed to an output, one value under two names, a mask that is read', async t => {
  const passed = networkOf({ inputs: picture, outputs: out, nodes: [['Identity', 'x', 'y']] });
  t.is((await keepsOutputs(t, clean, passed)).ops, 'Identity');
  const both = networkOf({
    inputs: picture,
    outputs: { ...out, z: [['N', 3, 6, 6]] },
    nodes: [
      ['Relu', 'x', 'y'],
      ['Identity', 'y', 'z'],
    ],
  });
  t.is((await keepsOutputs(t, clean, both)).ops, 'Relu Identity');
  const two = networkOf({
    inputs: picture,
    outputs: { ...out, z: [['N', 3, 6, 6]] },
    nodes: [
      ['Relu', 'x', 'a'],
      ['Identity', 'a', 'y'],
      ['Identity', 'a', 'z'],
    ],
  });
  t.is((await keepsOutputs(t, clean, two)).ops, 'Relu Identity');
  const mask = networkOf({
    inputs: picture,
    outputs: out,
    nodes: [
      ['Dropout', 'x', 'a m'],
      ['Where', 'm a x', 'y'],
    ],
  });
  t.is((await keepsOutputs(t, clean, mask)).ops, 'Dropout Where');
});

test('statistics of BatchNormalization that nobody reads are left off', async t => {
  const statistics = Object.fromEntries(['s', 'b', 'm'].map(name => [name, normal(name, [3])]));
  const model = networkOf({
    opset: 8,
    inputs: picture,
    outputs: out,
    weights: { ...statistics, v: tensor('float32', [3], [1, 2, 3]) },
    nodes: [['BatchNormalization', 'x s b m v', 'y']],
  });
  const [node] = model.graph.nodes;
  const training = {
    ...model,
    graph: { ...model.graph, nodes: [{ ...node!, outputs: ['y', 'nm', 'nv', 'sm', 'sv'] }] },
  };
  const told: string[] = [];
  const after = clean(training, (_, what) => told.push(what));
  t.deepEqual(after.graph.nodes[0]?.outputs, ['y']);
  t.deepEqual(told, ['took out 1 statistics of BatchNormalization']);
  await keepsOutputs(t, clean, model);
});

test('names that bodies capture follow', async t => {
  const branch = (name: string, op: string) =>
    graphOf({ outputs: { [name]: [['N', 3, 6, 6]] }, nodes: [[op, 'a', name]] });
  const model = networkOf({
    inputs: { ...picture, yes: [[], 'bool'] },
    outputs: out,
    nodes: [
      ['Identity', 'x', 'a'],
      ['If', 'yes', 'b', { then_branch: body(branch('t', 'Relu')), else_branch: body(branch('e', 'Neg')) }],
      ['Elu', 'b', 'c', { alpha: float(0.5) }],
      ['Identity', 'c', 'y'],
    ],
  });
  t.is((await keepsOutputs(t, clean, model)).ops, 'If Elu');
});

test('the maker of a value that a body captures gives its new name to the body too', async t => {
  const branch = (name: string, op: string) =>
    graphOf({ outputs: { [name]: [['N', 3, 6, 6]] }, nodes: [[op, 'a', name]] });
  const model = networkOf({
    inputs: { ...picture, yes: [[], 'bool'] },
    outputs: { ...out, z: [['N', 3, 6, 6]] },
    nodes: [
      ['Sigmoid', 'x', 'a'],
      ['If', 'yes', 'z', { then_branch: body(branch('t', 'Relu')), else_branch: body(branch('e', 'Neg')) }],
      ['Identity', 'a', 'y'],
    ],
  });
  t.is((await keepsOutputs(t, clean, model)).ops, 'Sigmoid If');
});
