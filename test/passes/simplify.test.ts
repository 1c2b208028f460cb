// Chains of shapes, orders and factors, and nodes that compute the same: fewer nodes, the same outputs and gradients.

import test from 'ava';
import {
  Add, Div, Expand, Flatten, Identity, LayerNormalization, MaxPool, Mul, Neg, ReduceMean, ReduceSum, Relu, Reshape,
  Squeeze, Sub, Transpose, Unsqueeze,
} from '../../src/operators/index.js'; // prettier-ignore
import { mergeEqual, simplifyArithmetic, simplifyLayout } from '../../src/passes/index.js';
import type { Value } from '../../src/graph/index.js';
import { computesTheSame, count, kinds, trained, trainsTheSame, withGradients, type Weight } from './training-forms.js';

type Build = (x: Value, weight: Weight) => Value | readonly Value[];

const layouts: Readonly<Record<string, [Build, string]>> = {
  'shapes in a row': [x => Relu(Reshape(Squeeze(Unsqueeze(Flatten(x), [0]), [0]), [3, 2, 4, 2])), 'Reshape Relu'],
  'shapes that end where they began': [x => Relu(Reshape(Flatten(x), [2, 3, 4, 2])), 'Relu'],
  'orders in a row': [x => Relu(Transpose(Transpose(x, { perm: [1, 0, 2, 3] }), { perm: [1, 2, 3, 0] })), 'Transpose Relu'], // prettier-ignore
  'orders that undo each other': [x => Relu(Transpose(Transpose(x, { perm: [1, 2, 3, 0] }), { perm: [3, 0, 1, 2] })), 'Relu'], // prettier-ignore
  'an order that moves axes of one': [x => Relu(Transpose(Reshape(x, [1, 6, 1, 8]), { perm: [2, 1, 3, 0] })), 'Reshape Relu'], // prettier-ignore
  'a shape that is read elsewhere stays': [
    x => {
      const flat = Flatten(x);
      return [Relu(flat), Neg(Reshape(flat, [3, 16]))];
    },
    'Reshape Relu Reshape Neg',
  ],
  'nothing to join': [x => Reshape(Transpose(x, { perm: [0, 2, 1, 3] }), [8, 6]), 'Transpose Reshape'],
};
for (const [name, [build, wanted]] of Object.entries(layouts))
  test(`layout: ${name}`, async t => {
    const network = trained([2, 3, 4, 2], build);
    const after = await trainsTheSame(t, network, simplifyLayout);
    t.is(kinds(after).join(' '), wanted);
    t.is(simplifyLayout(after), after, 'a second time there is nothing to do');
  });

const arithmetic: Readonly<Record<string, [Build, string]>> = {
  'times one, plus nothing': [x => Relu(Sub(Add(Mul(x, 1), 0), 0)), 'Relu'],
  'factors in a row': [x => Relu(Mul(Div(Mul(x, 3), 2), 5)), 'Mul Relu'],
  'a quotient by a number': [x => Div(x, 4), 'Mul'],
  'a factor that is read elsewhere': [
    x => {
      const twice = Mul(x, 2);
      return [Mul(twice, 3), Relu(twice)];
    },
    'Mul Mul Relu',
  ],
  'plus a negative': [(x, weight) => Add(x, Neg(weight('w', [4, 2]))), 'Sub'],
  'a negative plus': [(x, weight) => Add(Neg(weight('w', [4, 2])), x), 'Sub'],
  'repeated for nothing': [(x, weight) => Mul(Expand(weight('w', [3, 1, 1]), [2, 3, 4, 2]), x), 'Mul'],
  'repeated for something': [
    (x, weight) => Add(x, Mul(Expand(weight('w', [1, 3, 1, 1]), [2, 3, 1, 1]), weight('v', [1]))),
    'Expand Mul Add',
  ],
  'scaled after repeating': [x => Mul(Expand(x, [2, 3, 4, 2]), 0.5), 'Mul Expand'],
  'summed after scaling': [x => ReduceSum(Mul(x, 0.5), [1, 2], { keepdims: 0 }), 'ReduceSum Mul'],
  'averaged after scaling': [x => ReduceMean(Mul(0.5, x), [3]), 'ReduceMean Mul'],
  'one that makes the shape larger stays': [x => Mul(ReduceSum(x, [1]), x.builder.constant(1)), 'ReduceSum'],
};
for (const [name, [build, wanted]] of Object.entries(arithmetic))
  test(`arithmetic: ${name}`, async t => {
    const network = trained([2, 3, 4, 2], build);
    const after = await trainsTheSame(t, network, simplifyArithmetic);
    t.is(kinds(after).join(' '), wanted);
  });

test('equal nodes and equal weights become one, through chains of them', async t => {
  const build: Build = x => {
    const twice = (value: Value) => Relu(Add(value, value.builder.constant({ type: 'float32', shape: [2], bytes: new Uint8Array(8).fill(63) }))); // prettier-ignore
    return Mul(twice(x), Neg(twice(x)));
  };
  const after = await trainsTheSame(t, trained([2, 3, 4, 2], build), mergeEqual);
  t.is(kinds(after).join(' '), 'Add Relu Neg Mul');
  t.is(after.graph.initializers.size, 1);
  t.is(mergeEqual(after), after, 'a second time there is nothing to do');
});

test('of a node with more outputs and one with fewer the longer one stays', async t => {
  const { model } = trained([1, 2, 6, 6], x => {
    const at = { kernel_shape: [2, 2], strides: [2, 2] };
    const alone = MaxPool(x, at);
    const [value, indices] = MaxPool.all(2, x, at);
    return [Add(alone, value), Identity(Reshape(indices, [2, 9]))];
  });
  const after = mergeEqual(model);
  t.is(count(after, 'MaxPool'), 1);
  await computesTheSame(t, { ...model, graph: { ...model.graph, outputs: model.graph.outputs.slice(0, 1) } }, { ...after, graph: { ...after.graph, outputs: after.graph.outputs.slice(0, 1) } }); // prettier-ignore
});

test('what differs in an attribute stays', async t => {
  const sums = trained([2, 3, 4, 2], x => Mul(ReduceSum(x, [1]), ReduceSum(x, [1], { keepdims: 0 })));
  t.is(mergeEqual(sums.model), sums.model);
  const layers: Build = (x, weight) => {
    const [scale, shift] = [weight('g', [2]), weight('b', [2])];
    return Add(LayerNormalization(x, scale, shift), LayerNormalization(x, scale, shift, { epsilon: 0.1 }));
  };
  const after = await trainsTheSame(t, trained([2, 3, 4, 2], layers), mergeEqual);
  t.is(count(after, 'LayerNormalization'), 2);
  const step = mergeEqual(withGradients(trained([2, 3, 4, 2], layers).model));
  t.is(count(step, 'LayerNormalization'), 2);
});
