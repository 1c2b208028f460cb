import test from 'ava';
import { floats, tensor, type GraftError, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Attribute, type Model } from '../../src/graph/index.js';
import {
  AffineGrid,
  CenterCropPad,
  coreOperators,
  GridSample,
  MaxRoiPool,
  Resize,
  RoiAlign,
  Upsample,
} from '../../src/operators/index.js';
import { upgradeTo } from '../../src/passes/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { agrees } from './against-runtime.js';

const float = (b: Builder, list: readonly number[]) => b.constant(list, 'float32');

test('scales round down, sizes are taken as they are', async t => {
  await agrees(t, (feed, b) => [
    Resize(feed([1, 2, 5, 7]), undefined, float(b, [1, 1, 1.5, 0.6])),
    Resize(feed([1, 2, 5, 7]), undefined, undefined, [1, 2, 3, 11]),
    Resize(feed([1, 2, 5, 7]), undefined, undefined, [3, 4], { axes: [3, 2] }),
    Resize(feed([1, 2, 10, 20]), undefined, float(b, [0.7, 1.3]), { axes: [-2, -1], mode: 'linear' }),
  ]);
});

test('a region to crop has no say in the size', async t => {
  await agrees(t, (feed, b) => [
    Resize(feed([1, 1, 8, 10]), float(b, [0, 0, 0.25, 0.1, 1, 1, 0.75, 0.6]), float(b, [1, 1, 1.5, 2]), {
      coordinate_transformation_mode: 'tf_crop_and_resize',
      mode: 'linear',
    }),
  ]);
});

test('an aspect policy scales all axes by one ratio', async t => {
  for (const keep_aspect_ratio_policy of ['not_larger', 'not_smaller'])
    await agrees(t, feed => [
      Resize(feed([1, 2, 5, 7]), undefined, undefined, [11, 9], { axes: [2, 3], keep_aspect_ratio_policy }),
    ]);
});

test('a named batch stays, where its scale is one', t => {
  const b = new Builder();
  const x = b.input('x', 'float32', ['batch', 3, 'height', 8]);
  t.deepEqual(Resize(x, undefined, float(b, [1, 1, 2, 2])).shape, ['batch', 3, '', 16]);
  const sizes = b.input('sizes', 'int64', [2]);
  t.deepEqual(Resize(x, undefined, undefined, sizes, { axes: [2, 3] }).shape, ['batch', 3, '', '']);
  t.deepEqual(Upsample(x, float(b, [1, 1, 2, 2])).shape, ['batch', 3, '', 16]);
  const error = t.throws<GraftError>(() => Resize(x, undefined, undefined, [4, 4]));
  t.is(error.code, 'OPERATOR_SHAPE');
});

test('grids, regions and crops', async t => {
  await agrees(t, (feed, b) => [
    GridSample(feed([2, 3, 5, 6]), feed([2, 4, 7, 2])),
    AffineGrid(feed([2, 2, 3]), b.constant([2, 3, 5, 6])),
    AffineGrid(feed([2, 3, 4]), b.constant([2, 3, 4, 5, 6])),
    RoiAlign(feed([1, 3, 8, 8]), feed([2, 4], 'float32', [0, 0, 3, 3, 1, 1, 6, 6]), b.constant([0, 0]), {
      output_height: 3,
      output_width: 2,
    }),
    MaxRoiPool(feed([1, 3, 8, 8]), feed([2, 5], 'float32', [0, 0, 0, 3, 3, 0, 1, 1, 6, 6]), { pooled_shape: [2, 3] }),
    CenterCropPad(feed([4, 5, 6]), b.constant([7, 2]), { axes: [0, -1] }),
  ]);
  const b = new Builder();
  const error = t.throws<GraftError>(() =>
    GridSample(b.input('x', 'float32', [1, 3, 5, 6]), b.input('grid', 'float32', [1, 4, 2])),
  );
  t.is(error.code, 'OPERATOR_SHAPE');
});

