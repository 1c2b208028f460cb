// Opsets after the house's, each against onnxruntime running the model as it was.

import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { houseOpset } from '../../src/graph/index.js';
import { lowerOpset } from '../../src/passes/index.js';
import { float, held, keepsOutputs, networkOf, normal, type NodeText } from './networks.js';

const ends = { inputs: { x: [['N', 8, 4, 4]] }, outputs: { y: [undefined] } } as const;
const network = (opset: number, nodes: readonly NodeText[], weights = {}) =>
  networkOf({ ...ends, opset, ir: opset >= 23 ? 11 : 10, nodes, weights });

for (const opset of [21, 22, 23, 24, 25, 26])
  test(`opset ${opset}: operators that mean the same keep their words`, async t => {
    const nodes: NodeText[] = [
      ['Conv', 'x w', 'a'],
      ['Relu', 'a', 'b'],
      ['Cast', 'b', 'c', { to: 1, ...(opset >= 24 ? { round_mode: 'up' } : {}) }],
      ['QuantizeLinear', 'c scale zero', 'd', { block_size: 0 }],
      ['DequantizeLinear', 'd scale zero', 'e'],
      ['Flatten', 'e', 'y'],
    ];
    const weights = {
      w: normal('w', [4, 8, 3, 3]),
      scale: tensor('float32', [], [0.1]),
      zero: tensor('uint8', [], [3]),
    };
    const { model, told, ops } = await keepsOutputs(t, lowerOpset, network(opset, nodes, weights));
    t.is(model.opsets.get(''), houseOpset);
    t.is(ops, 'Conv Relu Cast QuantizeLinear DequantizeLinear Flatten');
    t.true(told[0]!.startsWith(`lower-opset: opset ${opset} became 20`));
  });

test('GroupNormalization with scale and bias per channel', async t => {
  const model = network(21, [['GroupNormalization', 'x s b', 'y', { num_groups: 4, epsilon: float(1e-3) }]], {
    s: normal('s', [8]),
    b: normal('b', [8]),
  });
  const { told } = await keepsOutputs(t, lowerOpset, model, { tolerance: 1e-5 });
  t.deepEqual(told, ['lower-opset: opset 21 became 20, 1 GroupNormalization written in its words']);
});

test('RMSNormalization over the last axes', async t => {
  for (const axis of [-1, -2, 1]) {
    const shape = axis === 1 ? [8, 4, 4] : axis === -2 ? [4, 4] : [4];
    const model = network(23, [['RMSNormalization', 'x s', 'y', { axis, epsilon: float(1e-4) }]], {
      s: normal('s', shape),
    });
    await keepsOutputs(t, lowerOpset, model, { tolerance: 1e-5 });
  }
});

test('Swish with and without its factor', async t => {
  const model = network(24, [
    ['Swish', 'x', 'a'],
    ['Swish', 'a', 'y', { alpha: float(0.5) }],
  ]);
  await keepsOutputs(t, lowerOpset, model, { tolerance: 1e-6 });
});

const attend = (
  shapes: readonly (readonly (number | string)[])[],
  attributes: NodeText[3] = {},
  mask?: 'float32' | 'bool',
) =>
  networkOf({
    opset: 23,
    ir: 11,
    inputs: {
      ...Object.fromEntries(['q', 'k', 'v'].map((name, i) => [name, [shapes[i]]])),
      ...(mask ? { mask: [[5, 7], mask] } : {}),
    },
    outputs: { y: [undefined] },
    nodes: [['Attention', mask ? 'q k v mask' : 'q k v', 'y', attributes]],
  });

test('Attention over heads that stand apart, and over heads side by side', async t => {
  const apart = [['N', 3, 5, 4], ['N', 3, 7, 4], ['N', 3, 7, 6]]; // prettier-ignore
  await keepsOutputs(t, lowerOpset, attend(apart), { tolerance: 1e-5 });
  await keepsOutputs(t, lowerOpset, attend(apart, { scale: float(0.3) }), { tolerance: 1e-5 });
  await keepsOutputs(t, lowerOpset, attend(apart, {}, 'float32'), { tolerance: 1e-5 });
  await keepsOutputs(t, lowerOpset, attend(apart, { is_causal: 1 }), { tolerance: 1e-5 });
  const beside = [['N', 5, 12], ['N', 7, 12], ['N', 7, 18]]; // prettier-ignore
  const heads = { q_num_heads: 3, kv_num_heads: 3 };
  const { ops } = await keepsOutputs(t, lowerOpset, attend(beside, heads), { tolerance: 1e-5 });
  t.false(ops.includes('Attention'));
  t.throws(() => lowerOpset(attend(apart, { softcap: float(2) })), {
    code: 'DOOR_OPSET_OPERATOR',
    message: /Attention/,
  });
});

test('Attention whose mask says which keys are seen', t => {
  // rows of a random mask may be closed altogether, where the versions of onnxruntime differ: the words are looked at
  const { nodes } = lowerOpset(attend([['N', 3, 5, 4], ['N', 3, 7, 4], ['N', 3, 7, 6]], {}, 'bool')).graph; // prettier-ignore
  t.is(nodes.map(({ op }) => op).join(' '), 'Mul Transpose MatMul Where Softmax MatMul');
});

test('what opset 20 has no words for is refused by name', t => {
  const refused = (opset: number, nodes: readonly NodeText[], weights = {}) =>
    t.throws(() => lowerOpset(network(opset, nodes, weights)), { code: 'DOOR_OPSET_OPERATOR' })?.message ?? '';
  t.regex(refused(24, [['TensorScatter', 'x x', 'y']]), /TensorScatter/);
  t.regex(
    refused(21, [['DequantizeLinear', 'w s', 'y', { block_size: 2 }]], {
      w: tensor('int8', [4, 4], new Int8Array(16)),
      s: normal('s', [4, 2]),
    }),
    /DequantizeLinear.*opset 21/,
  );
  t.regex(
    refused(21, [['DequantizeLinear', 'w s', 'y']], {
      w: { type: 'int4', shape: [2], bytes: Uint8Array.of(0x21) },
      s: tensor('float32', [], [1]),
    }),
    /DequantizeLinear/,
  );
  t.regex(
    refused(21, [['Constant', '', 'y', { value: held({ type: 'uint4', shape: [2], bytes: Uint8Array.of(0x21) }) }]]),
    /Constant/,
  );
  t.throws(() => lowerOpset(network(99, [['Relu', 'x', 'y']])), { code: 'DOOR_OPSET_NEW', message: /99/ });
});

test('models of the house and before come back as the same object', t => {
  for (const opset of [7, 20]) {
    const model = network(opset, [['Relu', 'x', 'y']]);
    t.is(lowerOpset(model), model);
  }
});
