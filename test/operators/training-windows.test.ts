// Gradients of convolutions and pools are what their kernels compute: every attribute's corners, in one and two
// dimensions, with an odd rest that strides leave over.

import test from 'ava';
import type { ArrayType } from '../../src/base/index.js';
import { AveragePoolGrad, ConvGrad, MaxPoolGrad } from '../../src/operators/training-windows.js';
import { int, ints, sameAsKernel, string, type Case } from './training-runtime.js';

interface Window {
  readonly size: readonly number[];
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly pads?: readonly number[];
  readonly dilations?: readonly number[];
  readonly group?: number;
  readonly auto?: string;
  readonly ceil?: boolean;
}
const settled = ({ size, kernel, strides, pads, dilations, auto, ceil }: Window) => {
  const rank = size.length;
  const ones = size.map(() => 1);
  const [s, d] = [strides ?? ones, dilations ?? ones];
  const p = pads ?? [...size, ...size].map(() => 0);
  const out = size.map((n, i) => {
    const reach = d[i]! * (kernel[i]! - 1) + 1;
    if (auto?.startsWith('SAME')) return Math.ceil(n / s[i]!);
    const steps = (n + p[i]! + p[i + rank]! - reach) / s[i]!;
    return (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  });
  return { s, d, p, out };
};
const attributesOf = (window: Window) => {
  const { s, d, p } = settled(window);
  const { kernel, auto } = window;
  return {
    kernel_shape: ints(...kernel),
    strides: ints(...s),
    dilations: ints(...d),
    ...(auto ? { auto_pad: string(auto) } : { pads: ints(...p) }),
  };
};

const convolutions: Readonly<Record<string, Window>> = {
  plain: { size: [6, 5], kernel: [3, 3] },
  'one dimension': { size: [11], kernel: [3], strides: [2], pads: [1, 0] },
  '1×1': { size: [4, 4], kernel: [1, 1] },
  strides: { size: [8, 7], kernel: [3, 2], strides: [2, 3] },
  'a rest that strides leave over': { size: [9, 8], kernel: [2, 3], strides: [3, 2], pads: [1, 1, 0, 2] },
  pads: { size: [5, 5], kernel: [3, 3], pads: [1, 2, 0, 1] },
  dilations: { size: [9, 9], kernel: [3, 2], dilations: [2, 3] },
  'strides and dilations': { size: [10, 11], kernel: [3, 3], strides: [2, 2], dilations: [2, 2], pads: [2, 1, 1, 2] },
  groups: { size: [5, 6], kernel: [3, 3], pads: [1, 1, 1, 1], group: 2 },
  'depthwise, strides': { size: [7, 7], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], group: 4 },
  // in one dimension the kernel writes beyond its memory where there are groups: a map of one row stands for it
  'groups in one row': {
    size: [1, 12],
    kernel: [1, 4],
    strides: [1, 3],
    dilations: [1, 2],
    pads: [0, 3, 0, 2],
    group: 2,
  },
};
for (const [title, window] of Object.entries(convolutions)) {
  const { out } = settled(window);
  const { group = 1, size, kernel } = window;
  const inputs = [{ shape: [2, 8, ...out] }, { shape: [2, 4, ...size] }, { shape: [8, 4 / group, ...kernel] }];
  const attributes = { ...attributesOf(window), group: int(group) };
  test(`ConvGrad: ${title}`, async t => {
    await sameAsKernel(t, ConvGrad, { inputs, attributes, outputs: 3 });
  });
  if (title === 'groups' || title === 'strides')
    test(`ConvGrad with a named batch: ${title}`, async t => {
      const names = [
        ['batch', 8, ...out],
        ['batch', 4, ...size],
      ];
      await sameAsKernel(t, ConvGrad, { inputs, attributes, outputs: 3, names });
    });
}
test('ConvGrad by W and B alone', async t => {
  const window = convolutions['plain']!;
  const inputs = [{ shape: [2, 8, 4, 3] }, { shape: [2, 4, 6, 5] }, { shape: [8, 4, 3, 3] }];
  await sameAsKernel(t, ConvGrad, { inputs, attributes: attributesOf(window), outputs: 3, absent: [0] });
});
test('ConvGrad by X and W alone', async t => {
  const window = convolutions['plain']!;
  const inputs = [{ shape: [2, 8, 4, 3] }, { shape: [2, 4, 6, 5] }, { shape: [8, 4, 3, 3] }];
  await sameAsKernel(t, ConvGrad, { inputs, attributes: attributesOf(window), outputs: 2 });
});

const pools: Readonly<Record<string, Window>> = {
  halves: { size: [6, 8], kernel: [2, 2], strides: [2, 2] },
  overlapping: { size: [7, 7], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  'one dimension': { size: [12], kernel: [4], strides: [4] },
  'a rest': { size: [8, 9], kernel: [3, 2], strides: [3, 2] },
  'uneven pads': { size: [6, 6], kernel: [3, 3], strides: [1, 2], pads: [0, 1, 1, 2] },
};
/** The places of the largest of each window, counted through the tensor, as MaxPool tells them. */
function places(shape: readonly number[], window: Window): number[] {
  const { s, d, p, out } = settled(window);
  const [n, c, h, w = 1] = shape as [number, number, number, number?];
  const value = (i: number) => Math.sin(12.9 * i) * 43.7;
  const found: number[] = [];
  for (let map = 0; map < n * c; map++)
    for (let y = 0; y < out[0]!; y++)
      for (let x = 0; x < (out[1] ?? 1); x++) {
        let best = -1;
        for (let ky = 0; ky < window.kernel[0]!; ky++)
          for (let kx = 0; kx < (window.kernel[1] ?? 1); kx++) {
            const [row, column] = [y * s[0]! + ky * d[0]! - p[0]!, out[1] ? x * s[1]! + kx * d[1]! - p[1]! : 0];
            if (row < 0 || column < 0 || row >= h || column >= w) continue;
            const at = (map * h + row) * w + column;
            if (best < 0 || value(at) > value(best)) best = at;
          }
        found.push(best);
      }
  return found;
}
const { ceil: _, ...rest } = pools['a rest']!;
const maxima: Readonly<Record<string, Window>> = {
  ...pools,
  dilated: { size: [8, 8], kernel: [2, 3], strides: [2, 1], dilations: [2, 2] },
  ceil: { ...rest, ceil: true },
};
for (const [title, window] of Object.entries(maxima)) {
  const { out } = settled(window);
  const shape = [2, 3, ...window.size];
  const inputs = [
    { shape: [2, 3, ...out] },
    { type: 'int64' as ArrayType, shape: [2, 3, ...out], data: places(shape, window) },
  ];
  const one: Case = { inputs, attributes: attributesOf(window), told: { sizes: ints(...shape.slice(1)) } };
  test(`MaxPoolGrad: ${title}`, async t => {
    await sameAsKernel(t, MaxPoolGrad, one);
    await sameAsKernel(t, MaxPoolGrad, { ...one, names: inputs.map(input => ['N', ...input.shape.slice(1)]) });
  });
}
for (const [title, window] of Object.entries(pools))
  for (const counted of [0, 1]) {
    const { out } = settled(window);
    const { dilations: _d, ...attributes } = attributesOf(window);
    test(`AveragePoolGrad: ${title}, pads ${counted ? 'count' : 'do not count'}`, async t => {
      await sameAsKernel(t, AveragePoolGrad, {
        inputs: [{ shape: [2, 3, ...out] }],
        attributes: { ...attributes, count_include_pad: int(counted) },
        told: { sizes: ints(3, ...window.size) },
      });
    });
  }
