// Joined and split again, rows are what they were: of fixed sizes and of BYTES.

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { joinKey, joinRows, rowsOf, splitRows } from '../../../src/server/models/batch.js';
import { datatypes, piecesOf, type Datatype, type WireTensor } from '../../../src/server/tensors.js';
import { bytesElements, floats } from './real-network.js';

const drawn = fc.record({
  datatype: fc.constantFrom(...(Object.keys(datatypes) as Datatype[])),
  rest: fc.array(fc.nat({ max: 3 }), { maxLength: 2 }),
});
const tensorOf = (datatype: Datatype, shape: readonly number[], bytes: Iterator<number>): WireTensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  const some = (length: number) => Uint8Array.from({ length }, () => bytes.next().value as number);
  const size = datatypes[datatype].bytes;
  const data = size > 0 ? some(count * size) : bytesElements(Array.from({ length: count }, () => some((bytes.next().value as number) % 5))); // prettier-ignore
  // begins at an odd place, as it may in a body
  const placed = new Uint8Array(data.length + 1);
  placed.set(data, 1);
  return { datatype, shape, data: placed.subarray(1) };
};

testProp(
  'split of joined is what was joined',
  [fc.array(drawn, { minLength: 1, maxLength: 4 }), fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 }), fc.infiniteStream(fc.nat({ max: 255 }))],
  (t, inputs, rows, bytes) => {
    const requests = rows.map(count => new Map(inputs.map(({ datatype, rest }, i) => [`in${i}`, tensorOf(datatype, [count, ...rest], bytes)]))); // prettier-ignore
    const joined = joinRows(requests);
    for (const [name, sent] of joined) {
      t.is(sent.shape[0], rows.reduce((a, b) => a + b)); // prettier-ignore
      t.deepEqual(piecesOf(sent).map(({ buffer }) => buffer), requests.map(request => request.get(name)!.data.buffer), 'no copy'); // prettier-ignore
    }
    const whole = new Map<string, WireTensor>([...joined].map(([name, sent]) => [name, { ...sent, data: Buffer.concat(piecesOf(sent)) }])); // prettier-ignore
    const buffers = new Set([...whole.values()].map(({ data }) => data.buffer));
    const parts = splitRows(whole, rows)!;
    t.is(parts.length, requests.length);
    parts.forEach((part, i) => {
      for (const [name, { datatype, shape, data }] of part) {
        t.true(buffers.has(data.buffer), 'no copy');
        const given = requests[i]!.get(name)!;
        t.deepEqual({ datatype, shape, data: [...data] }, { ...given, data: [...given.data] });
      }
    });
  },
  { numRuns: 150 },
); // prettier-ignore

test('what does not have a row for each row is not split', t => {
  const of = (tensor: WireTensor) => splitRows(new Map([['y', tensor]]), [1, 2]);
  t.truthy(of(floats([3, 1], [1, 2, 3])));
  t.is(of(floats([4], [1, 2, 3, 4])), undefined);
  t.is(of(floats([], [1])), undefined);
  const texts = (count: number) => bytesElements(Array.from({ length: count }, () => Uint8Array.of(7)));
  t.truthy(of({ datatype: 'BYTES', shape: [3], data: texts(3) }));
  t.is(of({ datatype: 'BYTES', shape: [3], data: texts(4) }), undefined, 'one too many');
  t.is(of({ datatype: 'BYTES', shape: [3], data: texts(2) }), undefined, 'one too few');
});

test('what may be one run has the same types, dimensions and outputs', t => {
  const names = ['a', 'b'];
  const key = (a: WireTensor, outputs?: readonly string[], b = floats([a.shape[0]!], [])) =>
    joinKey(new Map([['b', b], ['a', a]]), names, outputs); // prettier-ignore
  const usual = key(floats([2, 3], []));
  t.is(usual, key(floats([7, 3], [])), 'rows may differ');
  t.is(usual, joinKey(new Map([['a', floats([1, 3], [])], ['b', floats([1], [])]]), names, undefined), 'in any order of inputs'); // prettier-ignore
  for (const other of [key(floats([2, 4], [])), key(floats([2, 3, 1], [])), key({ ...floats([2, 3], []), datatype: 'INT32' }), key(floats([2, 3], []), ['y']), key(floats([2, 3], []), undefined, floats([2, 1], []))]) t.not(other, usual); // prettier-ignore
  t.not(key(floats([1], []), ['x', 'y']), key(floats([1], []), ['x,y']));
  t.is(rowsOf(new Map([['a', floats([2, 3], [])], ['b', floats([2], [])]])), 2); // prettier-ignore
  t.is(rowsOf(new Map([['a', floats([2, 3], [])], ['b', floats([1, 3], [])]])), undefined); // prettier-ignore
  t.is(rowsOf(new Map([['a', floats([], [1])]])), undefined); // prettier-ignore
});
