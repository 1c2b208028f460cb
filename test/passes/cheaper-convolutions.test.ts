// Gradients of Convs on planes in cheaper forms: step graphs before and after give the same.

import test from 'ava';
import { Conv, ConvTranspose } from '../../src/operators/index.js';
import { cheaperConvolutions } from '../../src/passes/index.js';
import { computesTheSame, count, trained, withGradients, type ConvAttributes } from './training-forms.js';

interface Case {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly at?: ConvAttributes;
  /** Convs of the gradient of the kernel that are still there. */
  readonly kept?: number;
}
const cases: Readonly<Record<string, Case>> = {
  '3x3': { x: [2, 18, 12, 12], w: [5, 18, 3, 3], at: { pads: [1, 1, 1, 1] } },
  '3x3 of few channels': { x: [2, 3, 16, 12], w: [5, 3, 3, 3], at: { pads: [1, 0, 1, 2] } },
  '7x7 of stride 2': { x: [2, 3, 32, 32], w: [4, 3, 7, 7], at: { pads: [3, 3, 3, 3], strides: [2, 2] } },
  '3x3 of stride 2': { x: [2, 17, 16, 16], w: [4, 17, 3, 3], at: { pads: [1, 1, 1, 1], strides: [2, 2] } },
  dilated: { x: [2, 3, 16, 16], w: [4, 3, 3, 3], at: { pads: [2, 2, 2, 2], dilations: [2, 2] } },
  '1x1': { x: [2, 3, 8, 8], w: [6, 3, 1, 1] },
  'on lines': { x: [2, 3, 40], w: [4, 3, 3], at: { pads: [1, 1] } },
  'in groups': { x: [2, 6, 8, 8], w: [4, 3, 3, 3], at: { group: 2, pads: [1, 1, 1, 1] }, kept: 1 },
};
for (const [name, { x: shape, w, at, kept }] of Object.entries(cases))
  test(`gradients of a Conv, ${name}`, async t => {
    const { model } = trained(shape, (x, weight) => Conv(x, weight('w', w), weight('b', [w[0]!]), at ?? {}));
    const step = withGradients(model);
    const after = cheaperConvolutions(step);
    const isStrided = at?.strides?.some(stride => stride > 1) === true;
    const turns = !isStrided && (w.slice(2).every(k => k === 1) || w[0]! <= w[1]! * (at?.group ?? 1));
    t.is(count(after, 'ConvTranspose'), turns ? 0 : 1);
    t.is(count(after, 'Conv'), 1 + (turns ? 1 : 0) + (kept ?? 0));
    await computesTheSame(t, step, after);
  });

test('transposed Convs of any padding, dilation and groups that have a turned form', async t => {
  for (const at of [
    {},
    { pads: [1, 0, 2, 1] },
    { dilations: [2, 1], pads: [2, 1, 0, 1] },
    { group: 2, pads: [1, 1, 1, 1] },
  ]) {
    const { model } = trained([2, 4, 5, 6], (x, weight) =>
      ConvTranspose(x, weight('w', [4, 6, 3, 3]), weight('b', [6 * (at.group ?? 1)]), at),
    );
    const after = cheaperConvolutions(model);
    t.is(count(after, 'ConvTranspose'), 0);
    await computesTheSame(t, model, after);
  }
});

test('only positions that are read are computed', async t => {
  const at = { pads: [3, 3, 3, 3], strides: [2, 2] };
  const { model } = trained([2, 20, 32, 32], (x, weight) => Conv(x, weight('w', [4, 20, 7, 7]), undefined, at));
  const step = withGradients(model);
  const after = cheaperConvolutions(step);
  t.is(count(after, 'Gemm'), 49);
  await computesTheSame(t, step, after);
});

test('transposed Convs that upscale, or whose padding cuts deep, stay', t => {
  for (const at of [{ strides: [2, 2] }, { pads: [3, 0, 0, 0] }]) {
    const { model } = trained([2, 4, 5, 6], (x, weight) => ConvTranspose(x, weight('w', [4, 6, 3, 3]), undefined, at));
    t.is(cheaperConvolutions(model), model);
  }
});
