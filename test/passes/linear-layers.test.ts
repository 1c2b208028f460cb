// Linear layers as rows, LayerNormalizations in them, Gelu as one node, products turned and cut: the same outputs and
// gradients, in the forms that are meant.

import test from 'ava';
import {
  Add, Div, Erf, Gather, Gelu, Gemm, LayerNormalization, MatMul, Mul, Pow, ReduceMean, Relu, Reshape,
  Slice, Sqrt, Sub, Transpose,
} from '../../src/operators/index.js'; // prettier-ignore
import { cheaperProducts, foldLayerNormalization, linearRows, mergeEqual, recogniseActivations, recogniseNormalizations } from '../../src/passes/index.js'; // prettier-ignore
import type { Value } from '../../src/graph/index.js';
import { computesTheSame, count, kinds, trained, trainsTheSame, withGradients, type Weight } from './training-forms.js';

type Build = (x: Value, weight: Weight) => Value | readonly Value[];

const rows: Readonly<Record<string, [Build, string]>> = {
  'with an offset': [(x, weight) => Relu(Add(MatMul(x, weight('w', [4, 5])), weight('b', [5]))), 'Reshape Gemm Reshape Relu'], // prettier-ignore
  'offset first, weight turned': [
    (x, weight) => Relu(Add(weight('b', [5]), MatMul(x, Transpose(weight('w', [5, 4]), { perm: [1, 0] })))),
    'Reshape Gemm Reshape Relu',
  ],
  'without an offset': [(x, weight) => Relu(MatMul(x, weight('w', [4, 5]))), 'Reshape Gemm Reshape Relu'],
  'an offset a row stays outside': [
    (x, weight) => Add(MatMul(x, weight('w', [4, 5])), weight('b', [3, 1])),
    'Reshape Gemm Reshape Add',
  ],
  'an offset that makes it wider stays outside': [
    (x, weight) => Add(MatMul(x, weight('w', [4, 1])), weight('b', [6])),
    'MatMul Add',
  ],
  'a product of stacks stays': [(x, weight) => MatMul(x, weight('w', [2, 4, 5])), 'MatMul'],
  'a product that is read twice keeps its value': [
    (x, weight) => {
      const made = MatMul(x, weight('w', [4, 5]));
      return [Add(made, weight('b', [5])), Relu(made)];
    },
    'Reshape Gemm Reshape Add Relu',
  ],
};
for (const [name, [build, wanted]] of Object.entries(rows))
  test(`a linear layer as rows: ${name}`, async t => {
    const after = await trainsTheSame(t, trained([2, 3, 4], build), linearRows);
    t.is(kinds(after).join(' '), wanted);
  });

const gelus: Readonly<Record<string, (x: Value) => Value>> = {
  'as PyTorch exports it': x => Mul(Mul(x, Add(Erf(Div(x, Math.SQRT2)), 1)), 0.5),
  'half of x first': x => Mul(Mul(0.5, x), Add(1, Erf(Mul(x, Math.SQRT1_2)))),
  'half inside': x => Mul(Add(Mul(Erf(Mul(x, Math.SQRT1_2)), 0.5), 0.5), x),
};
for (const [name, build] of Object.entries(gelus))
  test(`Gelu ${name}`, async t => {
    const after = await trainsTheSame(
      t,
      trained([3, 50], x => build(Mul(x, 2))),
      recogniseActivations,
    );
    t.is(kinds(after).join(' '), 'Mul Gelu');
  });
