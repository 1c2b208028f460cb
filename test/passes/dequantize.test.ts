// Networks of QuantizeLinear and DequantizeLinear made float. Quantised numbers are worked out from ONNX's formulas:
// q = saturate(round(x / scale) + zero point), w = (q − zero point) · scale.

import test from 'ava';
import { floats, Random, tensor, type ArrayType, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Model, type Value } from '../../src/graph/index.js';
import {
  Clip,
  Concat,
  Conv,
  DequantizeLinear,
  MaxPool,
  QuantizeLinear,
  Relu,
  Reshape,
} from '../../src/operators/index.js';
import { clean, dequantize } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { randomFeeds, runOnce } from '../../src/workflows/compare.js';

const network = (build: (b: Builder) => Value): Model => {
  const b = new Builder('case');
  b.output(build(b), 'y');
  return modelOf(b.finish());
};
const scalar = (b: Builder, value: number, type: ArrayType = 'float32') => b.constant(tensor(type, [], [value]));
const pair = (x: Value, scale: number, zero: number, type: ArrayType = 'uint8') => {
  const given = [scalar(x.builder, scale), scalar(x.builder, zero, type)] as const;
  return DequantizeLinear(QuantizeLinear(x, ...given), ...given);
};
const operators = ({ graph }: Model) => graph.nodes.map(({ op }) => op);
const madeFloat = (model: Model) => clean(dequantize(model));

/** The weight that stands in place of a DequantizeLinear. */
function weightOf(q: Tensor, scale: Tensor, zero: Tensor | undefined, attributes: Record<string, number>): number[] {
  const b = new Builder('weight');
  const x = b.input('x', 'float32', q.shape);
  const held = b.append({
    op: 'DequantizeLinear',
    inputs: [b.constant(q), b.constant(scale), zero && b.constant(zero)],
    attributes: new Map(Object.entries(attributes).map(([key, value]) => [key, { kind: 'int', value } as const])),
    outputs: [{ type: 'float32', shape: q.shape }],
  })[0]!;
  b.output(Concat(x, held, { axis: 0 }), 'y');
  const { graph } = dequantize(modelOf(b.finish()));
  return Array.from(floats(graph.initializers.get(held.name)!));
}
const f = (shape: readonly number[], values: readonly number[]) => tensor('float32', shape, values);

test('weights become what they stand for: per tensor, per axis, per block', t => {
  const bytes = tensor('uint8', [2, 2], [0, 128, 255, 130]);
  t.deepEqual(weightOf(bytes, f([], [0.5]), tensor('uint8', [], [128]), {}), [-64, 0, 63.5, 1]);
  const axis = tensor('int8', [2, 3], [-128, 1, 2, 3, 4, 127]);
  t.deepEqual(weightOf(axis, f([2], [1, 0.5]), undefined, { axis: 0 }), [-128, 1, 2, 1.5, 2, 63.5]);
  t.deepEqual(weightOf(axis, f([3], [1, 2, 4]), tensor('int8', [3], [0, 1, 2]), { axis: -1 }), [-128, 0, 0, 3, 6, 500]);
  const blocked = tensor('int16', [2, 4], [1, 2, 3, 4, 5, 6, 7, -8]);
  t.deepEqual(
    weightOf(blocked, f([2, 2], [1, 10, 2, 3]), undefined, { axis: 1, block_size: 2 }),
    [1, 2, 30, 40, 10, 12, 21, -24],
  );
  t.deepEqual(weightOf(tensor('int32', [2], [-1000, 7]), f([], [0.25]), undefined, {}), [-250, 1.75]);
  t.deepEqual(weightOf(tensor('uint16', [2], [65535, 0]), f([], [2]), tensor('uint16', [], [1]), {}), [131068, -2]);
  // two in a byte, low bits first
  const nibbles: Tensor = { type: 'int4', shape: [3], bytes: new Uint8Array([0x8f, 0x07]) };
  t.deepEqual(weightOf(nibbles, f([], [1]), undefined, {}), [-1, -8, 7]);
  const unsigned: Tensor = { type: 'uint4', shape: [3], bytes: new Uint8Array([0x8f, 0x07]) };
  t.deepEqual(weightOf(unsigned, f([], [1]), undefined, {}), [15, 8, 7]);
});

