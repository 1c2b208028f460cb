// Networks as matrix products over columns and rows: outputs and gradients are those of Convs on planes.

import test from 'ava';
import {
  Add, AveragePool, Concat, Conv, Flatten, Gemm, GlobalAveragePool, GlobalMaxPool, LayerNormalization, MatMul, MaxPool,
  Mul, PRelu, ReduceMax, ReduceMean, Relu, Reshape, Sigmoid, Softmax, Split, Squeeze, Transpose,
} from '../../src/operators/index.js'; // prettier-ignore
import { arrangeMaps } from '../../src/passes/index.js';
import { arranged, plainOrder } from '../../src/passes/arranged.js';
import { convolvedByTiles } from '../../src/passes/arrange-tiles.js';
import { costs, type Arrangement } from '../../src/passes/choose-arrangement.js';
import { Builder, modelOf, type Value } from '../../src/graph/index.js';
import {
  computesTheSame,
  constant,
  count,
  trained,
  trainsTheSame,
  withGradients,
  type Weight,
  type ConvAttributes,
} from './training-forms.js';

const always = (arrangement: Arrangement, parameters: ReadonlySet<string>) =>
  arrangeMaps({
    parameters,
    choose: (_, convolutions) =>
      new Map(convolutions.map(one => [one.node, Number.isFinite(costs(one)[arrangement]) ? arrangement : 'columns'])),
  });

interface ConvCase {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly at?: ConvAttributes;
  readonly bias?: boolean;
}
const same = [1, 1, 1, 1];
const tiled = { x: [2, 4, 6, 8], w: [3, 4, 3, 3] };
const cases: Readonly<Record<string, ConvCase>> = {
  '1x1': { x: [3, 5, 4, 4], w: [6, 5, 1, 1], bias: true },
  '1x1 of stride 2, odd sizes': { x: [2, 5, 7, 5], w: [3, 5, 1, 1], at: { strides: [2, 2] } },
  '1x1 of stride 2, padded': { x: [2, 5, 6, 6], w: [3, 5, 1, 1], at: { strides: [2, 2], pads: same } },
  '3x3': { x: [2, 4, 5, 6], w: [3, 4, 3, 3], at: { pads: same }, bias: true },
  '3x3 of stride 2': { x: [2, 4, 8, 8], w: [3, 4, 3, 3], at: { pads: same, strides: [2, 2] } },
  '3x3 of stride 2, odd sizes': { x: [2, 4, 7, 9], w: [3, 4, 3, 3], at: { pads: same, strides: [2, 2] } },
  'a stride that leaves rows over': { x: [2, 3, 8, 8], w: [3, 3, 2, 2], at: { strides: [3, 3] } },
  'a stride beyond the kernel': { x: [2, 3, 9, 9], w: [3, 3, 2, 2], at: { strides: [4, 4], pads: [1, 0, 2, 1] } },
  'unlike strides': { x: [2, 3, 6, 8], w: [4, 3, 3, 5], at: { strides: [1, 2], pads: [1, 2, 1, 2] } },
  'pads on one side': { x: [2, 3, 6, 6], w: [4, 3, 3, 2], at: { pads: [2, 0, 0, 1] }, bias: true },
  SAME_UPPER: { x: [2, 3, 6, 7], w: [4, 3, 3, 3], at: { auto_pad: 'SAME_UPPER', strides: [2, 2] } },
  dilated: { x: [2, 3, 9, 8], w: [4, 3, 3, 3], at: { dilations: [2, 3], pads: [2, 3, 2, 3] } },
  'dilated and strided': { x: [2, 3, 9, 8], w: [4, 3, 3, 3], at: { dilations: [3, 2], strides: [2, 2], pads: [3, 2, 3, 2] } }, // prettier-ignore
  '7x7 of stride 2': { x: [1, 3, 16, 16], w: [4, 3, 7, 7], at: { strides: [2, 2], pads: [3, 3, 3, 3] }, bias: true },
  'in groups': { x: [2, 6, 5, 5], w: [9, 2, 3, 3], at: { group: 3, pads: same }, bias: true },
  'in groups, strided': { x: [2, 6, 6, 6], w: [4, 3, 3, 3], at: { group: 2, pads: same, strides: [2, 2] } },
  'on lines': { x: [2, 4, 11], w: [5, 4, 3], at: { strides: [2], pads: [1, 1] }, bias: true },
  'on volumes': { x: [1, 2, 4, 5, 3], w: [3, 2, 2, 3, 2], at: { strides: [2, 1, 1], pads: [0, 1, 0, 0, 1, 1] } },
  'by channel': { x: [2, 5, 5, 4], w: [5, 1, 3, 3], at: { group: 5, pads: same }, bias: true },
  'by channel, stride 2': { x: [2, 5, 7, 7], w: [5, 1, 3, 3], at: { group: 5, pads: same, strides: [2, 2] } },
  'by channel, two of each': { x: [2, 3, 5, 5], w: [6, 1, 3, 3], at: { group: 3, pads: same }, bias: true },
  'by channel, 7x7 kernels dilated': { x: [2, 3, 8, 8], w: [3, 1, 5, 5], at: { group: 3, pads: [4, 4, 4, 4], dilations: [2, 2] } }, // prettier-ignore
  'by channel, larger maps': { x: [2, 4, 11, 9], w: [4, 1, 3, 3], at: { group: 4, pads: same }, bias: true },
  'by channel, larger maps, stride 2': { x: [2, 4, 12, 11], w: [4, 1, 3, 5], at: { group: 4, pads: [1, 2, 1, 2], strides: [2, 2] } }, // prettier-ignore
  'by channel, larger maps, two of each': { x: [2, 3, 9, 9], w: [6, 1, 3, 3], at: { group: 3, pads: [0, 1, 1, 0] } },
  'by channel, on lines': { x: [2, 3, 80], w: [3, 1, 3], at: { group: 3, pads: [1, 1], strides: [2] } },
};

