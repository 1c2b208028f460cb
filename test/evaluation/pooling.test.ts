import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { pool, type PoolingRule } from '../../src/evaluation/index.js';
import { classes, near, probabilities, questions } from './waves.js';

test('each rule gives what NumPy gives', t => {
  // np.mean; softmax of the mean of logs; np.eye(3)[argmax].mean(0); K − argsort(argsort(−p)), normalised
  const wanted: Record<PoolingRule, number[]> = {
    probability: [0.611877515912056, 0.20553777704481035, 0.1825846997089684],
    logit: [0.7918092462552886, 0.07109200569783661, 0.13709874804687475],
    vote: [0.5, 0.25, 0.25],
    rank: [0.4166666666666667, 0.2916666666666667, 0.2916666666666667],
  };
  for (const [rule, first] of Object.entries(wanted) as [PoolingRule, number[]][]) {
    const pooled = pool(probabilities, { rule, classes });
    t.true(near(pooled.probabilities.subarray(0, 3), first, 1e-6), rule);
    t.true(near(pooled.logits.subarray(0, 3), first.map(Math.log), 1e-5), rule);
  }
});

test('weights are shares: of 3 and 1 the first counts three quarters', t => {
  const members = [Float32Array.of(0.8, 0.2), Float32Array.of(0.4, 0.6)];
  const found = pool(members, { classes: 2, weights: [3, 1] });
  t.true(near(found.probabilities, [0.7, 0.3], 1e-7));
  t.true(near(pool(members, { classes: 2, rule: 'vote', weights: [3, 1] }).probabilities, [0.75, 0.25], 0));
});

test('of several labels each label is pooled by itself', t => {
  const members = [Float32Array.of(0.9, 0.5), Float32Array.of(0.5, 0.1)];
  const task = 'multi-label';
  t.true(near(pool(members, { classes: 2, task }).probabilities, [0.7, 0.3], 1e-7));
  // logits ln 9 and 0: their mean is ln 3, whose sigmoid is 3/4
  t.true(near(pool(members, { classes: 2, task, rule: 'logit' }).probabilities, [0.75, 0.25], 1e-7));
  t.true(near(pool(members, { classes: 2, task, rule: 'vote' }).probabilities, [1, 0.5], 0));
  t.true(near(pool(members, { classes: 2, task }).logits, [Math.log(7 / 3), Math.log(3 / 7)], 1e-6));
  t.throws(() => pool(members, { classes: 2, task, rule: 'rank' }), { code: 'EVALUATION_OPTION' });
  t.is(pool(questions, { classes, task }).probabilities.length, questions[0]!.length);
});

test('probabilities of 0 and 1 have finite logits', t => {
  const sure = [Float32Array.of(1, 0)];
  t.true(near(pool(sure, { classes: 2 }).logits, [0, -126 * Math.LN2], 1e-5));
  t.true(near(pool(sure, { classes: 2, rule: 'logit' }).probabilities, [1, 0], 1e-30));
  const found = pool(sure, { classes: 2, task: 'multi-label' }).logits;
  t.true(near(found, [25 * Math.LN2, -126 * Math.LN2], 1e-4));
});

test('equal votes and equal ranks go by the order of classes', t => {
  const flat = [Float32Array.of(0.25, 0.25, 0.25, 0.25)];
  t.true(near(pool(flat, { classes: 4, rule: 'vote' }).probabilities, [1, 0, 0, 0], 0));
  t.true(near(pool(flat, { classes: 4, rule: 'rank' }).probabilities, [0.4, 0.3, 0.2, 0.1], 1e-7));
});

test('what does not go together is refused', t => {
  const p = Float32Array.of(0.5, 0.5);
  t.throws(() => pool([], { classes: 2 }), { code: 'EVALUATION_MEMBERS' });
  t.throws(() => pool([p, Float32Array.of(1, 0, 1, 0)], { classes: 2 }), { code: 'EVALUATION_MEMBERS' });
  t.throws(() => pool([Float32Array.of(1, 0, 0)], { classes: 2 }), { code: 'EVALUATION_MEMBERS' });
  t.throws(() => pool([p, Float32Array.of(Number.NaN, 1)], { classes: 2 }), { code: 'EVALUATION_NOT_FINITE' });
  for (const weights of [[1], [1, -1], [0, 0], [Number.NaN, 1], [Infinity, 1]])
    t.throws(() => pool([p, p], { classes: 2, weights }), { code: 'EVALUATION_OPTION' }, String(weights));
  for (const bad of [0, 1.5]) t.throws(() => pool([p], { classes: bad }), { code: 'EVALUATION_OPTION' });
  t.throws(() => pool([p], { classes: 2, rule: 'median' as PoolingRule }), { code: 'EVALUATION_OPTION' });
});

const rules = fc.constantFrom<PoolingRule>('probability', 'logit', 'vote', 'rank');
const rows = fc.array(fc.tuple(...[1, 2, 3].map(() => fc.integer({ min: 1, max: 1000 }))), {
  minLength: 1,
  maxLength: 4,
});
const member = rows.map(list =>
  Float32Array.from(list.flatMap(row => row.map(v => v / row.reduce((a, b) => a + b, 0)))),
);

testProp(
  'the pool of equal members is the member',
  [fc.constantFrom('probability', 'logit'), member, fc.integer({ min: 1, max: 5 })],
  (t, rule, p, M) => {
    const found = pool(Array.from({ length: M }, () => p), { rule: rule, classes: 3 }); // prettier-ignore
    t.true(near(found.probabilities, [...p], 1e-6));
  },
);

testProp(
  'weights count by their shares, members without weight not at all, and their order is nothing',
  [rules, fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.tuple(...[1, 2, 3].map(() => fc.integer({ min: 1, max: 1000 })))), { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 1000 })],
  (t, rule, list, scale) => {
    const members = list.map(([, row]) => Float32Array.from(row, v => v / row.reduce((a, b) => a + b, 0)));
    const weights = list.map(([w]) => w);
    const { probabilities } = pool(members, { rule, classes: 3, weights });
    t.true(Math.abs(probabilities.reduce((a, b) => a + b, 0) - 1) < 1e-6);
    const others = [
      pool(members, { rule, classes: 3, weights: weights.map(w => w * scale) }),
      pool(members.toReversed(), { rule, classes: 3, weights: weights.toReversed() }),
      pool([Float32Array.of(0, 1, 0), ...members], { rule, classes: 3, weights: [0, ...weights] }),
    ];
    for (const other of others) t.true(near(other.probabilities, [...probabilities], 1e-6));
  },
); // prettier-ignore
