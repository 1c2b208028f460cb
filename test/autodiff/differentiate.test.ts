// The reverse walk against central differences, through onnxruntime; an operator without a rule is refused by name.

import test from 'ava';
import { floats, Random, tensor } from '../../src/base/index.js';
import { differentiate } from '../../src/autodiff/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Value } from '../../src/graph/index.js';
import {
  Add, AveragePool, Cast, Concat, Conv, Dropout, Flatten, Gather, Gemm, GlobalAveragePool, LayerNormalization, MatMul,
  Mul, ReduceSum, Relu, RNN, Sigmoid, Slice, Softmax, Tanh, Mish,
} from '../../src/operators/index.js'; // prettier-ignore
import { nodeRuntime } from '../../src/runtime/node.js';

const cases: Readonly<Record<string, [readonly number[], (x: Value) => Value]>> = {
  'a fan-out adds up': [[2, 3], x => Add(Mul(x, x), Tanh(x))],
  'a broadcast is summed back': [[3], x => Mul(x, x.builder.constant(tensor('float32', [2, 3], [1, 2, 3, 4, 5, 6])))],
  Gemm: [[2, 3], x => Gemm(x, x, undefined, { transB: 1 })],
  MatMul: [[3, 3], x => MatMul(x, Sigmoid(x))],
  Softmax: [[2, 4], x => Mul(Softmax(x), Softmax(x))],
  Conv: [
    [1, 2, 5, 5],
    x =>
      Conv(
        x,
        x.builder.constant(
          tensor(
            'float32',
            [3, 2, 3, 3],
            Float32Array.from({ length: 54 }, (_, i) => Math.sin(i)),
          ),
        ),
        undefined,
        { pads: [1, 1, 1, 1], strides: [2, 2] },
      ),
  ],
  'AveragePool with pads': [
    [1, 2, 5, 5],
    x => Mul(AveragePool(x, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }), 3),
  ],
  GlobalAveragePool: [[2, 3, 2, 2], x => Mul(Flatten(GlobalAveragePool(x)), Flatten(GlobalAveragePool(x)))],
  Gather: [[4, 2], x => Mul(Gather(x, x.builder.constant([0, 2, 2])), 2)],
  'Slice and Concat': [[2, 6], x => Mul(Concat(Slice(x, [1], [4], [1]), x, { axis: 1 }), 0.5)],
  Relu: [[7], x => Relu(Add(x, 0.05))],
};

for (const [name, [shape, f]] of Object.entries(cases))
  test(`gradient = difference: ${name}`, async t => {
    const builder = new Builder();
    const x = builder.input('x', 'float32', shape);
    const loss = ReduceSum(f(x), undefined, { keepdims: 0 });
    builder.output(loss, 'loss');
    const dx = differentiate(builder, new Map([[loss, builder.constant(1)]]), [x]).get(x)!;
    builder.output(dx, 'dx');
    const runtime = nodeRuntime();
    const session = await runtime.open(encodeModel(modelOf(builder.finish())));
    const random = new Random(name);
    const point = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
    const at = async (values: Float32Array) => {
      const results = await session.run(new Map([['x', runtime.tensor(tensor('float32', shape, values))]]));
      const read = async (output: string) => floats(await results.get(output)!.read()).slice();
      return { loss: (await read('loss'))[0]!, dx: await read('dx') };
    };
    const { dx: gradient } = await at(point);
    const h = 1e-2;
    for (const i of point.keys()) {
      const moved = (by: number) => point.map((value, k) => (k === i ? value + by : value));
      const difference = ((await at(moved(h))).loss - (await at(moved(-h))).loss) / (2 * h);
      t.true(
        Math.abs(difference - gradient[i]!) <= 2e-2 * Math.max(1, Math.abs(difference)),
        `${i}: ${difference} ${gradient[i]}`,
      );
    }
    await session.close();
  });

