// What is told of the operators of ONNX Runtime's training; that its kernels do the same is test/artifacts/ort-training.test.ts.

import test from 'ava';
import { Builder } from '../../src/graph/index.js';
import { coreOperators, ortTraining } from '../../src/operators/index.js';

test('an accumulator tells that it was done, and the sum where it is asked for', t => {
  const b = new Builder();
  const [buffer, value, flag] = [
    b.input('buffer', 'float32', [3, 4]),
    b.input('value', 'float32', [3, 4]),
    b.input('flag', 'bool', [1]),
  ];
  const [done, sum] = ortTraining.InPlaceAccumulatorV2.all(2, buffer, value, flag);
  t.deepEqual([done!.type, done!.shape], ['bool', [1]]);
  t.deepEqual([sum!.type, sum!.shape], ['float32', [3, 4]]);
});

test('they are known by their domain', t => {
  for (const name of ['InPlaceAccumulatorV2', 'AdamWOptimizer', 'SGDOptimizerV2', 'InplaceClipGradNorm']) {
    t.is(coreOperators.get('com.microsoft', name)?.operatorName, name);
    t.is(coreOperators.get('', name), undefined);
  }
});
