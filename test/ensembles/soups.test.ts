// Soups over numbers in place of weights: what is kept, what is told, what ties and NaN do.

import test from 'ava';
import { greedySoup, uniformSoup } from '../../src/ensembles/index.js';

const average = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length;
const named = (all: Readonly<Record<string, number>>) =>
  Object.entries(all).map(([name, weights]) => ({ name, weights }));
/** One basin around 5. */
const bowl = async (w: number): Promise<number> => (w - 5) ** 2;

test('the greedy soup takes the best first, and of the others those that make it no worse', async t => {
  const soup = await greedySoup(named({ far: 20, a: 4, b: 7 }), { average, score: bowl });
  // 4 scores 1; with 7 it is 5.5: 0.25; with 20 it would be 10.33
  t.deepEqual(soup.kept, ['a', 'b']);
  t.is(soup.weights, 5.5);
  t.is(soup.score, 0.25);
  t.deepEqual(
    soup.scores.map(({ name, alone, kept }) => [name, alone, kept]),
    [
      ['a', 1, true],
      ['b', 4, true],
      ['far', 225, false],
    ],
  );
  t.is(soup.remark, undefined);
});

test('a lower score is better: a loss is not taken for an accuracy', async t => {
  // timm's avg_checkpoints and many a script take the highest
  const { kept } = await greedySoup(named({ bad: 100, good: 5 }), { average, score: bowl });
  t.deepEqual(kept, ['good']);
});

test('where only the best is left, it is told, with where to look', async t => {
  // two wells with a hill between them: model-soups #10
  const hill = async (w: number): Promise<number> => (w * w - 1) ** 2;
  const soup = await greedySoup(named({ left: -1.1, right: 1.05 }), { average, score: hill });
  t.deepEqual(soup.kept, ['right']);
  t.regex(soup.remark!, /only right is left.*graft landscape/);
  const all = await uniformSoup(named({ left: -1.1, right: 1.05 }), { average, score: hill });
  t.regex(all.remark!, /worse than right.*graft landscape/);
  t.deepEqual(all.kept, ['left', 'right']);
});

test('ties stay, of equals the first named goes first; what scores no number is last and never stays', async t => {
  const flat = async (w: number): Promise<number> => (w > 50 ? NaN : 1);
  const soup = await greedySoup(named({ broken: 99, a: 1, b: 3 }), { average, score: flat });
  t.deepEqual(soup.kept, ['a', 'b']);
  t.is(soup.scores.at(-1)!.alone, Infinity);
  const none = await greedySoup(named({ x: 60, y: 70 }), { average, score: flat });
  t.deepEqual(none.kept, ['x']);
});

test('the uniform soup is the mean of all; one alone is itself, and none is an error', async t => {
  const soup = await uniformSoup(named({ a: 4, b: 7 }), { average, score: bowl });
  t.deepEqual([soup.weights, soup.score, soup.remark], [5.5, 0.25, undefined]);
  const never = (): never => t.fail();
  t.is((await uniformSoup(named({ a: 4 }), { average: never, score: bowl })).weights, 4);
  t.is((await greedySoup(named({ a: 4 }), { average: never, score: bowl })).remark, undefined);
  await t.throwsAsync(greedySoup([], { average, score: bowl }), { code: 'ENSEMBLE_SHARES' });
});