test('what only resembles Gelu stays', async t => {
  for (const build of [
    (x: Value) => Mul(Mul(x, Add(Erf(Div(x, 1.5)), 1)), 0.5),
    (x: Value) => Mul(Mul(x, Add(Erf(Div(x, Math.SQRT2)), 1)), 0.6),
    (x: Value) => Mul(Mul(Relu(x), Add(Erf(Div(x, Math.SQRT2)), 1)), 0.5),
    (x: Value) => Mul(Mul(x, Add(Erf(Div(x, Math.SQRT2)), 0.9)), 0.5),
  ]) {
    const { model } = trained([3, 5], build);
    t.is(recogniseActivations(model), model);
  }
  await Promise.resolve();
});
test('a Gelu that is differentiated shares its distribution with its gradient', async t => {
  const step = withGradients(trained([3, 50], x => Gelu(Mul(x, 2))).model);
  const after = mergeEqual(cheaperProducts(step));
  t.is(count(after, 'Erf'), 1);
  t.is(count(after, 'Gelu'), 0);
  await computesTheSame(t, step, after);
  const { model } = trained([3, 50], x => Gelu(x));
  t.is(cheaperProducts(model), model, 'alone it stays one node');
});
test('the gradient of Gelu by Tanh', async t => {
  await trainsTheSame(
    t,
    trained([3, 50], x => Gelu(x, { approximate: 'tanh' })),
    linearRows,
  );
  t.pass();
});

const normalized = (x: Value, weight: Weight, bias = true) =>
  LayerNormalization(x, weight('g', [8]), bias ? weight('o', [8]) : undefined, { epsilon: 1e-3 });
const linear = (x: Value, weight: Weight, name: string, transB = 1) =>
  Gemm(x, weight(`${name}.w`, transB ? [5, 8] : [8, 5]), weight(`${name}.b`, [5]), { transB });
const foldedLayers: Readonly<Record<string, Build>> = {
  directly: (x, weight) => linear(Reshape(normalized(x, weight), [6, 8]), weight, 'a'),
  'a weight as it is multiplied': (x, weight) => linear(Reshape(normalized(x, weight), [6, 8]), weight, 'a', 0),
  'without offsets': (x, weight) => Gemm(Reshape(normalized(x, weight, false), [6, 8]), weight('w', [8, 5])),
  'scaled sums': (x, weight) =>
    Gemm(Reshape(normalized(x, weight), [6, 8]), weight('w', [8, 5]), weight('b', [5]), { alpha: 0.5, beta: 2 }),
  'an offset of the normalization alone': (x, weight) =>
    Gemm(Reshape(normalized(x, weight), [6, 8]), weight('w', [8, 5]), undefined, { alpha: 0.5 }),
  'two layers, one of them of picked and turned rows': (x, weight) => {
    const y = Transpose(normalized(x, weight), { perm: [1, 0, 2] });
    const few = Slice(y, [0], [1], [0]);
    const one = Gather(y, y.builder.constant([1]), { axis: 0 });
    return [
      linear(Reshape(y, [6, 8]), weight, 'a'),
      linear(Reshape(few, [2, 8]), weight, 'b'),
      linear(Reshape(one, [2, 8]), weight, 'c'),
    ];
  },
};
for (const [name, build] of Object.entries(foldedLayers))
  test(`a LayerNormalization in linear layers: ${name}`, async t => {
    const network = trained([2, 3, 8], build);
    const after = await trainsTheSame(t, network, foldLayerNormalization(network));
    const scale = after.graph.nodes.find(({ op }) => op === 'LayerNormalization')!.inputs[1]!;
    t.true(after.graph.initializers.has(scale), 'its scale is constant');
    t.is(foldLayerNormalization(network)(after), after, 'a second time there is nothing to do');
  });
