import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { Builder, modelOf } from '../../src/graph/index.js';
import { checkFolding } from '../../src/inspect/index.js';
import { MatMul, Mul } from '../../src/operators/index.js';

/** Weights of some bytes that are multiplied several times over before they are used, as standardized weights are. */
function standardized(bytes: number, steps: number) {
  const builder = new Builder();
  const side = Math.sqrt(bytes / 4);
  let weights = builder.constant(tensor('float32', [side, side], new Float32Array(side * side)));
  for (let i = 0; i < steps; i++) weights = Mul(weights, weights);
  builder.output(MatMul(builder.input('x', 'float32', ['batch', side]), weights), 'y');
  return modelOf(builder.finish());
}

test('a network of large weights may fold them several times over', t => {
  t.notThrows(() => {
    checkFolding(standardized(64 * 2 ** 20, 5));
  });
  t.throws(
    () => {
      checkFolding(standardized(64 * 2 ** 20, 9));
    },
    { code: 'ONNX_LIMIT_BYTES' },
  );
});

test('a small file may not', t => {
  t.throws(
    () => {
      checkFolding(standardized(2 ** 20, 300));
    },
    { code: 'ONNX_LIMIT_BYTES' },
  );
});
