import test from 'ava';
import { Random, tensor } from '../../src/base/index.js';
import { Builder, modelOf, type Value } from '../../src/graph/index.js';
import { inspectModel } from '../../src/inspect/index.js';
import {
  Add,
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
