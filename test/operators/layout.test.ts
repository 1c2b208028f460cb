import test from 'ava';
import { Builder } from '../../src/graph/index.js';
import {
  Concat,
  DepthToSpace,
  Expand,
  Flatten,
  Gather,
  Mul,
  Reshape,
  Shape,
  Size,
  Slice,
  SpaceToDepth,
  Squeeze,
  Tile,
  Transpose,
  Unsqueeze,
} from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

test('the same elements in another arrangement', async t => {
  await agrees(t, feed => {
    const x = feed([2, 3, 4, 6]);
    return [
      Shape(x),
      Shape(x, { start: 1, end: -1 }),
      Size(x),
      Reshape(x, [0, -1, 6]),
      Flatten(x, { axis: 2 }),
      Flatten(x, { axis: -1 }),
      Flatten(x, { axis: 0 }),
      Squeeze(feed([1, 2, 1]), [-1]),
      Squeeze(feed([1, 2, 1])),
      Unsqueeze(x, [0, -1]),
      Transpose(x),
      Transpose(x, { perm: [0, 2, 3, 1] }),
      Expand(feed([3, 1]), [2, 1, 4]),
      Tile(x, [1, 2, 3, 1]),
      DepthToSpace(feed([2, 8, 3, 4]), { blocksize: 2 }),
      DepthToSpace(feed([2, 8, 3, 4]), { blocksize: 2, mode: 'CRD' }),
      SpaceToDepth(x, { blocksize: 2 }),
    ];
  });
});

test('the batch stays a name through shape arithmetic', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 3, 4, 4]);
  const batch = Unsqueeze(Gather(Shape(x), 0), [0]);
  t.deepEqual(Reshape(x, Concat(batch, [48], { axis: 0 })).shape, ['batch', 48]);
  t.deepEqual(Reshape(x, Concat(batch, [-1], { axis: 0 })).shape, ['batch', 48]);
  t.deepEqual(Reshape(x, [-1, 48]).shape, ['batch', 48]);
  t.deepEqual(Reshape(x, [-1, 16]).shape, ['3*batch', 16]);
  const patches = Concat(Mul(batch, b.constant([4])), [3, 2, 2], { axis: 0 });
  t.deepEqual(Reshape(x, patches).shape, ['4*batch', 3, 2, 2]);
  t.deepEqual(Expand(b.input('token', 'float32', [1, 1, 8]), Concat(batch, [1, 8], { axis: 0 })).shape, [
    'batch',
    1,
    8,
  ]);
  t.deepEqual(Slice(Shape(x), [0], [2]).known, ['batch', 3]);
});
