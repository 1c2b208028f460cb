// Gradients of gathers and slices are what their kernels compute.

import test from 'ava';
import { floats } from '../../src/base/index.js';
import { Builder, type Value } from '../../src/graph/index.js';
import { GatherND, Mul, ReduceSum, bind } from '../../src/operators/index.js';
import * as ops from '../../src/operators/training-indexing.js';
import { runGraph } from './against-runtime.js';
import { int, sameAsKernel, type Fed } from './training-runtime.js';

const list = (...data: number[]): Fed => ({ type: 'int64', shape: [data.length], data });
const held = (...data: number[]): Fed => ({ ...list(...data), held: true });
const places = (shape: readonly number[], ...data: number[]): Fed => ({ type: 'int64', shape, data });

for (const shape of [list, held]) {
  const kind = shape === list ? 'a computed shape' : 'a known shape';
  test(`GatherGrad, ${kind}`, async t => {
    for (const axis of [0, 1, 2, -1]) {
      const sizes = [4, 5, 3];
      const at = axis < 0 ? 2 : axis;
      for (const many of [[], [4], [2, 2]]) {
        const count = many.reduce((a, b) => a * b, 1);
        const indices = places(many, ...[1, 2, 1, 0].slice(0, count));
        const dY = { shape: [...sizes.slice(0, at), ...many, ...sizes.slice(at + 1)] };
        const inputs = [shape(...sizes), indices, dY];
        await sameAsKernel(t, ops.GatherGrad, { inputs, attributes: { axis: int(axis) } });
      }
    }
  });
  test(`GatherGrad of int32 indices, ${kind}`, async t => {
    const indices: Fed = { type: 'int32', shape: [3], data: [2, 0, 2] };
    await sameAsKernel(t, ops.GatherGrad, { inputs: [shape(4, 2), indices, { shape: [3, 2] }] });
  });
  test(`GatherElementsGrad, ${kind}`, async t => {
    const indices = places([2, 3], 0, 1, 0, 2, 1, 0);
    for (const axis of [0, 1, -1])
      await sameAsKernel(t, ops.GatherElementsGrad, {
        inputs: [{ shape: [2, 3] }, shape(3, 4), indices],
        attributes: { axis: int(axis) },
      });
  });
  test(`SliceGrad, ${kind}`, async t => {
    const cases: [number[], number[], (Fed | undefined)[]][] = [
      [
        [4, 5],
        [2, 5],
        [shape(1), shape(3)],
      ],
      [
        [4, 5],
        [4, 2],
        [shape(-3), shape(-1), held(1)],
      ],
      [
        [4, 5],
        [3, 4],
        [shape(0, 1), shape(3, 100), held(0, -1)],
      ],
      [
        [6, 5],
        [3, 2],
        [shape(1, 0), shape(6, 4), held(0, 1), shape(2, 3)],
      ],
      [
        [6, 3],
        [3, 3],
        [shape(4), shape(-7), held(0), shape(-2)],
      ],
      [
        [2, 7, 3],
        [2, 1, 3],
        [shape(0), shape(1), held(1), shape(1)],
      ],
    ];
    for (const [whole, part, bounds] of cases)
      await sameAsKernel(t, ops.SliceGrad, { inputs: [{ shape: part }, shape(...whole), ...bounds] });
  });
}
// The published build's kernel reads sizes of 64 bits as if they had 32: the lowering must be the adjoint of GatherND.
test('GatherNDGrad', async t => {
  const cases = [
    { sizes: [3, 4, 2], shape: [3, 2], indices: [0, 1, 2, 3, 0, 1], batch_dims: 0 },
    { sizes: [2, 4, 3], shape: [2, 2, 1], indices: [0, 3, 1, 1], batch_dims: 1 },
    { sizes: [2, 2, 4], shape: [2, 2, 1], indices: [0, 3, 1, -1], batch_dims: 2 },
  ];
  for (const { sizes, shape, indices, batch_dims } of cases)
    for (const open of [false, true]) {
      const { computed } = await runGraph((feed, builder) => {
        const x = feed(sizes);
        const at = feed(shape, 'int64', indices);
        const picked = GatherND(x, at, { batch_dims });
        const dY = feed(picked.shape as readonly number[]);
        const whole = open ? feed([sizes.length], 'int64', sizes) : builder.constant(sizes);
        const attributes = new Map([['batch_dims', int(batch_dims)]]);
        const dX = ops.GatherNDGrad.spec.lower!(
          bind(ops.GatherNDGrad, [whole, at, dY], attributes, 1) as never,
        ) as Value;
        const sum = (value: Value) => ReduceSum(value, undefined, { keepdims: 0 });
        return [sum(Mul(picked, dY)), sum(Mul(x, dX))];
      });
      const [forth, back] = await Promise.all(computed.map(async one => floats(await one.read())[0]!));
      t.true(forth! > 0 && Math.abs(forth! - back!) < 1e-4 * forth!, `${forth} and ${back}`);
    }
});
test('SliceGrad along axes that only running tells is refused', t => {
  const builder = new Builder();
  const [dY, shape, bound, axes] = [
    builder.input('dY', 'float32', [2]),
    builder.constant([4]),
    builder.constant([1]),
    builder.input('axes', 'int64', [1]),
  ];
  const at = bind(ops.SliceGrad, [dY, shape, bound, bound, axes], new Map(), 1);
  t.throws(() => ops.SliceGrad.spec.lower!(at as never) as Value, { code: 'OPERATOR_SHAPE' });
});
