// What rungs are expected to cost, and which one a deadline leaves time for.

import test from 'ava';
import { RungTimes } from '../../../src/server/models/rung.js';

const rungs = [
  { members: ['a', 'b', 'c'], weights: [1, 1, 1], milliseconds: 30 },
  { members: ['a', 'b'], weights: [1, 1], milliseconds: 20 },
  { members: ['b'], weights: [1], milliseconds: 10 },
];

test('the dearest that is done in time, or else the cheapest', t => {
  const times = new RungTimes(rungs);
  t.deepEqual([Infinity, 30, 29, 20, 19, 10, 9, -5].map(left => times.choose(1, left)), [0, 0, 1, 1, 2, 2, 2, 2]); // prettier-ignore
  t.is(times.choose(2, 30), 2, 'two rows take twice as long');
  t.deepEqual([0, 1, 2].map(rung => times.missing(rung)), [[], ['c'], ['a', 'c']]); // prettier-ignore
  const one = new RungTimes();
  t.deepEqual([one.choose(1, -1), one.expected(0, 9), one.missing(0)], [0, 0, []]);
});

test('measured runs count for their rung and size, and for the nearest size that was not measured', t => {
  const times = new RungTimes(rungs);
  times.measured(0, 8, 60);
  t.is(times.expected(0, 8), 60);
  t.is(times.expected(0, 4), 30);
  t.is(times.expected(1, 8), 160, 'others have their warm-up still');
  for (let i = 0; i < 60; i++) times.measured(0, 8, 120);
  t.true(Math.abs(times.expected(0, 8) - 120) < 1);
  times.measured(0, 0, 5);
  times.measured(7, 1, 5);
  t.true(Math.abs(times.expected(0, 8) - 120) < 1, 'what is no run of ours changes nothing');
});

test('a rung that was slow once is tried again after runs of others', t => {
  const times = new RungTimes(rungs);
  times.measured(0, 1, 500);
  t.is(times.choose(1, 40), 1);
  let runs = 0;
  for (; times.choose(1, 40) !== 0 && runs < 1000; runs++) times.measured(1, 1, 20);
  t.true(runs > 5 && runs < 200, String(runs));
});
