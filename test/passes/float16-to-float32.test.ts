import test from 'ava';
import { floats, tensor } from '../../src/base/index.js';
import { float16ToFloat32 } from '../../src/passes/index.js';
import { body, graphOf, held, keepsOutputs, networkOf } from './networks.js';

const numbers = [0.1, -2.5, 65504, 6e-8, 0, 1 / 3];

test('weights, ends, casts and constants become float32; every half is exactly a float', async t => {
  const w = tensor('float16', [6], numbers);
  const model = networkOf({
    inputs: { x: [['N', 6], 'float16'] },
    outputs: { y: [['N', 6], 'float16'], z: [['N', 6]] },
    weights: { w },
    nodes: [
      ['Constant', '', 'c', { value: held(tensor('float16', [1], [0.5])) }],
      ['Add', 'x w', 'a'],
      ['Mul', 'a c', 'y'],
      ['Cast', 'y', 'b', { to: 1 }],
      ['Cast', 'b', 'd', { to: 10 }],
      ['Cast', 'd', 'z', { to: 1 }],
    ],
  });
  const { model: after, told } = await keepsOutputs(t, float16ToFloat32, model, { tolerance: 2e-3 });
  t.deepEqual([...floats(after.graph.initializers.get('w')!)], [...floats(w)]);
  t.deepEqual(told, [
    'float16-to-float32: made 2 half-precision tensors float32',
    'float16-to-float32: x, y became float32',
    'float16-to-float32: 1 cast to half precision became casts to float32',
  ]);
});

test('bodies follow, float32 networks are left alone', async t => {
  const branch = (name: string, op: string) =>
    graphOf({
      outputs: { [name]: [['N', 6], 'float16'] },
      weights: { [`${name}/w`]: tensor('float16', [6], numbers.map(one => one / 70000)) }, // prettier-ignore
      nodes: [[op, `x ${name}/w`, name]],
    });
  const model = networkOf({
    inputs: { x: [['N', 6], 'float16'], yes: [[], 'bool'] },
    outputs: { y: [['N', 6], 'float16'] },
    nodes: [['If', 'yes', 'y', { then_branch: body(branch('t', 'Add')), else_branch: body(branch('e', 'Mul')) }]],
  });
  await keepsOutputs(t, float16ToFloat32, model, { tolerance: 2e-3 });
  const plain = networkOf({ inputs: { x: [['N', 6]] }, outputs: { y: [['N', 6]] }, nodes: [['Relu', 'x', 'y']] });
  t.is(float16ToFloat32(plain), plain);
});

test('bfloat16 weights become float32', t => {
  const model = networkOf({
    inputs: { x: [['N', 2]] },
    outputs: { y: [['N', 2]] },
    // 1.5 and -2 as the upper halves of their float32
    weights: { w: tensor('bfloat16', [2], Uint16Array.of(0x3fc0, 0xc000)) },
    nodes: [
      ['Cast', 'w', 'v', { to: 1 }],
      ['Mul', 'x v', 'y'],
    ],
  });
  const after = float16ToFloat32(model);
  t.deepEqual([...floats(after.graph.initializers.get('w')!)], [1.5, -2]);
});
