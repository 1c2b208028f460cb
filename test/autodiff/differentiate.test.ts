// The reverse walk against central differences, through onnxruntime; an operator without a rule is refused by name.

import test from 'ava';
import { floats, Random, tensor } from '../../src/base/index.js';
import { differentiate } from '../../src/autodiff/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Value } from '../../src/graph/index.js';
import {
  Add, AveragePool, Concat, Conv, Flatten, Gather, Gemm, GlobalAveragePool, InstanceNormalization, MatMul, Mul, ReduceSum,
  Relu, Sigmoid, Slice, Softmax, Tanh,
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
  const x = builder.input('x', 'float32', [2, 3, 4, 4]);
  const ones = builder.constant(tensor('float32', [3], [1, 1, 1]));
  const loss = ReduceSum(InstanceNormalization(x, ones, ones), undefined, { keepdims: 0 });
  t.throws(() => differentiate(builder, new Map([[loss, builder.constant(1)]]), [x]), {
    code: 'AUTODIFF_NO_GRADIENT',
    message: /InstanceNormalization/,
  });
});