const keptLayers: Readonly<Record<string, Build>> = {
  'its input is trained': (x, weight) => linear(Reshape(normalized(Mul(x, weight('s', [8])), weight), [6, 8]), weight, 'a'), // prettier-ignore
  'something else reads it': (x, weight) => {
    const y = Reshape(normalized(x, weight), [6, 8]);
    return [linear(y, weight, 'a'), Relu(y)];
  },
  'the last axis is cut': (x, weight) => Gemm(Reshape(normalized(x, weight), [12, 4]), weight('w', [4, 5])),
  'rows come turned': (x, weight) => Gemm(Reshape(normalized(x, weight), [6, 8]), weight('w', [6, 5]), undefined, { transA: 1 }), // prettier-ignore
  'it is an output': (x, weight) => {
    const y = normalized(x, weight);
    return [y, linear(Reshape(y, [6, 8]), weight, 'a')];
  },
};
for (const [name, build] of Object.entries(keptLayers))
  test(`a LayerNormalization stays where ${name}`, t => {
    const network = trained([2, 3, 8], build);
    t.is(foldLayerNormalization(network)(network.model), network.model);
  });

const written = (x: Value, { square = 'pow', axis = -1, twice = false, flipped = false } = {}) => {
  const centred = () => Sub(x, ReduceMean(x, [axis]));
  const d = centred();
  const e = twice ? centred() : d;
  const variance = ReduceMean(square === 'pow' ? Pow(e, 2) : Mul(e, e), [axis]);
  return Div(d, Sqrt(flipped ? Add(1e-3, variance) : Add(variance, 1e-3)));
};
const writtenOut: Readonly<Record<string, [Build, string]>> = {
  'with scale and offset': [
    (x, weight) => Add(Mul(written(x), weight('g', [8])), weight('o', [8])),
    'LayerNormalization',
  ],
  'in another order': [
    (x, weight) =>
      Add(weight('o', [8]), Mul(weight('g', [8]), written(x, { square: 'mul', axis: 2, twice: true, flipped: true }))),
    'LayerNormalization',
  ],
  'with a scale': [(x, weight) => Mul(written(x), weight('g', [8])), 'LayerNormalization'],
  bare: [x => Relu(written(x)), 'LayerNormalization Relu'],
  'with an offset of another shape': [
    (x, weight) => Add(Mul(written(x), weight('g', [8])), weight('o', [3, 1])),
    'LayerNormalization Add',
  ],
  'that is read before its offset': [
    (x, weight) => {
      const scaled = Mul(written(x), weight('g', [8]));
      return [Relu(scaled), Add(scaled, weight('o', [8]))];
    },
    'LayerNormalization Relu Add',
  ],
  'over another axis, which it is not': [x => written(x, { axis: 1 }), 'ReduceMean Sub Pow ReduceMean Add Sqrt Div'],
};
for (const [name, [build, wanted]] of Object.entries(writtenOut))
  test(`a LayerNormalization written out: ${name}`, async t => {
    const after = await trainsTheSame(t, trained([2, 3, 8], build), recogniseNormalizations);
    t.is(kinds(after).join(' '), wanted);
  });

test('long operands are turned, the smaller one; the result is turned back', async t => {
  for (const [a, b, wanted] of [
    [[400, 96], [400, 128], 'Reshape Transpose Reshape Gemm'],
    [[400, 128], [400, 16], 'Reshape Transpose Reshape Gemm Reshape Transpose Reshape'],
    [[40, 128], [40, 16], 'Gemm'],
  ] as const) {
    const { model } = trained(a, (x, weight) => Gemm(x, weight('b', b), undefined, { transA: 1, alpha: 0.5 }));
    const after = cheaperProducts(model);
    t.is(kinds(after).join(' '), wanted);
    await computesTheSame(t, model, after);
  }
});
test('large left operands are cut into pieces, whatever the offset, unless it has rows of its own', async t => {
  for (const [offset, wanted] of [
    [[128], 4],
    [[1, 128], 4],
    [[1250, 1], 1],
    [undefined, 4],
  ] as const) {
    const { model } = trained([1250, 2000], (x, weight) =>
      Gemm(x, weight('w', [128, 2000]), offset && weight('c', offset), { transB: 1, alpha: 0.5, beta: 2 }),
    );
    const after = cheaperProducts(model);
    t.is(count(after, 'Gemm'), wanted);
    await computesTheSame(t, model, after);
  }
});
