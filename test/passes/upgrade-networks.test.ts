// Small networks as exporters of each time wrote them, upgraded whole: operators whose signature changed stand beside
// each other and in bodies. The reference is onnxruntime running the old model.

import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { houseOpset, type Attribute } from '../../src/graph/index.js';
import { upgradeTo } from '../../src/passes/index.js';
import { body, float, graphOf, keepsOutputs, networkOf, normal, whole, type NodeText } from './networks.js';

const floats = (...value: number[]): Attribute => ({ kind: 'floats', value });
const variance = tensor('float32', [4], [1, 0.5, 2, 3]);
const weights = {
  w: normal('w', [4, 3, 3, 3]),
  s: normal('s', [4]),
  b: normal('b', [4]),
  m: normal('m', [4]),
  v: variance,
  fc: normal('fc', [64, 5]),
  bias: normal('bias', [5]),
};
const upgrade = upgradeTo(houseOpset);
const picture = { x: [['N', 3, 4, 4]] } as const;

const head: NodeText[] = [
  ['Conv', 'x w', 'conv', { pads: [1, 1, 1, 1] }],
  ['BatchNormalization', 'conv s b m v', 'bn', { epsilon: float(1e-3) }],
];
/** Batch normalized values to [N, 5] by operators whose attributes later became inputs. */
const oldWords: NodeText[] = [
  ...head,
  ['Clip', 'bn', 'clip', { min: float(0), max: float(6) }],
  ['Dropout', 'clip', 'drop', { ratio: float(0.5) }],
  ['Pad', 'drop', 'pad', { pads: [0, 0, 1, 1, 0, 0, 1, 1], value: float(0.5) }],
  ['Slice', 'pad', 'slice', { axes: [2, 3], starts: [1, 1], ends: [-1, 1000] }],
  ['Slice', 'slice', 'slice2', { axes: [3], starts: [0], ends: [-1] }],
  ['Split', 'slice2', 'left right', { axis: 1, split: [1, 3] }],
  ['Concat', 'right left', 'cat', { axis: 1 }],
  ['ReduceSum', 'cat', 'sum', { axes: [2], keepdims: 0 }],
  ['Unsqueeze', 'sum', 'wide', { axes: [2] }],
  ['Mul', 'cat wide', 'scaled'],
  ['ReduceMean', 'scaled', 'mean', { axes: [1] }],
  ['Squeeze', 'mean', 'flat', { axes: [1] }],
  ['Softmax', 'flat', 'soft', { axis: 1 }],
  ['Unsqueeze', 'soft', 'back', { axes: [1] }],
  ['Mul', 'scaled back', 'mixed'],
  ['Flatten', 'mixed', 'rows'],
  ['Gemm', 'rows fc bias', 'y'],
];

for (const opset of [7, 8, 9])
  test(`a classifier of opset ${opset}`, async t => {
    const model = networkOf({
      opset,
      ir: opset === 7 ? 3 : 4,
      inputs: {
        ...picture,
        ...(opset === 7 ? Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, [shape]])) : {}),
      },
      outputs: { y: [['N', 5]] },
      weights,
      nodes: oldWords,
    });
    const { told, model: after } = await keepsOutputs(t, upgrade, model, { tolerance: 1e-6 });
    t.deepEqual(told, [`upgrade: opset ${opset} became 20`]);
    t.is(after.opsets.get(''), houseOpset);
  });

test('a classifier of opset 11', async t => {
  const nodes: NodeText[] = [
    ...head,
    ['Clip', 'bn low', 'clip'],
    ['Pad', 'clip pads half', 'pad', { mode: 'constant' }],
    ['Slice', 'pad starts ends axes steps', 'slice'],
    ['Split', 'slice', 'left right', { axis: 1 }],
    ['Concat', 'right left', 'cat', { axis: 1 }],
    ['ReduceSum', 'cat', 'sum', { axes: [-1], keepdims: 0 }],
    ['Unsqueeze', 'sum', 'wide', { axes: [-1] }],
    ['ReduceL2', 'wide', 'norm', { axes: [1, 2, 3] }],
    ['Div', 'cat norm', 'scaled'],
    ['LogSoftmax', 'scaled', 'soft'],
    ['Flatten', 'soft', 'rows'],
    ['Gemm', 'rows fc bias', 'y'],
  ];
  const model = networkOf({
    opset: 11,
    inputs: picture,
    outputs: { y: [['N', 5]] },
    weights: {
      ...weights,
      low: tensor('float32', [], [0]),
      pads: whole(0, 0, 1, 1, 0, 0, 1, 1),
      half: tensor('float32', [], [0.5]),
      starts: whole(4, 0),
      ends: whole(-1000, 4),
      axes: whole(2, 3),
      steps: whole(-1, 1),
      fc: normal('fc', [80, 5]),
    },
    nodes,
  });
  await keepsOutputs(t, upgrade, model, { tolerance: 1e-6 });
});