test('an operator without a rule is refused with its name', t => {
  const builder = new Builder();
  const x = builder.input('x', 'float32', [3, 1, 4]);
  const weights = builder.constant(tensor('float32', [1, 2, 4], new Float32Array(8)));
  const again = builder.constant(tensor('float32', [1, 2, 2], new Float32Array(4)));
  const loss = ReduceSum(RNN(x, weights, again, { hidden_size: 2 }), undefined, { keepdims: 0 });
  t.throws(() => differentiate(builder, new Map([[loss, builder.constant(1)]]), [x]), {
    code: 'AUTODIFF_NO_GRADIENT',
    message: /RNN/,
  });
});

test('operators that have only a lowering are written in simpler ones, which forwards and backwards share', t => {
  const builder = new Builder();
  const x = builder.input('x', 'float32', [2, 3]);
  const y = Mish(x);
  const loss = ReduceSum(y, undefined, { keepdims: 0 });
  builder.output(y, 'y');
  const dx = differentiate(builder, new Map([[loss, builder.constant(1)]]), [x]).get(x)!;
  builder.output(dx, 'dx');
  const { nodes } = builder.finish();
  t.false(nodes.some(({ op }) => op === 'Mish'));
  t.is(nodes.filter(({ op }) => op === 'Exp').length, 1);
  t.true(nodes.some(({ outputs }) => outputs.includes(y.name)));
});

test('a node gives what its rules read, and only where it trains', t => {
  const builder = new Builder();
  const x = builder.input('x', 'float32', [2, 3]);
  const frozen = LayerNormalization(x, builder.constant([1, 1, 1], 'float32'));
  const w = builder.input('w', 'float32', [3]);
  const y = LayerNormalization(frozen, w);
  builder.output(differentiate(builder, new Map([[y, y]]), [w]).get(w)!, 'dw');
  const counts = builder.nodes.flatMap(({ op, outputs }) => (op === 'LayerNormalization' ? [outputs.length] : []));
  t.deepEqual(counts, [1, 3]);
});

test('whole numbers and values that nothing is asked of carry no gradient', t => {
  const builder = new Builder();
  const x = builder.input('x', 'float32', [2, 3]);
  // 6 = int(5.7) + 1: as in PyTorch, what became whole has no gradient
  const whole = Cast(Cast(Mul(x, 3), { to: 7 }), { to: 1 });
  t.is(differentiate(builder, new Map([[whole, whole]]), [x]).size, 0);
  const half = Add(whole, x);
  const dx = differentiate(builder, new Map([[half, builder.constant(tensor('float32', [2, 3], new Float32Array(6)))]]), [x]); // prettier-ignore
  t.is(dx.size, 1);
});

test('Dropout that trains passes back what it let through, by the same mask', async t => {
  const runtime = nodeRuntime();
  for (const [ratio, switched] of [
    [0.25, false],
    [undefined, false],
    [0.25, true],
  ] as const) {
    const builder = new Builder();
    const x = builder.input('x', 'float32', [40, 5]);
    const on = switched ? builder.input('on', 'bool', []) : builder.constant(tensor('bool', [], [1]));
    const y = Dropout(x, ratio, on);
    builder.output(y, 'y');
    const ones = builder.constant(tensor('float32', [40, 5], new Float32Array(200).fill(1)));
    builder.output(differentiate(builder, new Map([[y, ones]]), [x]).get(x)!, 'dx');
    const session = await runtime.open(encodeModel(modelOf(builder.finish())));
    const xs = new Float32Array(200).fill(1);
    for (const isOn of switched ? [true, false] : [true]) {
      const feeds = new Map([['x', runtime.tensor(tensor('float32', [40, 5], xs))]]);
      if (switched) feeds.set('on', runtime.tensor(tensor('bool', [], [isOn ? 1 : 0])));
      const results = await session.run(feeds);
      const read = async (name: string) => [...floats(await results.get(name)!.read())];
      const [ys, dxs] = [await read('y'), await read('dx')];
      t.deepEqual(dxs, ys);
      t.is(ys.includes(0), isOn);
    }
    await session.close();
  }
});
