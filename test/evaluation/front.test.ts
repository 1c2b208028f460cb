import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { costFront, evaluate, pool, selectMembers, type CostPart } from '../../src/evaluation/index.js';
import { classes, labels, named, probabilities, questions, targets } from './waves.js';

const members = named(probabilities);
const own = (cost: number, id: string): CostPart[] => [{ id, cost }];
const costs = [own(1, 'a'), own(2, 'b'), own(4, 'c'), own(3, 'd')];

test('the front holds what nothing cheaper beats, and all else is beaten', async t => {
  for (const metric of ['negativeLogLikelihood', 'accuracy'] as const) {
    const { points, front, best } = await costFront(members, { labels }, costs, { metric });
    const better = (x: number, y: number) => (metric === 'accuracy' ? x > y + 1e-12 : x < y - 1e-12);
    for (let i = 1; i < front.length; i++)
      t.true(front[i]!.cost > front[i - 1]!.cost && better(front[i]!.value, front[i - 1]!.value));
    for (const point of points) t.true(front.some(at => at.cost <= point.cost && !better(point.value, at.value)));
    t.deepEqual(best, front.at(-1)!);
    // 4 singles and 11 subsets at least; each once
    t.true(points.length >= 15);
    t.is(new Set(points.map(({ members: list, weights }) => `${list.join()} ${weights.join()}`)).size, points.length);
  }
});

test('values are what evaluate says of the weighted mean', async t => {
  for (const metric of ['negativeLogLikelihood', 'accuracy'] as const)
    for (const point of (await costFront(members, { labels }, costs, { metric, size: 5 })).points) {
      const list = point.members.map(m => probabilities[m]!);
      const { probabilities: p } = pool(list, { classes, weights: point.weights });
      const value = evaluate({ probabilities: p, labels, classes: ['0', '1', '2'] })[metric];
      t.true(Math.abs(value - point.value) < 1e-6);
    }
});

test('without a limit the best is at least as good as the greedy choice and as all subsets', async t => {
  const { value } = await selectMembers(members, { labels });
  const { best } = await costFront(members, { labels }, costs);
  t.true(best.value <= value + 1e-12);
});

test('the best within a budget costs no more; a trunk that members share is paid once', async t => {
  const trunk = { id: 'trunk', cost: 10 };
  const shared = [[trunk, ...own(1, 'a')], [trunk, ...own(1, 'b')], [trunk, ...own(1, 'c')], own(30, 'd')];
  const { best, front, points } = await costFront(members, { labels }, shared, { budget: 13 });
  t.true(best.cost <= 13 && best.members.every(m => m < 3));
  t.true(points.some(point => point.members.join() === '0,1,2' && point.cost === 13));
  t.true(front.at(-1)!.cost > 13);
  t.true(points.filter(point => point.cost <= 13).every(point => point.value >= best.value - 1e-12));
  t.deepEqual((await costFront(members, { labels }, shared, { budget: 11 })).best.members.length, 1);
});

test('more members than are looked at in all subsets are chosen greedily within each budget', async t => {
  const few = await costFront(members, { labels }, costs, { exhaustive: 0 });
  t.true(few.points.every(point => point.members.length <= 4));
  const single = Math.min(...few.points.filter(point => point.members.length === 1).map(point => point.value));
  t.true(few.best.value < single);
  for (const budget of [1, 2, 3.5, 5, 7]) {
    const { best } = await costFront(members, { labels }, costs, { exhaustive: 0, budget });
    t.true(best.cost <= budget);
  }
  const several = await costFront(named(questions), { targets }, costs, { exhaustive: 0 });
  t.true(several.best.value < 2.161353622758069); // that of the mean of all, by NumPy
});

test('members that cost nothing are all in reach', async t => {
  const free = await costFront(members, { labels }, costs.map((_, m) => own(0, `${m}`)), { budget: 0 }); // prettier-ignore
  t.is(free.front.length, 1);
  t.is(free.best.cost, 0);
});

test('what fits no budget, and costs that are none, are refused', async t => {
  const error = await t.throwsAsync(costFront(members, { labels }, costs, { budget: 0.5 }), { code: 'EVALUATION_BUDGET' }); // prettier-ignore
  t.regex(error.message, /a, costs 1/);
  const twice = [own(1, 'x'), own(2, 'x'), own(1, 'y'), own(1, 'z')];
  for (const bad of [costs.slice(1), twice, costs.map(() => own(-1, 'a')), costs.map(() => own(Number.NaN, 'a'))])
    await t.throwsAsync(costFront(members, { labels }, bad), { code: 'EVALUATION_OPTION' });
  for (const options of [{ budget: Number.NaN }, { size: 0 }, { exhaustive: 17 }, { metric: 'f1' as 'accuracy' }])
    await t.throwsAsync(costFront(members, { labels }, costs, options), { code: 'EVALUATION_OPTION' });
});

testProp(
  'whatever the costs, no subset of equal weights within the budget is better',
  [fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 4, maxLength: 4 }), fc.integer({ min: 9, max: 30 })],
  async (t, list, budget) => {
    const parts = list.map((cost, m) => own(cost, `${m}`));
    const { best } = await costFront(members, { labels }, parts, { budget, size: 4 });
    t.true(best.cost <= budget);
    for (let bits = 1; bits < 16; bits++) {
      const subset = [0, 1, 2, 3].filter(m => bits & (1 << m));
      if (subset.reduce((sum, m) => sum + list[m]!, 0) > budget) continue;
      const { probabilities: p } = pool(
        subset.map(m => probabilities[m]!),
        { classes },
      );
      const value = labels.reduce((sum, y, i) => sum - Math.log(p[i * 3 + y]!), 0) / labels.length;
      t.true(best.value <= value + 1e-6);
    }
  },
  { numRuns: 20 },
);
