import test from 'ava';
import { tensor, type DataType } from '../../src/base/index.js';
import type { Attribute } from '../../src/graph/index.js';
import { Constant, inferOutputs } from '../../src/operators/index.js';

const cases: readonly (readonly [string, Attribute, DataType, readonly number[], readonly number[] | undefined])[] = [
  ['value', { kind: 'tensor', value: tensor('int64', [3], [1, 2, 3]) }, 'int64', [3], [1, 2, 3]],
  ['value', { kind: 'tensor', value: tensor('float32', [2, 1], [1, 2]) }, 'float32', [2, 1], undefined],
  ['value_float', { kind: 'float', value: 0.5 }, 'float32', [], undefined],
  ['value_floats', { kind: 'floats', value: [0.5, 1] }, 'float32', [2], undefined],
  ['value_int', { kind: 'int', value: 7 }, 'int64', [], [7]],
  ['value_ints', { kind: 'ints', value: [7, 8] }, 'int64', [2], [7, 8]],
  ['value_string', { kind: 'string', value: 'a' }, 'string', [], undefined],
  ['value_strings', { kind: 'strings', value: ['a', 'b'] }, 'string', [2], undefined],
];
for (const [name, attribute, type, shape, known] of cases)
  test(`${name} of ${type} [${shape.join()}]`, t => {
    const [output] = inferOutputs(Constant, [], new Map([[name, attribute]]), 1);
    t.deepEqual(output, { type, shape, ...(known ? { known } : {}) });
  });
