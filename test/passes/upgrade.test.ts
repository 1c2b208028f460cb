// The door's first step: opsets before the oldest that is understood are refused by number.

import test from 'ava';
import { upgradeTo } from '../../src/passes/index.js';
import { goodModel } from '../attacks/hostile-onnx.js';

test('a model of opset 6 is refused', t => {
  const model = { ...goodModel(), opsets: new Map([['', 6]]) };
  t.throws(() => upgradeTo(20)(model), { code: 'DOOR_OPSET_OLD', message: /opset 6/ });
});

test('a model of the house comes back as the same object', t => {
  const model = goodModel();
  t.is(upgradeTo(20)(model), model);
});