test('a pair leaves what its saturation did', t => {
  const convolved = (b: Builder) => Conv(b.input('x', 'float32', ['batch', 2, 4, 4]), kernel(b));
  const after = (finish: (y: Value) => Value) =>
    operators(madeFloat(network(b => Conv(finish(convolved(b)), kernel(b, 2)))));
  // 0 … 6: Relu6, where 255 · (6 / 255) in float32 is 6 but for its rounding
  t.deepEqual(
    after(y => pair(y, 6 / 255, 0)),
    ['Conv', 'Clip', 'Conv'],
  );
  // after an operator that keeps to the range there is nothing to cut
  t.deepEqual(
    after(y => pair(Clip(y, 0, 6), 6 / 255, 0)),
    ['Conv', 'Clip', 'Conv'],
  );
  t.deepEqual(
    after(y => pair(Relu(y), 0.1, 0)),
    ['Conv', 'Relu', 'Clip', 'Conv'],
  );
  t.deepEqual(
    after(y => pair(y, 0.1, -128, 'int8')),
    ['Conv', 'Clip', 'Conv'],
  );
  t.deepEqual(
    after(y => pair(pair(y, 0.1, 3), 0.1, 3)),
    ['Conv', 'Clip', 'Conv'],
  );
});

test('logits are not cut, but at 0', t => {
  const logits = (scale: number, zero: number) =>
    operators(madeFloat(network(b => Reshape(pair(b.input('x', 'float32', [2, 3]), scale, zero), [3, 2]))));
  t.deepEqual(logits(0.1, 100), ['Reshape']);
  t.deepEqual(logits(0.1, 0), ['Clip', 'Reshape']);
});

test('what only moves quantised values moves floats', t => {
  const moved = network(b => {
    const x = b.input('x', 'float32', [1, 2, 4, 4]);
    const given = [scalar(b, 0.05), scalar(b, 10, 'uint8')] as const;
    const pooled = MaxPool(QuantizeLinear(Relu(x), ...given), { kernel_shape: [2, 2], strides: [2, 2] });
    return Conv(DequantizeLinear(pooled, ...given), kernel(b, 2));
  });
  t.deepEqual(operators(madeFloat(moved)), ['Relu', 'Clip', 'MaxPool', 'Conv']);
  // another scale behind it is another function: all stays
  const other = network(b => {
    const x = b.input('x', 'float32', [1, 2, 4, 4]);
    const zero = scalar(b, 10, 'uint8');
    const pooled = MaxPool(QuantizeLinear(x, scalar(b, 0.05), zero), { kernel_shape: [2, 2] });
    return DequantizeLinear(pooled, scalar(b, 0.1), zero);
  });
  t.is(dequantize(other), other);
});

test('a network without quantised values is the same object', t => {
  const plain = network(b => Relu(b.input('x', 'float32', [2, 3])));
  t.is(dequantize(plain), plain);
});

test('the float network is the quantised one but for its roundings', async t => {
  const model = network(b => {
    const x = pair(b.input('x', 'float32', [2, 3, 8, 8]), 1 / 32, 128);
    const one = pair(Conv(x, quantized(b, [4, 3, 3, 3], 'a'), { pads: [1, 1, 1, 1] }), 1 / 64, 0);
    const two = pair(Conv(one, quantized(b, [4, 4, 3, 3], 'b')), 1 / 32, 100);
    return Conv(two, quantized(b, [2, 4, 1, 1], 'c'));
  });
  const changed = madeFloat(model);
  t.deepEqual(operators(changed), ['Clip', 'Conv', 'Clip', 'Conv', 'Clip', 'Conv']);
  const runtime = nodeRuntime();
  const feeds = randomFeeds(model, new Random('feeds'), { batch: 2, other: 8 });
  const [before, after] = await Promise.all(
    [model, changed].map(async one =>
      floats((await runOnce(runtime, encodeModel(one), feeds, { optimization: 'disabled' })).get('y')!),
    ),
  );
  const largest = Math.max(...before!.map(Math.abs));
  const apart = Math.max(...before!.map((value, i) => Math.abs(value - after![i]!)));
  t.true(apart < 0.05 * largest, `${apart} of ${largest}`);
});

function kernel(b: Builder, channels = 2): Value {
  const values = Float32Array.from({ length: channels * 2 }, (_, i) => i - 1);
  return b.parameter(b.fresh('w'), tensor('float32', [2, channels, 1, 1], values));
}
/** Weights per channel, symmetric, about unit variance of what they give. */
function quantized(b: Builder, shape: readonly number[], seed: string): Value {
  const random = new Random(seed);
  const [outer, ...rest] = shape as [number, ...number[]];
  const inner = rest.reduce((x, y) => x * y, 1);
  const values = Array.from({ length: outer * inner }, () => random.integer(256) - 128);
  const scales = Array.from({ length: outer }, (_, i) => (1 + i / 4) / (128 * Math.sqrt(inner / 3)));
  return DequantizeLinear(b.constant(tensor('int8', shape, values)), b.constant(tensor('float32', [outer], scales)), { axis: 0 }); // prettier-ignore
}
