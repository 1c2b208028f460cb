// Which arrangement sizes lead to: what docs/performance.md says of them, by the estimate's own numbers.

import test from 'ava';
import type { Node } from '../../src/graph/index.js';
import { cheapestTiles, costs, type Arrangement, type ConvolutionSizes } from '../../src/passes/choose-arrangement.js';

const node: Node = { op: 'Conv', domain: '', name: '', inputs: [], outputs: [], attributes: new Map() };
/** A Conv with square maps of `size`, kernels of k padded to keep it, and a stride. */
function sizes(channels: number, made: number, size: number, k: number, stride = 1, group = 1): ConvolutionSizes {
  const out = Math.ceil(size / stride);
  const pads = Array.from({ length: 4 }, () => Math.floor(k / 2));
  const window = { kernel: [k, k], strides: [stride, stride], dilations: [1, 1], pads };
  return { node, x: [16, channels, size, size], weight: [made, channels / group, k, k], out: [16, made, out, out], group, window }; // prettier-ignore
}
const cheapest = (one: ConvolutionSizes): Arrangement => {
  const found = costs(one);
  return (Object.keys(found) as Arrangement[]).reduce((a, b) => (found[b] < found[a] ? b : a));
};

test('1x1 Convs on small maps are columns', t => {
  t.is(cheapest(sizes(160, 960, 7, 1)), 'columns');
  t.is(cheapest(sizes(384, 64, 13, 1)), 'columns');
});

test('3x3 Convs are tiles of four where that pays, of two where weights are many and tiles few', t => {
  t.is(cheapest(sizes(64, 256, 13, 3)), 'tiles');
  t.deepEqual(cheapestTiles(sizes(512, 512, 7, 3))!.sizes, [4, 4]);
  t.deepEqual(cheapestTiles(sizes(256, 256, 4, 3))!.sizes.includes(2), true);
});

test('strided and dilated Convs have no tiles; strided ones with long kernels and few pixels are rows', t => {
  t.is(cheapestTiles(sizes(256, 512, 14, 3, 2)), undefined);
  t.is(cheapest(sizes(256, 512, 14, 3, 2)), 'rows');
});

test('few channels on large maps stay planes', t => {
  t.is(cheapest(sizes(3, 64, 128, 7, 2)), 'planes');
});

test('Convs by channel are columns, on small maps and on large ones', t => {
  t.is(cheapest(sizes(960, 960, 7, 3, 1, 960)), 'columns');
  t.is(cheapest(sizes(96, 96, 28, 3, 1, 96)), 'columns');
});

test('groups have no rows', t => {
  t.is(costs(sizes(128, 128, 14, 3, 1, 32)).rows, Infinity);
});
