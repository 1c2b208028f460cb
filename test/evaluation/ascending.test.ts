import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { ascending } from '../../src/evaluation/ascending.js';

test('negative numbers, zeros of both signs, subnormals: in order, equal ones as they come', t => {
  t.deepEqual(Array.from(ascending([0.5, -0, -0.25, 0, 1e-42, -3, 0.5])), [5, 2, 1, 3, 4, 0, 6]);
});

test('a column of rows', t => {
  // the second column of [3, 2]: 5, 1, 3
  t.deepEqual(Array.from(ascending([0, 5, 0, 1, 0, 3], 3, 1, 2)), [1, 2, 0]);
});

test('nothing has an order too', t => {
  t.deepEqual(Array.from(ascending([])), []);
});

testProp('as a stable sort by comparison', [fc.array(fc.float({ noNaN: true }), { maxLength: 60 })], (t, values) => {
  const wanted = values
    .map((_, i) => i)
    .sort((a, b) => (values[a]! < values[b]! ? -1 : values[a]! > values[b]! ? 1 : 0));
  t.deepEqual(Array.from(ascending(values)), wanted);
});