test('a classifier of opset 13', async t => {
  const nodes: NodeText[] = [
    ...head,
    ['Dropout', 'bn ratio', 'drop mask'],
    ['Split', 'drop parts', 'left right', { axis: 1 }],
    ['Concat', 'right left', 'cat', { axis: 1 }],
    ['ReduceSum', 'cat axes', 'sum', { keepdims: 0 }],
    ['Unsqueeze', 'sum axes', 'wide'],
    ['ReduceMax', 'wide', 'top', { axes: [1], keepdims: 1 }],
    ['Sub', 'cat top', 'scaled'],
    ['Softmax', 'scaled', 'soft'],
    ['Flatten', 'soft', 'rows'],
    ['Gemm', 'rows fc bias', 'y'],
  ];
  const model = networkOf({
    opset: 13,
    inputs: picture,
    outputs: { y: [['N', 5]] },
    weights: { ...weights, ratio: tensor('float32', [], [0.3]), parts: whole(1, 3), axes: whole(2, 3) },
    nodes,
  });
  await keepsOutputs(t, upgrade, model, { tolerance: 1e-6 });
});

test('Upsample and Resize of every version', async t => {
  const cases: [number, NodeText][] = [
    [7, ['Upsample', 'x', 'y', { mode: 'nearest', scales: floats(1, 1, 2, 3) }]],
    [7, ['Upsample', 'x', 'y', { mode: 'linear', scales: floats(1, 1, 2, 2) }]],
    [9, ['Upsample', 'x scales', 'y', { mode: 'nearest' }]],
    [10, ['Resize', 'x scales', 'y', { mode: 'nearest' }]],
    [10, ['Resize', 'x scales', 'y', { mode: 'linear' }]],
    [11, ['Resize', 'x roi scales', 'y', { mode: 'linear', coordinate_transformation_mode: 'align_corners' }]],
    [11, ['Resize', 'x roi none sizes', 'y', { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' }]], // prettier-ignore
    [13, ['Resize', 'x _ scales', 'y', { mode: 'cubic', cubic_coeff_a: float(-0.5) }]],
  ];
  const all = {
    scales: tensor('float32', [4], [1, 1, 2, 2]),
    roi: tensor('float32', [0], []),
    none: tensor('float32', [0], []),
    sizes: whole(2, 3, 6, 7),
  };
  for (const [opset, node] of cases) {
    const model = networkOf({
      opset,
      inputs: { x: [[2, 3, 4, 4]] },
      outputs: { y: [undefined] },
      weights: Object.fromEntries(Object.entries(all).filter(([name]) => node[1].split(' ').includes(name))),
      nodes: [node],
    });
    await keepsOutputs(t, upgrade, model, { tolerance: 1e-6 });
  }
});

test('bodies of If are upgraded too, with constants of their own', async t => {
  const branch = (name: string, nodes: readonly NodeText[]) => graphOf({ outputs: { [name]: [undefined] }, nodes });
  const model = networkOf({
    opset: 9,
    inputs: { ...picture, yes: [[], 'bool'] },
    outputs: { y: [undefined] },
    nodes: [
      ['Relu', 'x', 'a'],
      [
        'If',
        'yes',
        'b',
        {
          then_branch: body(
            branch('t', [
              ['Clip', 'a', 'c', { max: float(0.5) }],
              ['Softmax', 'c', 't', { axis: 2 }],
            ]),
          ),
          else_branch: body(branch('e', [['Pad', 'a', 'e', { pads: [0, 0, 1, 0, 0, 0, -1, 0] }]])),
        },
      ],
      ['Slice', 'b', 'y', { axes: [1], starts: [0], ends: [2] }],
    ],
  });
  await keepsOutputs(t, upgrade, model, { tolerance: 1e-6 });
});

test('a graph that must be lifted over many names at once keeps them apart', async t => {
  const model = networkOf({
    opset: 7,
    inputs: picture,
    outputs: { y: [undefined], z: [undefined] },
    weights: { upgraded: normal('upgraded', [4]), upgraded_1: normal('upgraded_1', [4]) },
    nodes: [
      ['Clip', 'x', 'a', { min: float(-1), max: float(1) }],
      ['Add', 'a upgraded', 'b'],
      ['Clip', 'b', 'd', { min: float(-0.5) }],
      ['Add', 'd upgraded_1', 'y'],
      ['Unsqueeze', 'd', 'z', { axes: [0] }],
    ],
  });
  await keepsOutputs(t, upgrade, model);
});
