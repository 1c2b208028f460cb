// Weights that a graph first writes in another layout are stored so; the graph then computes the same from them.

import test from 'ava';
import { floats, tensor } from '../../../src/base/index.js';
import { storedLayouts } from '../../../src/artifacts/network/stored-layouts.js';
import { Builder, embed, modelOf, verify } from '../../../src/graph/index.js';
import { Add, MatMul, Mul, Reshape, Transpose } from '../../../src/operators/index.js';
import { computed } from '../../passes/training-forms.js';

function example() {
  const builder = new Builder('network');
  const x = builder.input('x', 'float32', [2, 12]);
  const w = builder.input('w', 'float32', [5, 3, 2, 2]);
  const v = builder.input('v', 'float32', [12, 5]);
  const b = builder.input('b', 'float32', [5]);
  const moved = Transpose(Reshape(Transpose(w, { perm: [0, 2, 3, 1] }), [5, 12]), { perm: [1, 0] });
  const y = MatMul(x, Reshape(moved, [12, 5]));
  const z = Mul(v, Reshape(Transpose(v, { perm: [1, 0] }), [12, 5]));
  builder.output(Add(y, Reshape(b, [1, 5])), 'y');
  builder.output(z, 'z');
  return builder.finish();
}
const parameters = new Set(['w', 'v', 'b']);

test('a weight is stored as all of its readers want it, up to the last move of elements', t => {
  const { graph, layouts } = storedLayouts(example(), parameters);
  verify(modelOf(graph));
  t.deepEqual([...layouts.keys()], ['w']);
  t.deepEqual(layouts.get('w')!.shape, [12, 5]);
  t.deepEqual(
    graph.inputs.map(({ name, shape }) => [name, shape]),
    [['x', [2, 12]], ['w', [12, 5]], ['v', [12, 5]], ['b', [5]]],
  ); // prettier-ignore
  t.is(graph.nodes.filter(({ op }) => op === 'Transpose').length, 1);
});

test('the graph computes the same from the weights as they are stored, and they come back as they were', async t => {
  const before = example();
  const { graph, layouts } = storedLayouts(before, parameters);
  const builder = new Builder('both');
  const inputs = before.inputs.map(({ name, shape }) => builder.input(name, 'float32', shape!));
  const stored = new Map(inputs.map(value => [value.name, layouts.get(value.name)?.to(value) ?? value]));
  for (const [name, value] of embed(builder, graph, stored)) builder.output(value, name);
  builder.output(layouts.get('w')!.from(stored.get('w')!), 'w back');
  const found = await computed(modelOf(builder.finish()));
  const wanted = await computed(modelOf(before));
  for (const [name, value] of wanted) t.deepEqual(found.get(name), value);
  t.deepEqual(found.get('w back')!.shape, [5, 3, 2, 2]);
  const own = await computed(modelOf(echo()));
  t.deepEqual(floats(found.get('w back')!), floats(own.get('w as it is')!));
});

/** The weight as the tests feed it. */
function echo() {
  const builder = new Builder('echo');
  const w = builder.input('w', 'float32', [5, 3, 2, 2]);
  builder.output(Add(w, builder.constant(tensor('float32', [1], [0]))), 'w as it is');
  return builder.finish();
}

test('a graph whose weights are read as they are stays as it is', t => {
  const builder = new Builder('plain');
  builder.output(MatMul(builder.input('x', 'float32', [2, 3]), builder.input('w', 'float32', [3, 4])), 'y');
  const graph = builder.finish();
  t.is(storedLayouts(graph, new Set(['w'])).graph, graph);
});
