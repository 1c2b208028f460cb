// Every training-only gradient of an activation is what its kernel computes.

import test from 'ava';
import * as ops from '../../src/operators/training-activations.js';
import { float, int, sameAsKernel, type Case, type Fed } from './training-runtime.js';
import { floats } from '../../src/base/index.js';
import type { Value } from '../../src/graph/index.js';
import { bind, type AnyOperator } from '../../src/operators/index.js';
import { runGraph } from './against-runtime.js';

const map: Fed = { shape: [2, 3, 5] };
const mask: Fed = { type: 'bool', shape: [2, 3, 5], data: Array.from({ length: 30 }, (_, i) => Number(i % 3 > 0)) };
const scalar = (value: number): Fed => ({ shape: [], data: [value] });
/** Probabilities, and their logarithms, as a softmax over the last axis gives them. */
const even: Fed = { shape: [2, 3, 5], data: Array.from({ length: 30 }, (_, i) => (1 + (i % 5)) / 15) };
const logs: Fed = { shape: [2, 3, 5], data: even.data!.map(Math.log) };

const cases: readonly (readonly [string, AnyOperator, Case])[] = [
  ['ReluGrad', ops.ReluGrad, { inputs: [map, map] }],
  ['ReluGrad at zero', ops.ReluGrad, { inputs: [{ shape: [3] }, { shape: [3], data: [0, -0, 1] }] }],
  ['SigmoidGrad', ops.SigmoidGrad, { inputs: [map, even] }],
  ['TanhGrad', ops.TanhGrad, { inputs: [map, even] }],
  ['LeakyReluGrad', ops.LeakyReluGrad, { inputs: [map, map], attributes: { alpha: float(0.2) } }],
  ['LeakyReluGrad by default', ops.LeakyReluGrad, { inputs: [map, map] }],
  ['GeluGrad', ops.GeluGrad, { inputs: [map, map] }],
  ['FastGeluGrad', ops.FastGeluGrad, { inputs: [map, map] }],
  ['QuickGeluGrad', ops.QuickGeluGrad, { inputs: [map, map] }],
  ['QuickGeluGrad, alpha', ops.QuickGeluGrad, { inputs: [map, map], attributes: { alpha: float(1) } }],
  ['BiasGeluGrad_dX', ops.BiasGeluGrad_dX, { inputs: [map, map, { shape: [5] }] }],
  ['BiasFastGeluGrad_dX', ops.BiasFastGeluGrad_dX, { inputs: [map, map, { shape: [5] }] }],
  ...[-3, 0, 1, 2].map(
    axis =>
      [`SoftmaxGrad over ${axis}`, ops.SoftmaxGrad, { inputs: [map, even], attributes: { axis: int(axis) } }] as const,
  ),
  ['SoftmaxGrad by default', ops.SoftmaxGrad, { inputs: [map, even] }],
  ...[-1, 0, 1].map(
    axis =>
      [`SoftmaxGrad_13 ${axis}`, ops.SoftmaxGrad_13, { inputs: [map, even], attributes: { axis: int(axis) } }] as const,
  ),
  ['SoftmaxGrad_13 by default', ops.SoftmaxGrad_13, { inputs: [map, even] }],
  ...[0, 1, 2].map(
    axis =>
      [`LogSoftmaxGrad ${axis}`, ops.LogSoftmaxGrad, { inputs: [map, logs], attributes: { axis: int(axis) } }] as const,
  ),
  ...[-1, 0, 1].map(
    axis =>
      [
        `LogSoftmaxGrad_13 ${axis}`,
        ops.LogSoftmaxGrad_13,
        { inputs: [map, logs], attributes: { axis: int(axis) } },
      ] as const,
  ),
  ['DropoutGrad', ops.DropoutGrad, { inputs: [map, mask, scalar(0.3)] }],
  ['DropoutGrad by default', ops.DropoutGrad, { inputs: [map, mask] }],
  ['DropoutGrad in training', ops.DropoutGrad, { inputs: [map, mask, scalar(0.25), { type: 'bool', shape: [], data: [1] }] }],
  ['FakeQuant', ops.FakeQuant, { inputs: [{ shape: [40], data: Array.from({ length: 40 }, (_, i) => i * 0.173 - 2) }, scalar(0.02), scalar(90)], outputs: 2 }],
  ['FakeQuant, seven bits', ops.FakeQuant, { inputs: [map, scalar(0.01), scalar(3)], outputs: 2, attributes: { quant_min: int(0), quant_max: int(127) } }],
  ['FakeQuantGrad', ops.FakeQuantGrad, { inputs: [map, mask] }],
  ['Scale', ops.Scale, { inputs: [map, scalar(3)] }],
  ['Scale down', ops.Scale, { inputs: [map, scalar(3)], attributes: { scale_down: int(1) } }],
  ['Scale by an integer', ops.Scale, { inputs: [map, { type: 'int64', shape: [], data: [7] }], attributes: { scale_down: int(1) } }],
  ['Scale a number by a vector', ops.Scale, { inputs: [{ shape: [] }, { type: 'int64', shape: [1], data: [7] }], attributes: { scale_down: int(1) } }],
]; // prettier-ignore
for (const [title, operator, one] of cases)
  test(title, async t => {
    await sameAsKernel(t, operator, one);
  });
// The published build has no kernels for these.
test('SinGrad', async t => {
  const [dY, dX] = await runGraph(feed => {
    const x = feed([7], 'float32', [-3, -2, -1, 0, 1, 2, 3]);
    return [x, lowered(ops.SinGrad, x, x)];
  }).then(({ computed }) => Promise.all(computed.map(async one => floats(await one.read()))));
  dY!.forEach((x, i) => void t.true(Math.abs(dX![i]! - x * Math.cos(x)) < 1e-6));
});
test('BitmaskDropout lets through what its gradient lets through', async t => {
  const [Y, dX] = await runGraph(feed => {
    const ones = feed(
      [200],
      'float32',
      Array.from({ length: 200 }, () => 1),
    );
    const training = feed([], 'bool', [1]);
    const ratio = feed([], 'float32', [0.25]);
    const at = bind(ops.BitmaskDropout, [ones, ratio, training], new Map(), 2);
    const [output, mask] = ops.BitmaskDropout.spec.lower!(at as never) as [Value, Value];
    return [output, lowered(ops.BitmaskDropoutGrad, ones, mask, ratio)];
  }).then(({ computed }) => Promise.all(computed.map(async one => floats(await one.read()))));
  t.deepEqual(dX, Y);
  t.true(Y!.includes(0) && Y!.some(y => Math.abs(y - 4 / 3) < 1e-6));
});

const lowered = (operator: AnyOperator, ...inputs: readonly Value[]): Value =>
  operator.spec.lower!(bind(operator, inputs, new Map(), 1) as never) as Value;
