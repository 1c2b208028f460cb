import test from 'ava';
import type { GraftError } from '../../src/base/index.js';
import { Builder } from '../../src/graph/index.js';
import { Col2Im, Conv, ConvInteger, ConvTranspose, coreOperators, inferShapes } from '../../src/operators/index.js';
import { agrees } from './against-runtime.js';

test('windows of every kind', async t => {
  await agrees(t, feed => [
    Conv(feed([2, 4, 7, 9]), feed([6, 2, 3, 2]), feed([6]), { group: 2, strides: [2, 3], pads: [1, 0, 2, 1] }),
    Conv(feed([1, 2, 9, 9]), feed([3, 2, 3, 3]), { dilations: [2, 3] }),
    ...['SAME_UPPER', 'SAME_LOWER', 'VALID'].map(auto_pad =>
      Conv(feed([1, 2, 7, 8]), feed([3, 2, 3, 2]), { auto_pad, strides: [2, 3] }),
    ),
    Conv(feed([1, 2, 9]), feed([3, 2, 4]), { pads: [1, 2] }),
    Conv(feed([1, 2, 4, 5, 6]), feed([3, 2, 2, 2, 2]), { strides: [1, 2, 3] }),
  ]);
});

test('transposed windows of every kind', async t => {
  await agrees(t, (feed, b) => [
    ConvTranspose(feed([2, 4, 5, 6]), feed([4, 3, 3, 2]), { group: 2, strides: [2, 3], pads: [1, 0, 1, 1] }),
    ConvTranspose(feed([1, 2, 5, 6]), feed([2, 3, 3, 3]), {
      dilations: [2, 1],
      strides: [2, 2],
      output_padding: [1, 0],
    }),
    ConvTranspose(feed([1, 2, 5, 6]), feed([2, 3, 3, 3]), { output_shape: [10, 12], strides: [2, 2] }),
    ConvTranspose(feed([1, 2, 5, 6]), feed([2, 3, 3, 3]), { auto_pad: 'SAME_UPPER', strides: [2, 3] }),
    ConvTranspose(feed([1, 2, 5, 6]), feed([2, 3, 3, 3]), { auto_pad: 'VALID', strides: [2, 3] }),
    // a kernel smaller than its stride does not reach in · stride
    ConvTranspose(feed([1, 2, 3, 4]), feed([2, 3, 1, 2]), { auto_pad: 'SAME_UPPER', strides: [3, 4] }),
    Col2Im(feed([2, 12, 12]), b.constant([5, 4]), b.constant([2, 3]), { pads: [0, 1, 0, 0] }),
  ]);
});

test('integer convolutions sum in int32', async t => {
  await agrees(t, feed => [
    ConvInteger(feed([1, 2, 5, 6], 'uint8'), feed([3, 2, 3, 3], 'uint8'), { pads: [1, 1, 1, 1] }),
  ]);
});

test('a named batch stays, products are counted per picture, channels must fit', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 4, 8, 8]);
  const y = Conv(x, b.input('w', 'float32', [6, 2, 3, 3]), { group: 2 });
  t.deepEqual(y.shape, ['batch', 6, 6, 6]);
  const open = Conv(b.input('open', 'float32', ['batch', 4, 'height', 8]), b.input('v', 'float32', [6, 4, 1, 1]));
  t.deepEqual(open.shape, ['batch', 6, '', 8]);
  b.output(y, 'y');
  t.deepEqual([...inferShapes(b.finish(), coreOperators).macs.values()], [6 * 6 * 6 * 2 * 3 * 3]);
  t.is(t.throws<GraftError>(() => Conv(x, b.input('u', 'float32', [6, 3, 3, 3]))).code, 'OPERATOR_SHAPE');
  t.is(t.throws<GraftError>(() => Conv(x, b.input('s', 'float32', [6, 4, 3]))).code, 'OPERATOR_SHAPE');
});
