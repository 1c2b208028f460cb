import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { softmaxRows } from '../../src/evaluation/softmax-rows.js';

const row = fc.array(fc.float({ min: -200, max: 200, noNaN: true }), { minLength: 5, maxLength: 5 });

testProp(
  'each row is the softmax by Math.exp, to float32',
  [fc.array(row, { minLength: 1, maxLength: 4 })],
  (t, rows) => {
    const found = softmaxRows(Float32Array.from(rows.flat()), 5);
    for (const [i, list] of rows.entries()) {
      const most = Math.max(...list);
      const powers = list.map(z => Math.exp(Math.fround(z) - most));
      const sum = powers.reduce((a, b) => a + b, 0);
      powers.forEach((e, k) => t.true(Math.abs(found[i * 5 + k]! - e / sum) <= (2e-7 * e) / sum + 1e-44));
    }
  },
);

test('where the tables end, and at their seams, nothing jumps', t => {
  for (const z of [0, 1 / 1024, 1, 1.0009765625, 63.9999, 102, 103.9, 127.9999, 128, 1e4, Infinity]) {
    const [, p] = softmaxRows(Float32Array.of(0, -z), 2);
    const e = Math.exp(-Math.fround(z));
    t.true(Math.abs(p! - e / (1 + e)) <= 1e-7 * e + 1e-44, `${z}`);
  }
});

test('what has no softmax is NaN, its own row alone', t => {
  for (const bad of [[Number.NaN, 0], [Infinity, 0], [-Infinity, -Infinity]]) {
    const found = softmaxRows(Float32Array.from([...bad, 0, 0]), 2);
    t.true(found.subarray(0, 2).some(Number.isNaN), String(bad));
    t.deepEqual([...found.subarray(2)], [0.5, 0.5]);
  }
}); // prettier-ignore