for (const [name, { x: shape, w, at, bias }] of Object.entries(cases))
  for (const arrangement of ['columns', 'rows'] as const)
    test(`Conv ${name} in ${arrangement}`, async t => {
      const network = trained(shape, (x, weight) =>
        Conv(x, weight('w', w), bias ? weight('b', [w[0]!]) : undefined, at ?? {}),
      );
      const after = await trainsTheSame(t, network, always(arrangement, network.parameters));
      t.is(count(after, 'Conv'), 0);
    });

interface TileCase extends ConvCase {
  readonly sizes: readonly number[];
}
const byTiles: Readonly<Record<string, TileCase>> = {
  'of 2x2': { sizes: [2, 2], ...tiled, at: { pads: same }, bias: true },
  'of 4x4': { sizes: [4, 4], ...tiled, at: { pads: same }, bias: true },
  'of 2x4, odd sizes': { sizes: [2, 4], x: [2, 4, 7, 5], w: [3, 4, 3, 3], at: { pads: same } },
  'without padding': { sizes: [4, 2], ...tiled, bias: true },
  'with unlike pads': { sizes: [4, 4], ...tiled, at: { pads: [2, 0, 0, 1] } },
  'with pads beyond the kernel': { sizes: [2, 2], ...tiled, at: { pads: [3, 4, 3, 1] } },
  'on one pixel': { sizes: [2, 2], x: [3, 4, 1, 1], w: [3, 4, 3, 3], at: { pads: same } },
  'of kernels of five and one': { sizes: [2, 1], x: [2, 3, 7, 4], w: [4, 3, 5, 1], at: { pads: [2, 0, 2, 0] } },
  'of kernels of two': { sizes: [3, 5], x: [2, 3, 7, 6], w: [4, 3, 2, 2] },
  'on lines': { sizes: [4], x: [2, 3, 10], w: [4, 3, 3], at: { pads: [1, 1] }, bias: true },
  'on volumes': { sizes: [2, 2, 2], x: [1, 2, 3, 4, 5], w: [3, 2, 3, 3, 3], at: { pads: [1, 1, 1, 1, 1, 1] } },
};
for (const [name, { sizes, x: shape, w, at, bias }] of Object.entries(byTiles))
  test(`Conv by tiles ${name}`, async t => {
    const builder = new Builder('tiles');
    const x = builder.input('x', 'float32', shape);
    const weights = builder.input('w', 'float32', w);
    const b = bias ? builder.input('b', 'float32', [w[0]!]) : undefined;
    const wanted = Conv(x, weights, b, at ?? {});
    const kernel = w.slice(2);
    const ones = kernel.map(() => 1);
    const window = { kernel, strides: ones, dilations: ones, pads: at?.pads ?? [...ones, ...ones].map(() => 0) };
    const found = convolvedByTiles(
      { x: arranged(x), weight: arranged(weights), ...(b ? { bias: arranged(b) } : {}), group: 1, out: wanted.shape as number[], window },
      sizes,
    ); // prettier-ignore
    builder.output(found.in(plainOrder(shape.length)), 'y');
    const model = modelOf(builder.finish());
    const plain = trained(shape, (value, weight) => Conv(value, weight('w', w), bias ? weight('b', [w[0]!]) : undefined, at ?? {})); // prettier-ignore
    const named = { ...plain.model.graph.outputs[0]!, name: 'y' };
    const { nodes } = plain.model.graph;
    const last = { ...nodes.at(-1)!, outputs: ['y'] };
    const before = { ...plain.model, graph: { ...plain.model.graph, nodes: [...nodes.slice(0, -1), last], outputs: [named] } }; // prettier-ignore
    await computesTheSame(t, withGradients(before), withGradients(model));
  });

