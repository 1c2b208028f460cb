// Tensors: bytes with a type and a shape; halves by IEEE's rules.

import test from 'ava';
import { elements, floats, fromFloat16, integers, tensor, toFloat16 } from '../../src/base/index.js';

test('what does not fit is refused', t => {
  t.throws(() => tensor('float32', [2, 2], [1, 2, 3]), { code: 'TENSOR_SIZE' });
  t.throws(() => elements({ type: 'string', shape: [0], bytes: new Uint8Array() }), { code: 'TENSOR_TYPE' });
  t.throws(() => integers(tensor('int64', [1], BigInt64Array.of(2n ** 60n))), { code: 'TENSOR_UNSAFE_INTEGER' });
});

test('bytes that are not aligned are copied, also those of a Node Buffer', t => {
  const bytes = Buffer.alloc(9);
  bytes.writeFloatLE(1.5, 1);
  bytes.writeFloatLE(-2, 5);
  t.deepEqual([...floats({ type: 'float32', shape: [2], bytes: bytes.subarray(1) })], [1.5, -2]);
});

test('every half goes to a float and back', t => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = fromFloat16(bits);
    if (!Number.isNaN(value)) t.is(toFloat16(value), bits);
    else t.true(Number.isNaN(fromFloat16(toFloat16(value))));
  }
});

test('floats between two halves go to the even one', t => {
  t.is(fromFloat16(toFloat16(1 + 2 ** -11)), 1);
  t.is(fromFloat16(toFloat16(1 + 3 * 2 ** -11)), 1 + 2 ** -9);
  t.is(fromFloat16(toFloat16(65520)), Infinity);
  t.is(fromFloat16(toFloat16(2 ** -25)), 0);
});
