import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { evaluate, fitCascade, pool, type CascadeStage } from '../../src/evaluation/index.js';
import { classes, labels, near, pictures, probabilities, questions, targets } from './waves.js';

/** Stages of the first, the first two … members. */
const stagesOf = (list: readonly Float32Array[], costs: readonly number[], task?: 'multi-label'): CascadeStage[] =>
  costs.map((cost, s) => ({
    cost,
    probabilities: pool(list.slice(0, s + 1), { classes, ...(task && { task }) }).probabilities,
  }));

test('two pictures of four go on, as reckoned by hand', t => {
  // the small network is sure of the first two and right; unsure of the others, where the large one is right
  const small = Float32Array.of(0.9, 0.1, 0.1, 0.9, 0.55, 0.45, 0.48, 0.52);
  const large = Float32Array.of(0.9, 0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1);
  const stages = [{ probabilities: small, cost: 1 }, { probabilities: large, cost: 10 }]; // prettier-ignore
  const truth = { labels: [0, 1, 1, 0] };
  const found = fitCascade(stages, truth, { classes: 2, tolerance: 0 });
  t.true(near(found.thresholds, [(0.8 + 0.1) / 2], 1e-6));
  t.deepEqual(found.shares, [1, 0.5]);
  t.is(found.cost, 6);
  t.is(found.accuracy, 1);
  t.deepEqual(found.stageAccuracies, [0.5, 1]);
  // three of four are enough: only the least sure goes on
  const less = fitCascade(stages, truth, { classes: 2, accuracy: 0.75 });
  t.true(near(less.thresholds, [(0.1 + 0.04) / 2], 1e-6));
  t.deepEqual([less.cost, less.accuracy], [3.5, 0.75]);
  t.deepEqual(fitCascade(stages, truth, { classes: 2, accuracy: 0 }).thresholds, [0]);
});

test('what cannot be had is refused', t => {
  const stages = stagesOf(probabilities, [1, 1]);
  t.throws(() => fitCascade(stages, { labels }, { classes, accuracy: 1 }), { code: 'EVALUATION_OPTION' });
  t.throws(() => fitCascade(stages, { labels }, { classes, tolerance: -1 }), { code: 'EVALUATION_OPTION' });
  t.throws(() => fitCascade([{ ...stages[0]!, cost: -1 }], { labels }, { classes }), { code: 'EVALUATION_OPTION' });
  t.throws(() => fitCascade([], { labels }, { classes }), { code: 'EVALUATION_MEMBERS' });
  t.throws(() => fitCascade(stages, { labels: labels.slice(1) }, { classes }), { code: 'EVALUATION_SHAPE' });
});

test('one stage is no cascade: all pictures stop there', t => {
  const found = fitCascade(stagesOf(probabilities, [3]), { labels }, { classes });
  t.deepEqual([found.thresholds, found.shares, found.cost], [[], [1], 3]);
});

/** Runs a cascade as a server would. */
function run(stages: readonly CascadeStage[], thresholds: readonly number[], K: number) {
  const n = stages[0]!.probabilities.length / K;
  const out = new Float32Array(n * K);
  let cost = 0;
  for (let i = 0; i < n; i++)
    for (const [s, stage] of stages.entries()) {
      cost += stage.cost / n;
      const row = stage.probabilities.subarray(i * K, (i + 1) * K);
      out.set(row, i * K);
      const sorted = row.toSorted((x, y) => y - x);
      if (s === thresholds.length || sorted[0]! - sorted[1]! >= thresholds[s]!) break;
    }
  return { out, cost };
}

test('three and four stages keep the accuracy, cost less, and are what running them gives', t => {
  for (const costs of [
    [1, 2, 4],
    [1, 1, 1, 9],
    [5, 1],
  ]) {
    // prettier-ignore
    const stages = stagesOf([probabilities[2]!, probabilities[0]!, probabilities[3]!, probabilities[1]!], costs);
    for (const tolerance of [0, 0.02, 0.1]) {
      const found = fitCascade(stages, { labels }, { classes, tolerance });
      t.true(found.accuracy >= found.stageAccuracies.at(-1)! - tolerance - 1e-12);
      const { out, cost } = run(stages, found.thresholds, classes);
      t.is(evaluate({ probabilities: out, labels, classes: ['0', '1', '2'] }).accuracy, found.accuracy);
      t.true(Math.abs(cost - found.cost) < 1e-9);
      t.true(found.cost <= costs.reduce((a, b) => a + b, 0));
    }
  }
});

test('of several labels a picture goes on by its least sure label', t => {
  const stages = stagesOf([questions[3]!, questions[0]!], [1, 4], 'multi-label');
  const found = fitCascade(stages, { targets }, { classes, tolerance: 0 });
  t.true(found.accuracy >= found.stageAccuracies[1]!);
  const on = Array.from({ length: pictures }, (_, i) =>
    Math.min(...[0, 1, 2].map(k => 2 * Math.abs(stages[0]!.probabilities[i * 3 + k]! - 0.5))),
  ).filter(margin => margin < found.thresholds[0]!).length;
  t.true(Math.abs(found.shares[1]! - on / pictures) < 1e-12);
});

testProp(
  'of two stages no threshold that keeps the accuracy is cheaper',
  [
    fc.array(fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 8 }), fc.nat(1)), { minLength: 1, maxLength: 12 }),
    fc.constantFrom(0, 0.1, 0.3),
  ],
  (t, list, tolerance) => {
    const pairs = (at: 0 | 1) => Float32Array.from(list.flatMap(row => [row[at] / 8, 1 - row[at] / 8]));
    const stages = [{ probabilities: pairs(0), cost: 1 }, { probabilities: pairs(1), cost: 3 }];
    const truth = list.map(row => row[2]);
    const found = fitCascade(stages, { labels: truth }, { classes: 2, tolerance });
    for (const threshold of [0, 0.125, 0.375, 0.625, 0.875, 2]) {
      const { out, cost } = run(stages, [threshold], 2);
      const { accuracy } = evaluate({ probabilities: out, labels: truth, classes: ['a', 'b'] });
      if (accuracy >= found.stageAccuracies[1]! - tolerance) t.true(found.cost <= cost + 1e-9);
    }
    t.true(found.accuracy >= found.stageAccuracies[1]! - tolerance - 1e-12);
  },
); // prettier-ignore
