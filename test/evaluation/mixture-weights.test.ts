import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { fitWeights, pool } from '../../src/evaluation/index.js';
import { labels, named, near, probabilities, questions, targets } from './waves.js';

test('the weights are those of SciPy’s constrained minimum', async t => {
  // scipy.optimize.minimize(−mean ln w·T, SLSQP, w ≥ 0, Σ w = 1, ftol 1e-14)
  const found = await fitWeights(named(probabilities), { labels }, { tolerance: 1e-9, steps: 100_000 });
  t.true(near(found.weights, [0.31089528261384447, 0, 0.5382218252359765, 0.15088289215017908], 1e-3));
  t.true(Math.abs(found.after - 0.8725360754907234) < 1e-7);
  t.true(Math.abs(found.before - 0.9073374458695261) < 1e-7);
  t.is(found.weights.reduce((a, b) => a + b, 0), 1); // prettier-ignore
  t.true(found.gap <= 1e-9);
});

test('a gap that is asked for is the gap to the minimum', async t => {
  const least = (await fitWeights(named(probabilities), { labels }, { tolerance: 1e-10, steps: 100_000 })).after;
  for (const tolerance of [1e-2, 1e-3, 1e-4]) {
    const found = await fitWeights(named(probabilities), { labels }, { tolerance });
    t.true(found.gap <= tolerance && found.after - least <= found.gap + 1e-12);
  }
  t.is((await fitWeights(named(probabilities), { labels }, { steps: 3, tolerance: 1e-15 })).steps, 3);
});

test('of several labels each label of a picture counts', async t => {
  const found = await fitWeights(named(questions), { targets });
  t.true(found.after < found.before);
  // the mean member's loss by NumPy
  t.true(Math.abs(found.before - 2.161353622758069) < 1e-6);
});

test('a member that knows nothing about any truth gets no weight', async t => {
  const found = await fitWeights(named([Float32Array.of(1, 0), Float32Array.of(0, 1)], 2), { labels: [0] });
  t.true(found.weights[0]! > 0.999999 && found.after < 1e-5);
});

test('options are looked at', async t => {
  for (const options of [{ tolerance: 0 }, { steps: 0 }, { steps: 1.5 }])
    await t.throwsAsync(fitWeights(named(probabilities), { labels }, options), { code: 'EVALUATION_OPTION' });
  await t.throwsAsync(fitWeights(named(probabilities), { labels }, { memory: 1 }), { code: 'EVALUATION_MEMORY' });
});

testProp(
  'never worse than equal weights nor, but for the gap, than any member; the order of members is nothing',
  [fc.array(fc.array(fc.integer({ min: 1, max: 99 }), { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 5 })],
  async (t, shares) => {
    const members = shares.map(list => Float32Array.from(list.flatMap(share => [share / 100, 1 - share / 100])));
    const truth = { labels: [0, 0, 1, 0, 1] };
    const { weights, before, after, gap } = await fitWeights(named(members, 2), truth);
    t.true(after <= before + 1e-12);
    for (const member of members) t.true(after <= lossOf(member, truth.labels) + gap + 1e-6);
    t.true(Math.abs(lossOf(pool(members, { classes: 2, weights }).probabilities, truth.labels) - after) < 1e-5);
    const turned = await fitWeights(named(members.toReversed(), 2), truth);
    t.true(Math.abs(turned.after - after) < 1e-9);
  },
  { numRuns: 50 },
);
const lossOf = (p: Float32Array, labels: readonly number[]): number =>
  labels.reduce((sum, y, i) => sum - Math.log(p[i * 2 + y]!), 0) / labels.length;
