// Only what is read is computed: selections move up, outputs and gradients stay.

import test from 'ava';
import {
  Add, Concat, Expand, Flatten, Gather, Gelu, Gemm, LayerNormalization, MatMul, Mul, ReduceSum, Relu, Reshape, Slice,
  Softmax, Squeeze, Transpose, Unsqueeze,
} from '../../src/operators/index.js'; // prettier-ignore
import { sinkSelections } from '../../src/passes/index.js';
import type { Model, Value } from '../../src/graph/index.js';
import { trained, trainsTheSame, type Weight } from './training-forms.js';

type Build = (x: Value, weight: Weight) => Value | readonly Value[];
const first = (x: Value, axis = 1) => Gather(x, x.builder.constant(0, 'int64'), { axis });
const shapesOf = ({ graph }: Model, op: string) =>
  graph.nodes.flatMap(node => {
    const name = node.outputs[0]!;
    const info = graph.values.get(name) ?? graph.outputs.find(one => one.name === name);
    return node.op === op ? [info!.shape!.join()] : [];
  });

/** How much of the named operator's output is left. */
const cases: Readonly<Record<string, [Build, string, string]>> = {
  'one token through a block': [
    (x, weight) => {
      const y = LayerNormalization(x, weight('g', [8]), weight('o', [8]));
      const wide = Gelu(Reshape(Gemm(Reshape(y, [10, 8]), weight('w', [8, 12]), weight('b', [12])), [2, 5, 12]));
      return Relu(first(Add(x, MatMul(wide, weight('v', [12, 8])))));
    },
    'Gemm',
    '2,12',
  ],
  'one query of all': [
    (x, weight) => {
      const [q, k] = [MatMul(x, weight('q', [8, 8])), MatMul(x, weight('k', [8, 8]))];
      const scores = Softmax(MatMul(q, Transpose(k, { perm: [0, 2, 1] })));
      return first(MatMul(scores, x));
    },
    'Softmax',
    '2,1,5',
  ],
  'columns of a product': [
    (x, weight) => Relu(Slice(Gemm(Reshape(x, [10, 8]), weight('w', [8, 6]), weight('b', [6])), [2], [4], [1])),
    'Gemm',
    '10,2',
  ],
  'columns of a turned weight, rows of a turned operand': [
    (x, weight) => {
      const y = Gemm(Reshape(x, [8, 10]), weight('w', [6, 8]), weight('b', [1, 6]), { transA: 1, transB: 1 });
      return Slice(y, [1, 0], [9, 3], [0, 1], [4, 1]);
    },
    'Gemm',
    '2,3',
  ],
  'through shapes that split an axis': [
    (x, weight) => first(Reshape(Relu(Mul(Reshape(x, [10, 8]), weight('s', [8]))), [5, 2, 8])),
    'Relu',
    '5,8',
  ],
  'through shapes that join axes': [
    (x, weight) => Slice(Reshape(Relu(Mul(x, weight('s', [8]))), [2, 40]), [0], [8], [1]),
    'Relu',
    '2,1,8',
  ],
  'through squeezing and order': [
    x => first(Flatten(Transpose(Squeeze(Unsqueeze(Relu(x), [1]), [1]), { perm: [1, 0, 2] })), 0),
    'Relu',
    '2,1,8',
  ],
  'beside what broadcasts': [
    (x, weight) => first(Add(Relu(Mul(x, weight('s', [1, 1, 8]))), Expand(weight('e', [1, 1, 8]), [2, 5, 8]))),
    'Relu',
    '2,1,8',
  ],
  'joined along another axis': [(x, weight) => first(Concat(Relu(x), Mul(x, weight('s', [5, 1])), { axis: 2 })), 'Relu', '2,1,8'], // prettier-ignore
  'picked by a list, the last counted from the end': [
    x => Gather(Relu(x), x.builder.constant([0, 3, -1]), { axis: 1 }),
    'Relu',
    '2,3,8',
  ],
  'a selection of a selection': [x => first(Slice(Relu(x), [2], [5], [1])), 'Relu', '2,1,8'],
  'parts in different places, if they are few': [
    x => {
      const y = Relu(x);
      return [first(y), Slice(y, [4], [5], [1])];
    },
    'Relu',
    '2,1,8 2,1,8',
  ],
};
for (const [name, [build, op, wanted]] of Object.entries(cases))
  test(name, async t => {
    const after = await trainsTheSame(t, trained([2, 5, 8], build), sinkSelections);
    t.is(shapesOf(after, op).join(' '), wanted);
    t.is(sinkSelections(after), after, 'a second time there is nothing to do');
  });

test('queries, keys and values of one weight become three products where few queries are read', async t => {
  const after = await trainsTheSame(
    t,
    trained([2, 5, 8], (x, weight) => {
      const made = Gemm(Reshape(x, [10, 8]), weight('w', [24, 8]), weight('b', [24]), { transB: 1 });
      const apart = Transpose(Reshape(made, [2, 5, 3, 8]), { perm: [2, 0, 1, 3] });
      const [q, k, v] = [0, 1, 2].map(i => Gather(apart, x.builder.constant(i, 'int64'), { axis: 0 })) as [Value, Value, Value]; // prettier-ignore
      return first(MatMul(Softmax(MatMul(q, Transpose(k, { perm: [0, 2, 1] }))), v));
    }),
    sinkSelections,
  );
  t.is(shapesOf(after, 'Gemm').sort().join(' '), '10,8 10,8 2,8');
  t.is(shapesOf(after, 'Split').length, 2, 'weight and offset are split once');
});

const kept: Readonly<Record<string, Build>> = {
  'the whole is read too': x => {
    const y = Relu(x);
    return [first(y), ReduceSum(y, [0, 1, 2])];
  },
  'the axis is summed over': x => Relu(first(Softmax(x, { axis: 1 }))),
  'the axis is normalized': (x, weight) => first(LayerNormalization(x, weight('g', [8])), 2),
  'parts overlap': x => {
    const y = Relu(x);
    return [Slice(y, [0], [4], [1]), Slice(y, [1], [5], [1])];
  },
  'an axis is turned around': x => Slice(Relu(x), [4], [-6], [1], [-1]),
  'indices come unordered': x => Gather(Relu(x), x.builder.constant([3, 1]), { axis: 1 }),
  'a shape mixes the axes': x => Slice(Reshape(Relu(x), [4, 20]), [0], [7], [1]),
};
for (const [name, build] of Object.entries(kept))
  test(`nothing moves where ${name}`, t => {
    const { model } = trained([2, 5, 8], build);
    t.is(sinkSelections(model), model);
  });