/** A model of an old opset of one node over x [1, 2, 4, 6], other inputs as float32 constants. */
function old(
  opset: number,
  op: string,
  constants: readonly (readonly number[])[],
  attributes: Record<string, Attribute>,
): Model {
  const b = new Builder();
  const x = b.input('x', 'float32', [1, 2, 4, 6]);
  const held = constants.map((list, i) => b.parameter(`c${i}`, tensor('float32', [list.length], list)));
  const { shape } = op === 'Resize' ? Resize(x, undefined, held.at(-1), { mode: 'nearest' }) : { shape: [1, 2, 8, 18] };
  const [y] = b.append({
    op,
    inputs: [x, ...held],
    attributes: new Map(Object.entries(attributes)),
    outputs: [{ type: 'float32', shape }],
    names: ['y'],
  });
  b.output(y!);
  return { ...modelOf(b.finish()), irVersion: 8, opsets: new Map([['', opset]]) };
}
async function run(model: Model): Promise<Tensor> {
  const runtime = nodeRuntime();
  const session = await runtime.open(encodeModel(model), { optimization: 'disabled' });
  const data = Array.from({ length: 48 }, (_, i) => (i * 37) % 48);
  const results = await session.run(new Map([['x', runtime.tensor(tensor('float32', [1, 2, 4, 6], data))]]));
  const result = await results.get('y')!.read();
  await session.close();
  return result;
}
const text = (value: string): Attribute => ({ kind: 'string', value });

const versions: readonly (readonly [string, Model])[] = [
  ['Upsample 7, nearest', old(7, 'Upsample', [], { scales: { kind: 'floats', value: [1, 1, 2, 3] } })],
  [
    'Upsample 7, linear',
    old(7, 'Upsample', [], { scales: { kind: 'floats', value: [1, 1, 2, 3] }, mode: text('linear') }),
  ],
  ['Upsample 9', old(9, 'Upsample', [[1, 1, 2, 3]], {})],
  ['Resize 10, growing', old(10, 'Resize', [[1, 1, 1.5, 2.3]], {})],
  ['Resize 10, shrinking', old(10, 'Resize', [[1, 1, 0.6, 0.7]], {})],
  ['Resize 10, linear', old(10, 'Resize', [[1, 1, 0.6, 1.7]], { mode: text('linear') })],
  ['Resize 11, half pixels', old(11, 'Resize', [[], [1, 1, 1.5, 2]], {})],
  [
    'Resize 11, TensorFlow half pixels',
    old(11, 'Resize', [[], [1, 1, 1.5, 2.3]], {
      coordinate_transformation_mode: text('tf_half_pixel_for_nn'),
      nearest_mode: text('floor'),
    }),
  ],
];
for (const [name, model] of versions)
  test(`${name} gives the same after its upgrade`, async t => {
    const upgraded = upgradeTo(20)(model);
    t.is(upgraded.graph.nodes[0]!.op, 'Resize');
    const [before, after] = [await run(model), await run(upgraded)];
    t.deepEqual(after.shape, before.shape);
    t.deepEqual(floats(after), floats(before));
  });

test('a Resize 10 that grows one way and shrinks the other is refused', t => {
  const error = t.throws<GraftError>(() => upgradeTo(20)(old(10, 'Resize', [[1, 1, 2, 0.5]], {})));
  t.is(error.code, 'OPERATOR_SHAPE');
});

test('names of modes and of coordinates follow', t => {
  const node = (op: string, attributes: Record<string, Attribute>) => ({
    op,
    domain: '',
    name: 'n',
    inputs: ['x', 'r'],
    outputs: ['y'],
    attributes: new Map(Object.entries(attributes)),
  });
  const upgrade = (op: string, version: number, attributes: Record<string, Attribute>) => {
    const made = coreOperators.get('', op)!.spec.upgrades![version]!(node(op, attributes), {
      type: () => undefined,
      shape: () => undefined,
      constant: () => 'c',
      fresh: hint => hint,
      integers: () => undefined,
    });
    return 'op' in made ? Object.fromEntries(made.attributes) : undefined;
  };
  t.deepEqual(upgrade('GridSample', 20, { mode: text('bicubic') }), { mode: text('cubic') });
  t.deepEqual(upgrade('GridSample', 20, { mode: text('nearest') }), { mode: text('nearest') });
  t.deepEqual(upgrade('RoiAlign', 16, {}), { coordinate_transformation_mode: text('output_half_pixel') });
});
