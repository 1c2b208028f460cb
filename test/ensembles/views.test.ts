// Views inside the graph show the pictures that they show outside of it, on both runtimes. Flips and crops are compared with
// bytes moved here; maps between pixels with bilinear samples of reflected pictures, in float64.

import test from 'ava';
import { elements, tensor, type Tensor } from '../../src/base/index.js';
import { fuse, membersModel, type Fusion, type PictureView } from '../../src/ensembles/index.js';
import { verify, type Model } from '../../src/graph/index.js';
import { check } from '../../src/inspect/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { webRuntime } from '../../src/runtime/web.js';
import type { Runtime } from '../../src/runtime/index.js';
import { classes as K, difference, member, outputsOf, pictures, softmax } from './pictured-members.js';

const runtimes: readonly Runtime[] = [nodeRuntime(), webRuntime()];

/** A picture between its pixels, seen by a map from the view, as floats [n, size, size, 3]. */
function seen(input: Tensor, { map: [a, b, c, d, e, f, g, h, i], levels }: PictureView, size: number): Tensor {
  const [n, height, width] = input.shape as [number, number, number];
  const bytes = elements(input) as Uint8Array;
  const reflected = (at: number, count: number) => {
    const turn = ((at % (2 * count)) + 2 * count) % (2 * count);
    return turn < count ? turn : 2 * count - 1 - turn;
  };
  const [left, top] = [(width - size) / 2, (height - size) / 2];
  const shown = new Float32Array(n * size * size * 3);
  let at = 0;
  for (let picture = 0; picture < n; picture++)
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++) {
        const [px, py] = [column + 0.5, row + 0.5];
        const w = g * px + h * py + i;
        const x = (a * px + b * py + c) / w + left - 0.5;
        const y = (d * px + e * py + f) / w + top - 0.5;
        const [x0, y0] = [Math.floor(x), Math.floor(y)];
        for (let channel = 0; channel < 3; channel++) {
          const tap = (dx: number, dy: number) =>
            bytes[((picture * height + reflected(y0 + dy, height)) * width + reflected(x0 + dx, width)) * 3 + channel]!;
          const [u, v] = [x - x0, y - y0];
          const colour = (1 - v) * ((1 - u) * tap(0, 0) + u * tap(1, 0)) + v * ((1 - u) * tap(0, 1) + u * tap(1, 1));
          shown[at++] = levels ? Math.min(255, Math.max(0, colour * levels.scale[channel]! + levels.shift[channel]!)) : colour; // prettier-ignore
        }
      }
  return tensor('float32', [n, size, size, 3], shown);
}

const identity: PictureView = { name: 'identity', map: [1, 0, 0, 0, 1, 0, 0, 0, 1] };
const turned = (degrees: number, x = 0): PictureView => {
  const [cos, sin] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return {
    name: `turned ${degrees}`,
    map: [cos, -sin, 6 - 6 * cos + 6 * sin + x, sin, cos, 6 - 6 * sin - 6 * cos, 0, 0, 1],
  };
};
const exact: readonly PictureView[] = [
  identity,
  { name: 'hflip', map: [-1, 0, 12, 0, 1, 0, 0, 0, 1] },
  { name: 'vflip', map: [1, 0, 0, 0, -1, 12, 0, 0, 1] },
  { name: 'corner', map: [1, 0, -2, 0, 1, -2, 0, 0, 1] },
  { name: 'corner, mirrored', map: [-1, 0, 14, 0, 1, 2, 0, 0, 1] },
  { name: 'far beyond', map: [1, 0, 9, 0, 1, 0, 0, 0, 1] },
];
const between: readonly PictureView[] = [
  turned(20),
  { name: 'zoomed', map: [0.8, 0, 1.2, 0, 0.8, 1.2, 0, 0, 1] },
  { name: 'half a pixel', map: [1, 0, 0.5, 0, 1, 0, 0, 0, 1] },
  { name: 'tilted', map: [1, 0, 0, 0.1, 1, 0, 0.01, 0, 1] },
  { name: 'brighter', map: [1, 0, 0, 0, 1, 0, 0, 0, 1], levels: { scale: [1.2, 0.9, 1], shift: [-10, 20, 5] } },
];
const model = member({ prefix: 'm.' });
const float = member({ isFloat: true });
const fused = (root: Fusion, side: number): Model => {
  const made = fuse({ root, width: side, height: side, classes: K, task: 'single' });
  check(verify(made));
  return made;
};
const row = (list: ArrayLike<number>, leaves: number, leaf: number, n: number) =>
  Array.from({ length: n * K }, (_, i) => list[(Math.floor(i / K) * leaves + leaf) * K + (i % K)]!);

