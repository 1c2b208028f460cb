import test from 'ava';
import { weightsFromInputs } from '../../src/passes/index.js';
import { keepsOutputs, networkOf, normal } from './networks.js';

const text = {
  inputs: { x: [['N', 3]], w: [[3]] },
  outputs: { y: [['N', 3]] },
  weights: { w: normal('w', [3]) },
  nodes: [['Mul', 'x w', 'y']],
} as const;

test('weights leave the inputs and the IR version follows', async t => {
  const { model, told } = await keepsOutputs(t, weightsFromInputs, networkOf({ ...text, ir: 3, opset: 8 }));
  t.deepEqual(
    model.graph.inputs.map(({ name }) => name),
    ['x'],
  );
  t.is(model.irVersion, 4);
  t.deepEqual(told, [
    'weights-from-inputs: took 1 weight out of the inputs',
    'weights-from-inputs: IR version 3 became 4',
  ]);
});

test('defaults of a later IR version leave too', async t => {
  const { model, told } = await keepsOutputs(t, weightsFromInputs, networkOf(text));
  t.is(model.irVersion, 9);
  t.is(told.length, 1);
});