const conv = (x: Value, weight: Weight, name: string, channels: number, k = 1, at: ConvAttributes = {}) =>
  Conv(x, weight(name, [channels, x.shape[1] as number, k, k]), weight(`${name}.b`, [channels]), at);

const networks: Readonly<Record<string, (x: Value, weight: Weight) => Value>> = {
  'a residual block with a gate': (x, weight) => {
    const a = Relu(conv(x, weight, 'a', 6));
    const d = Conv(a, weight('d', [6, 1, 3, 3]), undefined, { group: 6, pads: same });
    const gate = Sigmoid(conv(Relu(conv(GlobalAveragePool(d), weight, 's1', 2)), weight, 's2', 6));
    const y = Add(conv(Mul(d, gate), weight, 'p', 4), x);
    return Gemm(Flatten(GlobalAveragePool(y)), weight('fc', [3, 4]), weight('fc.b', [3]), { transB: 1 });
  },
  'branches that are joined and parted': (x, weight) => {
    const s = Relu(conv(x, weight, 's', 3));
    const both = Relu(Concat(conv(s, weight, 'e1', 4), conv(s, weight, 'e3', 4, 3, { pads: same }), { axis: 1 }));
    const [first, second] = Split.all(2, both, [3, 5], { axis: 1 });
    return Concat(conv(first!, weight, 'f', 2), Mul(second, second), { axis: 1 });
  },
  'a shuffle of channels': (x, weight) => {
    const y = conv(x, weight, 'a', 6);
    const apart = Transpose(Reshape(y, [2, 2, 3, 6, 6]), { perm: [0, 2, 1, 3, 4] });
    return conv(Reshape(apart, [2, 6, 6, 6]), weight, 'b', 4);
  },
  'channels last in the network itself': (x, weight) => {
    const y = Conv(x, weight('d', [4, 1, 3, 3]), weight('d.b', [4]), { group: 4, pads: same });
    const last = LayerNormalization(Transpose(y, { perm: [0, 2, 3, 1] }), weight('g', [4]), weight('o', [4]));
    const wide = Relu(Add(MatMul(last, weight('m1', [4, 7])), weight('m1.b', [7])));
    const back = Mul(MatMul(wide, weight('m2', [7, 4])), weight('scale', [4]));
    return conv(Add(x, Transpose(back, { perm: [0, 3, 1, 2] })), weight, 'n', 3, 2, { strides: [2, 2] });
  },
  'pools and what else needs planes': (x, weight) => {
    const y = MaxPool(Relu(conv(x, weight, 'a', 5, 3, { pads: same })), { kernel_shape: [2, 2], strides: [2, 2] });
    const z = conv(PRelu(y, weight('slope', [5, 1, 1])), weight, 'b', 3);
    return AveragePool(z, { kernel_shape: [3, 3], pads: same });
  },
  'reductions and flat maps': (x, weight) => {
    const y = conv(x, weight, 'a', 3);
    const sums = [
      Flatten(y),
      ReduceMean(y, [2, 3], { keepdims: 0 }),
      Flatten(GlobalMaxPool(y)),
      Squeeze(ReduceMax(y, [-1]), [3]),
    ];
    return Concat(...sums.map(sum => Reshape(sum, [2, -1])), { axis: 1 });
  },
  'a softmax over channels, a map of positions': (x, weight) =>
    Mul(
      Softmax(conv(x, weight, 'a', 3), { axis: 1 }),
      Add(constant(x.builder, [3, 6, 6]), weight('offset', [1, 1, 6])),
    ),
  'a weight that is computed': (x, weight) =>
    Conv(x, Mul(weight('w', [5, 4, 3, 3]), Reshape(weight('s', [5]), [5, 1, 1, 1])), constant(x.builder, [5]), { pads: same }), // prettier-ignore
};

