// Pooling by hand-worked numbers of its formulas.

import test from 'ava';
import { floatsOf, floatTensor, logitsOf, pool, uncertaintyOf } from '../../../src/server/models/ensemble-pool.js';
import type { AverageNode } from '../../../src/server/models/ensemble-recipe.js';

const average = (rule: AverageNode['rule'], weights: readonly number[]): AverageNode => ({ op: 'average', rule, weights, members: weights.map((_, i) => ({ model: `m${i}` })) }); // prettier-ignore
const rounded = (values: Float64Array) => Array.from(values, value => Math.round(value * 1e9) / 1e9);
const a = Float64Array.of(0.8, 0.2, 0.5, 0.5);
const b = Float64Array.of(0.2, 0.8, 0.1, 0.9);

test('mean probability, mean logit, votes', t => {
  t.deepEqual(rounded(pool(average('probability', [0.5, 0.5]), [a, b], 2, 'single')), [0.5, 0.5, 0.3, 0.7]);
  // √(0.5 · 0.1) : √(0.5 · 0.9) = 1 : 3
  t.deepEqual(rounded(pool(average('logit', [0.5, 0.5]), [a, b], 2, 'single')), [0.5, 0.5, 0.25, 0.75]);
  // equal probabilities: the first class
  t.deepEqual(rounded(pool(average('vote', [0.75, 0.25]), [a, b], 2, 'single')), [0.75, 0.25, 0.75, 0.25]);
  t.deepEqual(rounded(pool(average('vote', [0.75, 0.25]), [a, b], 2, 'multi-label')), [0.75, 0.25, 0.75, 1]);
  // σ((logit 0.8 + logit 0.2) / 2) = ½; logit 0.5 = 0, so that odds are √(1/9) and √9
  t.deepEqual(rounded(pool(average('logit', [0.5, 0.5]), [a, b], 2, 'multi-label')), [0.5, 0.5, 0.25, 0.75]);
});

test('members without an answer are left out, and weights are of sum 1 again', t => {
  const nested: AverageNode = { op: 'average', rule: 'probability', weights: [0.5, 0.25, 0.25], members: [{ model: 'a' }, average('probability', [0.5, 0.5]), { model: 'b' }] }; // prettier-ignore
  t.deepEqual(rounded(pool(nested, [a, undefined, undefined, b], 2, 'single')), rounded(Float64Array.from(a, (p, i) => (2 * p + b[i]!) / 3))); // prettier-ignore
  t.deepEqual(rounded(pool(average('probability', [1, 0]), [undefined, b], 2, 'single')), [...b], 'even where it weighs nothing'); // prettier-ignore
});

test('logits and uncertainty', t => {
  t.deepEqual([...logitsOf(Float64Array.of(1, 0), 'single')], [0, -126 * Math.LN2]);
  t.deepEqual(rounded(logitsOf(Float64Array.of(1, 0.5), 'multi-label')), [Math.round(25 * Math.LN2 * 1e9) / 1e9, 0]);
  const [sure, other] = [Float64Array.of(1, 0), Float64Array.of(0, 1)];
  const half = Float64Array.of(0.5, 0.5);
  // two sure members that say the opposite: all of ln 2 is disagreement
  t.deepEqual(rounded(uncertaintyOf(half, [sure, other], [0.5, 0.5], 2, 'single')), rounded(Float64Array.of(Math.LN2, Math.LN2))); // prettier-ignore
  t.deepEqual(rounded(uncertaintyOf(half, [half, half], [0.5, 0.5], 2, 'single')), rounded(Float64Array.of(Math.LN2, 0))); // prettier-ignore
  t.deepEqual(rounded(uncertaintyOf(half, [half], [1], 2, 'multi-label')), rounded(Float64Array.of(2 * Math.LN2, 0)));
});

test('tensors at any byte, of both widths', t => {
  for (const datatype of ['FP32', 'FP64'] as const) {
    const { data, shape } = floatTensor(Float64Array.of(1.5, -2), [1, 2], datatype);
    const moved = new Uint8Array(data.length + 1);
    moved.set(data, 1);
    t.deepEqual([...floatsOf({ datatype, shape, data: moved.subarray(1) })], [1.5, -2]);
  }
});
