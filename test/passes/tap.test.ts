import test from 'ava';
import { tap } from '../../src/passes/index.js';
import { pass } from '../../src/passes/index.js';
import { keepsOutputs, networkOf, normal } from './networks.js';

const model = networkOf({
  inputs: { x: [['N', 3]] },
  outputs: { y: [['N', 3]] },
  weights: { w: normal('w', [3]) },
  nodes: [
    ['Mul', 'x w', 'a'],
    ['Relu', 'a', 'b'],
    ['Neg', 'b', 'y'],
  ],
});

test('inner values become outputs after the old ones, with the types that are known', async t => {
  const facts = new Map([['a', { type: 'float32', shape: ['N', 3] } as const]]);
  const tapping = pass('tap', (one, tell) => {
    const tapped = tap(one, ['a', 'y', 'b'], facts);
    if (tapped !== one) tell('added outputs');
    return tapped;
  });
  const { model: after } = await keepsOutputs(t, tapping, model);
  t.deepEqual(after.graph.outputs, [
    { name: 'y', type: 'float32', shape: ['N', 3] },
    { name: 'a', type: 'float32', shape: ['N', 3] },
    { name: 'b' },
  ]);
});

test('what no node makes is refused', t => {
  t.throws(() => tap(model, ['w']), { code: 'TAP_SOURCE' });
  t.throws(() => tap(model, ['x']), { code: 'TAP_SOURCE' });
  t.throws(() => tap(model, ['z']), { code: 'TAP_NO_VALUE' });
  t.is(tap(model, ['y']), model);
});
