// Cells lie where bright pixels wake them: networks whose weights are all one are shown one bright pixel at a time, and
// the middle of the pixels that reach a cell is where its line says.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { floats, tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Graph, type Value } from '../../src/graph/index.js';
import { inspectModel, spatialMapsOf, wiringOf } from '../../src/inspect/index.js';
import { Add, AveragePool, Cast, Concat, Conv, Gemm, GlobalAveragePool, MaxPool, Pad, Relu, Reshape, Slice, Transpose } from '../../src/operators/index.js'; // prettier-ignore
import { nodeRuntime } from '../../src/runtime/node.js';

const runtime = nodeRuntime();

/** A network over pictures [N, height, width, 3], up to a pooled classifier. */
function networkOf(height: number, width: number, make: (planes: Value) => Value, map = 'map'): Graph {
  const builder = new Builder('net');
  const pictures = builder.input('pictures', 'uint8', ['N', height, width, 3]);
  const made = make(Cast(Transpose(pictures, { perm: [0, 3, 1, 2] }), { to: 1 }));
  const named = builder.append({ op: 'Relu', inputs: [made], outputs: [made], names: [map] })[0]!;
  const flat = Reshape(GlobalAveragePool(named), [0, -1]);
  const weight = ones(flat, [2, named.shape[1] as number]);
  builder.output(Gemm(flat, weight, undefined, { transB: 1 }), 'logits');
  return builder.finish();
}

const ones = ({ builder }: Value, shape: readonly number[]): Value =>
  builder.constant(tensor('float32', shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1)));

const conv = (x: Value, kernel: number, stride: number, pads: readonly number[], dilation = 1): Value =>
  Conv(x, ones(x, [1, x.shape[1] as number, kernel, kernel]), undefined, { strides: [stride, stride], pads, dilations: [dilation, dilation] }); // prettier-ignore

const linesOf = (graph: Graph, view?: number) => {
  const model = modelOf(graph);
  const [map, ...more] = spatialMapsOf(wiringOf(graph, inspectModel(model).facts), 'logits');
  if (!map || more.length > 0) throw new Error('wanted one map');
  return map.alignment(view);
};

test('the stem of SqueezeNet 1.1: four windows of 3 and stride 2 without padding', t => {
  // y = 2x + 1 four times: 16x + 15
  const graph = networkOf(224, 224, x => {
    let at = conv(x, 3, 2, [0, 0, 0, 0]);
    for (let i = 0; i < 3; i++) at = MaxPool(at, { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 0, 0] });
    return at;
  });
  t.deepEqual(linesOf(graph), { rows: { start: 15, step: 16 }, columns: { start: 15, step: 16 } });
});

test('windows of 3 padded by one on both sides are centred on every other pixel, from the first', t => {
  const graph = networkOf(32, 48, x => conv(conv(x, 3, 2, [1, 1, 1, 1]), 3, 2, [1, 1, 1, 1]));
  t.deepEqual(linesOf(graph), { rows: { start: 0, step: 4 }, columns: { start: 0, step: 4 } });
});

test('padding that differs between the sides moves rows and columns each by its own', t => {
  const graph = networkOf(32, 48, x => conv(x, 3, 2, [0, 1, 1, 0]));
  t.deepEqual(linesOf(graph), { rows: { start: 1, step: 2 }, columns: { start: 0, step: 2 } });
});

test('a branch around, channels parted and joined again', t => {
  const graph = networkOf(16, 16, x => {
    const a = conv(x, 3, 2, [1, 1, 1, 1]);
    const wide = Concat(a, a, a, a, { axis: 1 });
    const shuffled = Reshape(Transpose(Reshape(wide, [0, 2, 2, 8, 8]), { perm: [0, 2, 1, 3, 4] }), [0, 4, 8, 8]);
    return Add(shuffled, wide);
  });
  t.deepEqual(linesOf(graph).rows, { start: 0, step: 2 });
});

