// What moves numbers without changing them, and sums over axes that the graph computes, is what the kernels compute.

import test from 'ava';
import { floats } from '../../src/base/index.js';
import { differentiate } from '../../src/autodiff/index.js';
import { Builder, type Value } from '../../src/graph/index.js';
import { Div, bind } from '../../src/operators/index.js';
import * as ops from '../../src/operators/training-layout.js';
import { runGraph } from './against-runtime.js';
import { furthest } from '../workflows/imported.js';
import { int, sameAsKernel, type Fed } from './training-runtime.js';

const list = (...data: number[]): Fed => ({ type: 'int64', shape: [data.length], data });
const held = (...data: number[]): Fed => ({ ...list(...data), held: true });

for (const shape of [list, held]) {
  const kind = shape === list ? 'a computed shape' : 'a known shape';
  test(`SplitTraining, ${kind}`, async t => {
    const inputs = [{ shape: [2, 7] }, shape(3, 1, 3)];
    await sameAsKernel(t, ops.SplitTraining, { inputs, outputs: 3, attributes: { axis: int(1) } });
    const others = [{ shape: [4, 2] }, shape(1, 3)];
    await sameAsKernel(t, ops.SplitTraining, { inputs: others, outputs: 2, attributes: { axis: int(-2) } });
  });
  test(`ReduceSumTraining, ${kind}`, async t => {
    for (const keepdims of [0, 1])
      for (const axes of [shape(0, 2), shape(-1)])
        await sameAsKernel(t, ops.ReduceSumTraining, {
          inputs: [{ shape: [2, 3, 4] }, axes],
          attributes: { keepdims: int(keepdims) },
          names: [undefined, axes.held ? undefined : [axes.shape[0]!]],
        });
  });
}
test('ReduceSumTraining over no axes', async t => {
  for (const noop of [0, 1])
    await sameAsKernel(t, ops.ReduceSumTraining, {
      inputs: [{ shape: [2, 3] }, held()],
      attributes: { keepdims: int(1), noop_with_empty_axes: int(noop) },
    });
});
test('ConcatTraining, with and without the lengths', async t => {
  const inputs = [{ shape: [2, 3] }, { shape: [2, 1] }, { shape: [2, 4] }];
  for (const outputs of [1, 2])
    for (const axis of [1, -1])
      await sameAsKernel(t, ops.ConcatTraining, { inputs, outputs, attributes: { axis: int(axis) } });
});
for (const shape of [list, held])
  test(`BroadcastGradientArgs of ${shape === list ? 'computed' : 'known'} shapes`, async t => {
    const cases = [
      [
        [2, 3],
        [2, 3],
      ],
      [[2, 3], [3]],
      [[3], [4, 2, 3]],
      [
        [2, 1, 4],
        [1, 3, 1],
      ],
      [
        [1, 1],
        [1, 1],
      ],
      [
        [1, 3],
        [2, 1, 1],
      ],
      [[5, 1, 1], [1]],
    ] as const;
    for (const [a, b] of cases)
      await sameAsKernel(t, ops.BroadcastGradientArgs, {
        inputs: [shape(...a), shape(...b)],
        outputs: 2,
        sorted: true,
      });
  });
test('PassThrough passes values of any type through', async t => {
  const { computed } = await runGraph(feed => {
    const at = bind(ops.PassThrough, [feed([3]), feed([2], 'int64')], new Map(), 2);
    return ops.PassThrough.spec.lower!(at as never) as Value[];
  });
  t.deepEqual(computed.map(({ type, shape }) => [type, ...shape]), [['float32', 3], ['int64', 2]]);
}); // prettier-ignore
test('ZeroGradient', async t => {
  await sameAsKernel(t, ops.ZeroGradient, { inputs: [{ shape: [2, 3] }, { shape: [1] }] });
});
test('ReduceAllL2', async t => {
  await sameAsKernel(t, ops.ReduceAllL2, { inputs: [{ shape: [2, 3] }, { shape: [4] }, { shape: [] }] });
  await sameAsKernel(t, ops.ReduceAllL2, { inputs: [{ shape: [5] }] });
});
// It has a kernel on CUDA only: the gradients that Div itself states.
test('DivGrad', async t => {
  for (const [a, b] of [
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3], [3]],
    [[3], [2, 1]],
    [
      [2, 1, 3],
      [1, 4, 1],
    ],
    [[], [2]],
  ]) {
    const { computed } = await runGraph((feed, builder) => {
      const numbers = (shape: readonly number[], around: number) =>
        feed(
          shape,
          'float32',
          Array.from({ length: shape.reduce((x, y) => x * y, 1) }, (_, i) => around + Math.sin(i)),
        );
      const [A, B] = [numbers(a!, 0), numbers(b!, 3)];
      const C = Div(A, B);
      const dY = numbers(C.shape as readonly number[], 1);
      const made = ops.DivGrad.spec.lower!(bind(ops.DivGrad, [dY, A, B], new Map(), 2) as never) as Value[];
      const wanted = differentiate(builder, new Map([[C, dY]]), [A, B]);
      return [...made, wanted.get(A)!, wanted.get(B)!];
    });
    const [dA, dB, wantedA, wantedB] = await Promise.all(computed.map(async one => floats(await one.read())));
    t.deepEqual([computed[0]!.shape, computed[1]!.shape], [a, b]);
    t.true(furthest(dA!, wantedA!) <= 1e-6 && furthest(dB!, wantedB!) <= 1e-6);
  }
});
test('DivGrad of sizes that may or may not be equal is refused', t => {
  const builder = new Builder();
  const [A, B] = [builder.input('A', 'float32', ['n']), builder.input('B', 'float32', ['m'])];
  const at = bind(ops.DivGrad, [A, A, B], new Map(), 2);
  t.throws(() => ops.DivGrad.spec.lower!(at as never) as Value[], { code: 'OPERATOR_SHAPE' });
}); // prettier-ignore
