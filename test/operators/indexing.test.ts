import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { Concat, Gather, GatherElements, GatherND, Pad, Slice, Split } from '../../src/operators/index.js';
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
