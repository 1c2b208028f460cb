// Where networks of different builds last know places.

import test from 'ava';
import { Random, tensor } from '../../src/base/index.js';
import { Builder, modelOf, type Graph, type Value } from '../../src/graph/index.js';
import { inspectModel, spatialMapsOf, wiringOf } from '../../src/inspect/index.js';
import { Add, Cast, Concat, Conv, Expand, Flatten, Gather, Gemm, GlobalAveragePool, LayerNormalization, MatMul, MaxPool, Mul, ReduceMean, Relu, Reshape, Softmax, Transpose } from '../../src/operators/index.js'; // prettier-ignore

const random = new Random('maps');
const weight = ({ builder }: Value, ...shape: number[]): Value =>
  builder.constant(
    tensor(
      'float32',
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    ),
  );

/** A network over pictures [N, 8, 12, 3]. */
function build(make: (planes: Value) => Value): Graph {
  const builder = new Builder('net');
  const pictures = builder.input('pictures', 'uint8', ['N', 8, 12, 3]);
  builder.output(make(Cast(Transpose(pictures, { perm: [0, 3, 1, 2] }), { to: 1 })), 'logits');
  return builder.finish();
}
const mapsOf = (graph: Graph) =>
  spatialMapsOf(wiringOf(graph, inspectModel(modelOf(graph)).facts), 'logits').map(({ alignment: _, ...map }) => map);

const convolved = (x: Value): Value =>
  Relu(Conv(x, weight(x, 5, 3, 3, 3), undefined, { strides: [2, 2], pads: [1, 1, 1, 1] }));
const classified = (flat: Value): Value =>
  Gemm(flat, weight(flat, 2, flat.shape[1] as number), undefined, { transB: 1 });
const planes = { layout: 'planes', height: 4, width: 6, channels: 5, first: 0 } as const;

test('the map before a global pool, before flattening, before a mean over its last axes', t => {
  for (const pooled of [
    (x: Value) => Flatten(GlobalAveragePool(x)),
    (x: Value) => Flatten(x),
    (x: Value) => ReduceMean(x, [2, 3], { keepdims: 0 }),
    (x: Value) => ReduceMean(Reshape(x, [0, 5, 24]), [2], { keepdims: 0 }),
  ]) {
    const graph = build(x => classified(pooled(convolved(x))));
    const { value, ...map } = mapsOf(graph)[0]!;
    t.deepEqual(map, planes);
    t.is(graph.nodes.find(({ outputs }) => outputs.includes(value))?.op, 'Relu');
  }
});

test('channels last, and a head of several layers', t => {
  const graph = build(x => {
    const flat = ReduceMean(Relu(Transpose(convolved(x), { perm: [0, 2, 3, 1] })), [1, 2], { keepdims: 0 });
    return classified(Relu(classified(flat)));
  });
  const [map, ...more] = mapsOf(graph);
  t.is(more.length, 0);
  t.like(map, { layout: 'pixels', height: 4, width: 6, channels: 5 });
});

test('two maps that are pooled beside each other are two', t => {
  const graph = build(x => {
    const one = convolved(x);
    const two = MaxPool(one, { kernel_shape: [2, 2], strides: [2, 2] });
    const pooled = (value: Value) => Flatten(GlobalAveragePool(value));
    return classified(Concat(pooled(Mul(one, 2)), pooled(two), { axis: 1 }));
  });
  t.deepEqual(
    mapsOf(graph)
      .map(({ height, width }) => `${height}x${width}`)
      .sort(),
    ['2x3', '4x6'],
  );
});

test('an MLP on pixels knows no places', t => {
  t.deepEqual(mapsOf(build(x => classified(Relu(classified(Flatten(Mul(x, 1 / 255))))))), []);
});

/** Patches of 4 × 4, a class token before them, one block of attention without a normalization before it or with one. */
const transformer = (read: (tokens: Value) => Value, isNormalized: boolean) =>
  build(x => {
    const { builder } = x;
    const patches = Conv(x, weight(x, 6, 3, 4, 4), undefined, { strides: [4, 4] });
    const tokens = Transpose(Reshape(patches, [0, 6, 6]), { perm: [0, 2, 1] });
    const shape = builder.constant([1, 1, 6]);
    const token = Add(Expand(weight(x, 1, 1, 6), shape), Mul(ReduceMean(tokens, [1]), 0));
    const all = Add(Concat(token, tokens, { axis: 1 }), weight(x, 1, 7, 6));
    const normal = (value: Value) => LayerNormalization(value, weight(x, 6), weight(x, 6));
    const entering = isNormalized ? normal(all) : all;
    const projected = () => MatMul(entering, weight(x, 6, 6));
    const attention = Softmax(MatMul(projected(), Transpose(projected(), { perm: [0, 2, 1] })));
    const mixed = Add(all, MatMul(attention, projected()));
    return classified(read(normal(Add(mixed, MatMul(mixed, weight(x, 6, 6))))));
  });
const classToken = (tokens: Value) => Gather(tokens, tokens.builder.constant(0, 'int64'), { axis: 1 });

test('behind a class token: the tokens before the last attention, as it reads them', t => {
  const tokens = { layout: 'tokens', height: 2, width: 3, channels: 6, first: 1 } as const;
  for (const isNormalized of [true, false]) {
    const graph = transformer(classToken, isNormalized);
    const [map, ...more] = mapsOf(graph);
    t.is(more.length, 0);
    t.like(map, tokens);
    const node = graph.nodes.find(({ outputs }) => outputs.includes(map!.value));
    t.is(node?.op, isNormalized ? 'LayerNormalization' : 'Add');
    t.true(graph.nodes.indexOf(node!) < graph.nodes.findIndex(({ op }) => op === 'Softmax'));
  }
});

test('behind the mean of tokens: the last of them', t => {
  const graph = transformer(tokens => ReduceMean(tokens, [1], { keepdims: 0 }), true);
  const [map] = mapsOf(graph);
  t.like(map, { layout: 'tokens', height: 2, width: 3, first: 1 });
  t.is(graph.nodes.findLast(({ op }) => op === 'LayerNormalization')?.outputs[0], map?.value);
});

test('members stacked behind each other are no tokens', t => {
  // six members, [N, 6, 2]: four of them could be a grid of two rows
  const graph = build(x => {
    const flat = Flatten(GlobalAveragePool(convolved(x)));
    return Reshape(Gemm(flat, weight(flat, 12, 5), undefined, { transB: 1 }), [0, 6, 2]);
  });
  t.like(mapsOf(graph)[0], planes);
});