for (const [name, build] of Object.entries(networks))
  for (const arrangement of ['columns', 'rows', 'tiles'] as const)
    test(`${name}, in ${arrangement}`, async t => {
      const network = trained([2, 4, 6, 6], build);
      const after = await trainsTheSame(t, network, always(arrangement, network.parameters));
      t.is(count(after, 'Conv'), 0);
    });

test('columns and rows meet in one network', async t => {
  const network = trained([2, 4, 6, 6], (x, weight) =>
    Add(conv(conv(x, weight, 'a', 4), weight, 'b', 4, 3, { pads: same }), conv(x, weight, 'c', 4)),
  );
  const orders = ['columns', 'rows', 'planes'] as const;
  const pass = arrangeMaps({
    parameters: network.parameters,
    choose: (_, convolutions) => new Map(convolutions.map(({ node }, i) => [node, orders[i]!])),
  });
  t.is(count(await trainsTheSame(t, network, pass), 'Conv'), 1);
});

test('an input that is a Conv twice is arranged once', async t => {
  const network = trained([2, 4, 6, 6], (x, weight) => Add(conv(x, weight, 'a', 5), conv(x, weight, 'b', 5)));
  const after = await trainsTheSame(t, network, always('columns', network.parameters));
  t.is(after.graph.nodes.filter(({ op, inputs }) => op === 'Transpose' && inputs[0] === 'x').length, 1);
});

test('a network without Convs, and one whose sizes are open, stay as they are', t => {
  const plain = trained([2, 3], (x, weight) => MatMul(x, weight('w', [3, 4])));
  t.is(arrangeMaps({ parameters: plain.parameters })(plain.model), plain.model);
  const open = trained([2, 4, 6, 6], (x, weight) => conv(x, weight, 'a', 4));
  const { graph } = open.model;
  const named = { ...graph, inputs: graph.inputs.map(input => (input.name === 'x' ? { ...input, shape: ['batch', 4, 6, 6] } : input)) }; // prettier-ignore
  const model = { ...open.model, graph: named };
  t.is(arrangeMaps({ parameters: open.parameters })(model), model);
});
