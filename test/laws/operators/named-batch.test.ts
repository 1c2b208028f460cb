// Gradients where the batch is a name: of X's own shape, name included, and the numbers of the same graph at a fixed
// batch, run by onnxruntime at a batch that the graph does not know.

import test from 'ava';
import { differentiate } from '../../../src/autodiff/index.js';
import { elementCount, floats, Random, tensor } from '../../../src/base/index.js';
import { encodeModel } from '../../../src/codec/index.js';
import { Builder, modelOf, type Dim, type Value } from '../../../src/graph/index.js';
import * as op from '../../../src/operators/index.js';
import { nodeRuntime } from '../../../src/runtime/node.js';

const runtime = nodeRuntime();
const weight = (X: Value, shape: readonly number[]) => {
  const random = new Random(shape.join());
  const values = Float32Array.from({ length: elementCount(shape) }, () => random.normal());
  return X.builder.constant(tensor('float32', shape, values));
};
const integers = (X: Value, shape: readonly number[], held: readonly number[]) =>
  X.builder.constant(tensor('int64', shape, held));
const end = 2 ** 31;
/** 0 … batch − 1 in steps, as a value. */
const rows = (X: Value) => {
  const limit = op.Squeeze(op.Shape(X, { end: 1 }), [0]);
  return op.Range(X.builder.constant(0, 'int64'), limit, X.builder.constant(1, 'int64'));
};

const cases: Readonly<Record<string, (X: Value) => Value>> = {
  'Conv in groups, strided': X => op.Conv(X, weight(X, [4, 2, 3, 3]), { group: 2, strides: [2, 2] }),
  ConvTranspose: X => op.ConvTranspose(X, weight(X, [4, 2, 3, 3]), { strides: [2, 2], output_padding: [1, 0] }),
  MaxPool: X => op.MaxPool(X, { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
  'AveragePool, overlapping': X => op.AveragePool(X, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
  'AveragePool, apart': X => op.AveragePool(X, { kernel_shape: [2, 2], strides: [2, 2] }),
  'AveragePool, neighbours': X => op.AveragePool(X, { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  LpPool: X => op.LpPool(X, { kernel_shape: [3, 2], strides: [2, 2] }),
  GlobalAveragePool: op.GlobalAveragePool,
  GlobalMaxPool: op.GlobalMaxPool,
  GlobalLpPool: X => op.GlobalLpPool(X),
  'Reshape by 0 and -1': X => op.Reshape(X, [0, 2, -1]),
  Flatten: X => op.Flatten(X),
  Transpose: X => op.Transpose(X, { perm: [2, 3, 0, 1] }),
  Unsqueeze: X => op.Squeeze(op.Unsqueeze(X, [0, 2]), [0]),
  'Expand by a shape that is computed': X =>
    op.Expand(op.Slice(X, [0], [1], [1]), op.Concat(op.Shape(X, { end: 1 }), [3, 1, 1], { axis: 0 })),
  Tile: X => op.Tile(X, [1, 2, 1, 3]),
  'Tile of the batch': X => op.Tile(X, [2, 1, 1, 1]),
  DepthToSpace: X => op.DepthToSpace(X, { blocksize: 2, mode: 'CRD' }),
  'Concat along the batch': X => op.Concat(X, op.Neg(X), { axis: 0 }),
  Split: X => op.Split.all(2, X, [1, 3], { axis: 1 })[1]!,
  'Slice in steps, backwards': X => op.Slice(X, [-1, 1], [-end, end], [2, 3], [-2, 2]),
  'Slice of the batch': X => op.Slice(X, [1], [3], [0]),
  'Slice of the batch, backwards': X => op.Slice(X, [-1], [-end], [0], [-1]),
  'Pad by reflection': X => op.Pad(X, [0, 0, 2, 1, 0, 0, 1, 3], undefined, { mode: 'reflect' }),
  'Pad of the batch': X => op.Pad(X, [1, 0, -1, 0, 1, 0, 0, 2]),
  'Gather of a token': X => op.Gather(X, integers(X, [], [1]), { axis: 1 }),
  'Gather with repeats': X => op.Gather(X, integers(X, [2, 2], [1, 0, 3, 1]), { axis: 2 }),
  'Gather of rows': X => op.Gather(X, [0, 2, 0]),
  'GatherND, a batch of indices': X => op.GatherND(X, op.Unsqueeze(op.Mul(rows(X), 0), [1]), { batch_dims: 1 }),
  TopK: X => op.TopK.all(2, X, [2])[0]!,
  'ReverseSequence of rows': X => op.ReverseSequence(X, op.Add(rows(X), 1), { batch_axis: 0, time_axis: 1 }),
  'Resize, linear': X => op.Resize(X, undefined, undefined, [9, 4], { axes: [2, 3], mode: 'linear' }),
  'Resize, nearest': X => op.Resize(X, undefined, X.builder.constant([1, 1, 2, 3], 'float32')),
  CenterCropPad: X => op.CenterCropPad(X, [3, 9], { axes: [2, 3] }),
  SoftmaxCrossEntropyLoss: X => op.SoftmaxCrossEntropyLoss(op.Flatten(X), rows(X)),
  NegativeLogLikelihoodLoss: X => op.NegativeLogLikelihoodLoss(op.Flatten(X), rows(X), { reduction: 'sum' }),
};
const batch = 3;
const rest = [4, 6, 5];

/** The gradient of Σ c · y by x, as it is foretold and as it comes out. */
async function gradient(make: (X: Value) => Value, dim: Dim, c?: readonly number[]) {
  const b = new Builder();
  const x = b.input('x', 'float32', [dim, ...rest]);
  const y = b.output(make(x), 'y');
  const dy = b.input('dy', 'float32', y.shape);
  const dx = b.output(differentiate(b, new Map([[y, dy]]), [x]).get(x)!, 'dx');
  const session = await runtime.open(encodeModel(modelOf(b.finish())), { optimization: 'disabled' });
  try {
    const random = new Random('x');
    const values = Float32Array.from({ length: elementCount([batch, ...rest]) }, () => random.normal());
    const fed = new Map([['x', runtime.tensor(tensor('float32', [batch, ...rest], values))]]);
    const shape = c ?? (y.shape as number[]);
    const weights = Float32Array.from({ length: elementCount(shape) }, () => random.normal());
    fed.set('dy', runtime.tensor(tensor('float32', shape, weights)));
    const read = await (await session.run(fed, ['dx'])).get('dx')!.read();
    return { foretold: dx.shape, made: shape, read };
  } finally {
    await session.close();
  }
}

for (const [name, make] of Object.entries(cases))
  test(`a named batch: ${name}`, async t => {
    const fixed = await gradient(make, batch);
    const named = await gradient(make, 'batch', fixed.made);
    t.deepEqual(named.foretold, ['batch', ...rest]);
    t.deepEqual(named.read.shape, [batch, ...rest]);
    const apart = floats(named.read).map((value, i) => Math.abs(value - floats(fixed.read)[i]!));
    t.true(Math.max(...apart) <= 1e-5);
    t.true(floats(fixed.read).some(value => value !== 0));
  });
