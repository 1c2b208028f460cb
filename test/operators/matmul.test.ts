import test from 'ava';
import { Builder } from '../../src/graph/index.js';
import { coreOperators, inferShapes, MatMul } from '../../src/operators/index.js';

test('windows of a picture count as many times as a picture has them', t => {
  // attention over 64 windows of 49 tokens of 32 numbers each
  const b = new Builder();
  const q = b.input('q', 'float32', ['64*batch', 49, 32]);
  b.output(MatMul(q, b.input('k', 'float32', ['64*batch', 32, 49])), 'y');
  t.deepEqual([...inferShapes(b.finish(), coreOperators).macs.values()], [64 * 49 * 49 * 32]);
});
