import test from 'ava';
import { Random, tensor } from '../../src/base/index.js';
import { Builder, modelOf, type Value } from '../../src/graph/index.js';
import { inspectModel } from '../../src/inspect/index.js';
import {
  Add,
  Conv,
  Flatten,
  GlobalAveragePool,
  Pad,
  Cast,
  Concat,
  Div,
  Gather,
  Gemm,
  MatMul,
  ReduceMean,
  Relu,
  Reshape,
  Shape,
  Sqrt,
} from '../../src/operators/index.js';

/** Three blocks of a transformer; the first asks for the width of the tokens, for all, as exporters write it. */
function transformer() {
  const builder = new Builder('transformer');
  const random = new Random('transformer');
  const weight = (...shape: number[]) => {
    const count = shape.reduce((a, b) => a * b);
    return builder.constant(
      tensor(
        'float32',
        shape,
        Array.from({ length: count }, () => random.normal()),
      ),
    );
  };
  const ends: string[] = [];
  let x: Value = builder.input('tokens', 'float32', ['N', 5, 8]);
  let width: Value | undefined;
  for (let i = 0; i < 3; i++) {
    width ??= Sqrt(Cast(Gather(Shape(x), builder.constant([2])), { to: 1 }));
    const batch = Gather(Shape(x), builder.constant([0]));
    const mixed = Reshape(MatMul(x, weight(8, 8)), Concat(batch, [5, 8], { axis: 0 }));
    x = Add(x, Div(mixed, width));
    x = Add(x, MatMul(Relu(MatMul(x, weight(8, 16))), weight(16, 8)));
    ends.push(x.name);
  }
  builder.output(Gemm(ReduceMean(x, [1], { keepdims: 0 }), weight(8, 10)), 'logits');
  return { model: modelOf(builder.finish()), ends };
}

test('every block of a transformer is found, also the first, which holds shape arithmetic that the others share', t => {
  const { model, ends } = transformer();
  const { names } = inspectModel(model);
  const blocks = [...names].filter(([name]) => name.startsWith('block'));
  t.deepEqual(
    blocks,
    ends.map((end, i) => [`block${i + 1}`, end]),
  );
});

test('maps that TensorFlow pads before a stride make no stages of their own', t => {
  const builder = new Builder('padded');
  const ends: string[] = [];
  let x: Value = builder.input('x', 'float32', ['N', 3, 32, 32]);
  for (const [from, to] of [
    [3, 4],
    [4, 6],
    [6, 8],
  ] as const) {
    const padded = Pad(x, [0, 0, 0, 0, 0, 0, 1, 1]);
    const weights = builder.constant(tensor('float32', [to, from, 3, 3], new Float32Array(to * from * 9)));
    x = Relu(Conv(padded, weights, { strides: [2, 2] }));
    ends.push(x.name);
  }
  const weights = builder.constant(tensor('float32', [8, 10], new Float32Array(80)));
  builder.output(Gemm(Flatten(GlobalAveragePool(x)), weights), 'logits');
  const { names } = inspectModel(modelOf(builder.finish()));
  const blocks = [...names].filter(([name]) => name.startsWith('block'));
  t.deepEqual(
    blocks,
    ends.map((end, i) => [`block${i + 1}`, end]),
  );
});

test('windows of a map are no stages', t => {
  const builder = new Builder('windows');
  const weight = (...shape: number[]) =>
    builder.constant(tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b))));
  const x = builder.input('x', 'float32', ['N', 3, 32, 32]);
  const stem = Relu(Conv(x, weight(4, 3, 2, 2), { strides: [2, 2] }));
  const many = Relu(MatMul(Reshape(stem, [-1, 4, 8, 8]), weight(8, 8)));
  const beside = Relu(MatMul(Reshape(many, [-1, 4, 16, 16]), weight(16, 16)));
  const tokens = Relu(MatMul(Reshape(beside, [-1, 4, 64, 4]), weight(4, 4)));
  const first = Relu(Reshape(tokens, [-1, 4, 16, 16]));
  const second = Relu(Conv(first, weight(8, 4, 2, 2), { strides: [2, 2] }));
  builder.output(Gemm(Flatten(GlobalAveragePool(second)), weight(8, 10)), 'logits');
  const { names, facts } = inspectModel(modelOf(builder.finish()));
  t.deepEqual(facts.get(many.name)?.shape, ['4*N', 4, 8, 8]);
  t.deepEqual(facts.get(tokens.name)?.shape, ['N', 4, 64, 4]);
  const blocks = [...names].filter(([name]) => name.startsWith('block'));
  t.deepEqual(blocks, [
    ['block1', first.name],
    ['block2', second.name],
  ]);
});
