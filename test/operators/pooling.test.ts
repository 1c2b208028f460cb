import test from 'ava';
import { Builder } from '../../src/graph/index.js';
import {
  AveragePool,
  GlobalAveragePool,
  GlobalLpPool,
  GlobalMaxPool,
  LpPool,
  MaxPool,
  MaxUnpool,
} from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

const windows = [
  { kernel_shape: [3, 2] },
  { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 0, 1] },
  { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 },
  { kernel_shape: [2, 2], strides: [3, 3], ceil_mode: 1, pads: [1, 1, 1, 1] },
  { kernel_shape: [2, 3], strides: [2, 3], auto_pad: 'SAME_UPPER' },
  { kernel_shape: [2, 3], strides: [2, 3], auto_pad: 'SAME_LOWER' },
  { kernel_shape: [2, 3], strides: [2, 3], auto_pad: 'VALID' },
  { kernel_shape: [2, 2], dilations: [2, 3] },
];
for (const window of windows)
  test(`pools with ${JSON.stringify(window)}`, async t => {
    await agrees(t, feed => [
      ...MaxPool.all(2, feed([2, 3, 8, 9]), window),
      AveragePool(feed([2, 3, 8, 9]), window),
      LpPool(feed([2, 3, 8, 9]), window),
    ]);
  });

test('whole maps, of any rank', async t => {
  await agrees(t, feed => [
    GlobalAveragePool(feed([2, 3, 4, 5])),
    GlobalMaxPool(feed([2, 3, 4])),
    GlobalLpPool(feed([2, 3, 4, 5]), { p: 1 }),
  ]);
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 3, 'height', 8]);
  t.deepEqual(GlobalAveragePool(x).shape, ['batch', 3, 1, 1]);
  t.deepEqual(MaxPool(x, { kernel_shape: [2, 2] }).shape, ['batch', 3, '', 7]);
});

test('what was pooled goes back to its places', async t => {
  await agrees(t, (feed, b) => {
    const [kept, places] = MaxPool.all(2, feed([1, 2, 4, 6]), { kernel_shape: [2, 2], strides: [2, 2] });
    return [
      MaxUnpool(kept, places, { kernel_shape: [2, 2], strides: [2, 2] }),
      MaxUnpool(kept, places, b.constant([1, 2, 5, 6]), { kernel_shape: [2, 2], strides: [2, 2] }),
    ];
  });
});