for (const runtime of runtimes) {
  for (const [name, views] of [
    ['whole pixels', exact],
    ['between pixels', between],
    ['both', [...between, ...exact]],
  ] as const)
    // prettier-ignore
    for (const side of [12, 16])
      test.serial(`${runtime.name}: views by ${name}, of inputs of ${side} a side`, async t => {
        const root: Fusion = { kind: 'views', member: { kind: 'member', name: 'm', model, crop: 12 / side }, views };
        const graph = fused(root, side);
        t.is(graph.graph.nodes.filter(({ op }) => op === 'Conv').length, 2);
        const input = pictures(3, side);
        const made = await outputsOf(runtime, graph, input);
        const sum = new Float64Array(3 * K);
        for (const [i, view] of views.entries()) {
          const alone = await outputsOf(runtime, float, seen(input, view, 12));
          const p = softmax(alone.get('logits')!, K);
          t.true(difference(row(made.get('memberProbabilities')!, views.length, i, 3), p) < 1e-5, view.name);
          p.forEach((value, k) => (sum[k]! += value / views.length));
        }
        t.true(difference(made.get('probabilities')!, sum) < 1e-5);
      });

  for (const isTurned of [false, true])
    test.serial(
      `${runtime.name}: members with a trunk in common share its views${isTurned ? ', with features across the batch' : ''}`,
      async t => {
        const [model, float] = [member({ prefix: 'm.', isTurned }), member({ isFloat: true, isTurned })];
        const other = member({ head: 'other', prefix: 'o.', written: 'matmul', isTurned });
        const views = [identity, exact[1]!, turned(5)];
        const leaves = [
          { name: 'm', model, views },
          { name: 'o', model: other, views: [exact[1]!, exact[2]!] },
          { name: 'alone', model: member({ trunk: 'b' }) },
          { name: 'again', model, views: [turned(5)] },
        ];
        const graph = membersModel(leaves, { width: 12, height: 12 });
        check(verify(graph));
        t.is(graph.graph.nodes.filter(({ op }) => op === 'Conv').length, 4);
        const input = pictures(4, 12);
        const made = (await outputsOf(runtime, graph, input)).get('memberLogits')!;
        const wanted = leaves.flatMap(({ name, views: shown = [identity] }) => shown.map(view => ({ name, view })));
        const floats = new Map([['m', float], ['o', member({ head: 'other', written: 'matmul', isFloat: true, isTurned })], ['alone', member({ trunk: 'b', isFloat: true })], ['again', float]]); // prettier-ignore
        for (const [i, { name, view }] of wanted.entries()) {
          const alone = await outputsOf(runtime, floats.get(name)!, seen(input, view, 12));
          t.true(difference(row(made, wanted.length, i, 4), alone.get('logits')!) < 2e-5, `${name} ${view.name}`);
        }
      },
    );

  test.serial(`${runtime.name}: views of views, of averages, and colours that change twice`, async t => {
    const a: Fusion = { kind: 'member', name: 'a', model };
    const b: Fusion = { kind: 'member', name: 'b', model: member({ head: 'b' }) };
    const inner: Fusion = { kind: 'views', member: { kind: 'average', rule: 'logit', members: [a, b] }, views: [identity, turned(20)], rule: 'logit', weights: [3, 1] }; // prettier-ignore
    const graph = fused({ kind: 'views', member: inner, views: [identity, exact[1]!] }, 12);
    const input = pictures(2, 12);
    const made = await outputsOf(runtime, graph, input);
    t.deepEqual(JSON.parse(graph.metadata.get('members')!), ['a', 'b', 'a#turned 20', 'b#turned 20', 'a#hflip', 'b#hflip', 'a#hflip+turned 20', 'b#hflip+turned 20']); // prettier-ignore
    // first turned, then mirrored: [−1, 0, 12] · turn
    const turn = turned(20).map;
    const both = { name: 'both', map: [-turn[0], -turn[1], 12 - turn[2], turn[3], turn[4], turn[5], 0, 0, 1] } as const;
    const alone = await outputsOf(runtime, float, seen(input, both, 12));
    t.true(difference(row(made.get('memberProbabilities')!, 8, 6, 2), softmax(alone.get('logits')!, K)) < 1e-5);
    const bright: Fusion = { kind: 'views', member: a, views: [between[4]!] };
    t.throws(() => fused({ kind: 'views', member: bright, views: [between[4]!] }, 12), { code: 'ENSEMBLE_VIEW' });
  });

  test.serial(`${runtime.name}: members of other sizes see the middle resized, with what lies around`, async t => {
    // half as many pixels: antialiased linear weights 1 3 3 1 / 8 along each axis
    const input = pictures(2, 32, 32, 'large');
    const bytes = elements(input) as Uint8Array;
    const at = (picture: number, y: number, x: number, c: number) => bytes[((picture * 32 + y) * 32 + x) * 3 + c]!;
    const half = new Float32Array(2 * 16 * 16 * 3);
    for (let i = 0; i < half.length; i++) {
      const [c, x, y, picture] = [i % 3, Math.floor(i / 3) % 16, Math.floor(i / 48) % 16, Math.floor(i / 768)];
      const taps = (at1: number) => [-1, 0, 1, 2].map((o, k) => [2 * at1 + o, [1, 3, 3, 1][k]!] as const).filter(([p]) => p >= 0 && p < 32); // prettier-ignore
      let [sum, weight] = [0, 0];
      for (const [row1, v] of taps(y)) for (const [column, u] of taps(x)) [sum, weight] = [sum + u * v * at(picture, row1, column, c), weight + u * v]; // prettier-ignore
      half[i] = sum / weight;
    }
    // the member sees 24 of 32 pixels as 12; views look 2 of its own pixels beyond
    const shown = (dx: number, dy: number) => {
      const part = new Float32Array(2 * 12 * 12 * 3);
      for (let i = 0; i < part.length; i++) {
        const [c, x, y, picture] = [i % 3, Math.floor(i / 3) % 12, Math.floor(i / 36) % 12, Math.floor(i / 432)];
        part[i] = half[((picture * 16 + y + 2 + dy) * 16 + x + 2 + dx) * 3 + c]!;
      }
      return tensor('float32', [2, 12, 12, 3], part);
    };
    const views = [identity, exact[3]!];
    const small: Fusion = { kind: 'views', member: { kind: 'member', name: 'm', model, crop: 0.75 }, views };
    const made = await outputsOf(runtime, fused(small, 32), input);
    for (const [i, [dx, dy]] of (
      [
        [0, 0],
        [-2, -2],
      ] as const
    ).entries()) {
      // prettier-ignore
      const alone = await outputsOf(runtime, float, shown(dx, dy));
      t.true(difference(row(made.get('memberProbabilities')!, 2, i, 2), softmax(alone.get('logits')!, K)) < 1e-5);
    }
    // onnxruntime 1.30 refuses quantised members behind a Resize that names axes: it moves Transposes past it
    const resize = fused(small, 32).graph.nodes.find(({ op }) => op === 'Resize')!;
    t.false(resize.attributes.has('axes'));
    const sizes: Fusion = { kind: 'average', rule: 'probability', members: [{ kind: 'member', name: 'm', model, crop: 0.75 }, { kind: 'member', name: 'l', model: member({ size: 32 }) }] }; // prettier-ignore
    t.is((await outputsOf(runtime, fused(sizes, 32), input)).get('probabilities')!.length, 2 * K);
    t.throws(() => fused({ kind: 'views', member: sizes, views: [identity] }, 32), { code: 'ENSEMBLE_TREE' });
  });
}

test('maps that send places to infinity are refused', t => {
  const horizon: PictureView = { name: 'horizon', map: [1, 0, 0, 0, 1, 0, 1, 0, -6] };
  t.throws(() => membersModel([{ name: 'm', model, views: [horizon] }], { width: 12, height: 12 }), { code: 'ENSEMBLE_VIEW' }); // prettier-ignore
  t.throws(() => membersModel([], { width: 12, height: 12 }), { code: 'ENSEMBLE_TREE' });
  const four = member({ classes: 4 });
  t.throws(() => membersModel([{ name: 'm', model }, { name: 'f', model: four }], { width: 12, height: 12 }), { code: 'ENSEMBLE_MEMBER_UNFIT' }); // prettier-ignore
});
