import test from 'ava';
import { tensor } from '../../src/base/index.js';
import {
  Add,
  Cast,
  Ceil,
  Clip,
  Concat,
  ConstantOfShape,
  Div,
  Floor,
  Gather,
  GatherElements,
  GatherND,
  Max,
  Min,
  Mul,
  Pad,
  Reshape,
  Round,
  Shape,
  Slice,
  Split,
  Sub,
  Transpose,
} from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

test('parts of tensors', async t => {
  await agrees(t, (feed, b) => {
    const x = feed([4, 5, 6]);
    const indices = (shape: number[], list: number[]) => b.constant(tensor('int64', shape, list));
    return [
      Gather(x, indices([2, 2], [0, 1, -1, 3]), { axis: 1 }),
      Gather(x, indices([], [1]), { axis: -1 }),
      GatherElements(x, indices([1, 2, 3], [0, 1, 2, 3, 0, 1])),
      GatherND(x, indices([2, 2], [0, 1, 3, 4])),
      GatherND(x, indices([4, 1], [0, 1, 3, 4]), { batch_dims: 1 }),
      Concat(x, feed([4, 2, 6]), { axis: 1 }),
      Pad(x, [0, 1, 2, 3, 0, 1]),
      Pad(x, [1, 2], undefined, [-1]),
      ...Split.all(2, x, [2, 3], { axis: 1 }),
      ...Split.all(3, x, { axis: 1, num_outputs: 3 }),
    ];
  });
});

test('slices, from the front, the back and backwards', async t => {
  await agrees(t, feed => {
    const x = feed([7, 8]);
    return [
      Slice(x, [1, 2], [5, 2 ** 31]),
      Slice(x, [-3], [-1], [1]),
      Slice(x, [0], [100], [1], [3]),
      Slice(x, [-1], [-100], [0], [-1]),
      Slice(x, [5], [1], [1], [-2]),
      Slice(x, [100], [0], [1], [-3]),
      Slice(x, [4], [2], [0]),
      Slice(x, [-100], [3], [0], [2]),
    ];
  });
});

const [smallestInt64, largestInt64] = [BigInt64Array.of(-(2n ** 63n)), BigInt64Array.of(2n ** 63n - 1n)];

test("a slice to int64's largest goes to the end, one to its smallest to the beginning", async t => {
  await agrees(t, (feed, b) => {
    const x = feed([7, 8]);
    const smallest = b.constant(tensor('int64', [1], smallestInt64));
    const largest = b.constant(tensor('int64', [1], largestInt64));
    return [
      Slice(x, [1], largest, [0]),
      Slice(x, [-1], smallest, [1], [-2]),
      ConstantOfShape(Slice(Shape(x), [1], largest)),
    ];
  });
});

test("the widths of PyTorch's padding are followed through pairs of numbers", async t => {
  // [left, right, top, bottom] as pairs, in reverse, begins before ends
  await agrees(t, (feed, b) => {
    const pairs = Reshape(b.constant([1, 2, 3, 4, 0, 0, 0, 0]), [-1, 2]);
    const smallest = b.constant(tensor('int64', [1], smallestInt64));
    const turned = Transpose(Slice(pairs, [-1], smallest, [0], [-1]), { perm: [1, 0] });
    return [Pad(feed([2, 3, 4, 5]), Cast(Reshape(turned, [-1]), { to: 7 }))];
  });
});

test('sizes that go through floats are followed to the number', async t => {
  // 7 / 2 · 2 = 7, and TensorFlow's padding: max((ceil(7 / 2) - 1) · 2 + 3 - 7, 0)
  await agrees(t, feed => {
    const lengthOf = (size: number) => Cast(Shape(feed([size])), { to: 1 });
    const half = Div(lengthOf(7), lengthOf(2));
    const padded = Clip(Sub(Add(Mul(Sub(Ceil(half), 1), 2), 3), 7), 0);
    const sizes = [
      Mul(half, 2),
      half,
      Floor(half),
      Round(half),
      padded,
      Max(half, 9),
      Min(half, 2.5),
      Mul(half, 10 / 7),
    ];
    return sizes.map(size => ConstantOfShape(Cast(size, { to: 7 })));
  });
});