/** The picture and another view of it behind it in the batch, 16 × 32. */
function twoViews(other: (pictures: Value) => Value): Graph {
  const builder = new Builder('net');
  const pictures = builder.input('pictures', 'uint8', ['N', 16, 32, 3]);
  const both = builder.append({
    op: 'Concat',
    inputs: [pictures, other(pictures)],
    attributes: new Map([['axis', { kind: 'int', value: 0 }]]),
    outputs: [{ type: 'uint8', shape: ['2*N', 16, 32, 3] }],
  })[0]!;
  const map = Relu(conv(Cast(Transpose(both, { perm: [0, 3, 1, 2] }), { to: 1 }), 4, 4, [0, 0, 0, 0]));
  const flat = Reshape(GlobalAveragePool(map), [0, -1]);
  builder.output(Gemm(flat, ones(flat, [2, 1]), undefined, { transB: 1 }), 'logits');
  return builder.finish();
}

test('a mirrored view of the batch is read from right to left', t => {
  for (const mirrored of [
    (x: Value) => Slice(x, [-1], [-33], [2], [-1]),
    // the second half of a picture that goes on as its own mirror image
    (x: Value) => Slice(Pad(x, x.builder.constant([0, 0, 0, 0, 0, 0, 31, 0]), undefined, undefined, { mode: 'reflect' }), [31], [63], [2]), // prettier-ignore
    (x: Value) => Slice(Pad(x, x.builder.constant([0, 0, 31, 0, 0, 0, 0, 0]), undefined, undefined, { mode: 'reflect' }), [0], [32], [2]), // prettier-ignore
  ]) {
    const graph = twoViews(mirrored);
    t.deepEqual(linesOf(graph, 0).columns, { start: 1.5, step: 4 });
    t.deepEqual(linesOf(graph, 1).columns, { start: 29.5, step: -4 });
    t.deepEqual(linesOf(graph, 1).rows, { start: 1.5, step: 4 });
  }
  const moved = twoViews(x => Slice(Pad(x, x.builder.constant([0, 0, 4, 0, 0, 0, 0, 0])), [0], [32], [2]));
  t.deepEqual(linesOf(moved, 1).columns, { start: -2.5, step: 4 });
});

const layer = fc.record({
  kernel: fc.integer({ min: 1, max: 4 }),
  stride: fc.integer({ min: 1, max: 2 }),
  top: fc.integer({ min: 0, max: 1 }),
  bottom: fc.integer({ min: 0, max: 1 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  isPool: fc.boolean(),
});

testProp(
  'the pixels that reach a cell lie about where its line says',
  [fc.array(layer, { minLength: 1, maxLength: 3 })],
  async (t, layers) => {
    const side = 40;
    const graph = networkOf(side, side, x =>
      layers.reduce((at, { kernel, stride, top, bottom, dilation, isPool }) => {
        const pads = [Math.min(top, kernel - 1), 0, Math.min(bottom, kernel - 1), 0];
        if (!isPool) return conv(at, kernel, stride, pads, dilation);
        return AveragePool(at, {
          kernel_shape: [kernel, kernel],
          strides: [stride, stride],
          pads,
          count_include_pad: 1,
        });
      }, x),
    );
    const map = graph.values.get('map')!;
    const [, channels, height, width] = map.shape as number[];
    const session = await runtime.open(encodeModel(modelOf({ ...graph, outputs: [map] })));
    const pictures = new Uint8Array(side * side * side * 3);
    // picture y has row y bright
    for (let y = 0; y < side; y++) pictures.fill(200, (y * side + y) * side * 3, (y * side + y + 1) * side * 3);
    const feed = runtime.tensor(tensor('uint8', [side, side, side, 3], pictures));
    const results = await session.run(new Map([['pictures', feed]]), ['map']);
    const heat = floats(await results.get('map')!.read());
    await session.close();
    const { rows } = linesOf(graph);
    const cell = Math.floor(height! / 2);
    const column = Math.floor(width! / 2);
    const reach = Array.from({ length: side }, (_, y) => heat[(y * channels! * height! + cell) * width! + column]!);
    // a window that looks beyond the picture is not seen whole
    if (reach[0]! > 0 || reach[side - 1]! > 0) return;
    const middle = reach.reduce((sum, value, y) => sum + value * y, 0) / reach.reduce((a, b) => a + b, 0);
    t.true(Math.abs(middle - (rows.start + cell * rows.step)) < 1e-3);
  },
  { numRuns: 40 },
);
