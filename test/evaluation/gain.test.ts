import test from 'ava';
import { evaluate, gainBySize } from '../../src/evaluation/index.js';
import { made, meanOf, surer } from './made.js';

const members = [0, 1, 2, 3].map(salt => surer(made(90, 3, 40, salt), 3));

test('each size is the mean of the first members, beside the single one', t => {
  const found = gainBySize(members, members[0]!, 'brierScore', { resamples: 200 });
  t.deepEqual(
    found.map(one => one.members),
    [1, 2, 3, 4],
  );
  t.is(found[0]!.difference.difference, 0);
  found.forEach(({ difference }, i) => {
    t.true(Math.abs(difference.first - evaluate(meanOf(members.slice(0, i + 1))).brierScore) < 1e-7);
    t.true(Math.abs(difference.second - evaluate(members[0]!).brierScore) < 1e-12);
  });
});

test('of many members not every size is looked at, but the first and the last are', t => {
  const many = Array.from({ length: 60 }, (_, i) => members[i % 4]!);
  const sizes = gainBySize(many, members[0]!, 'accuracy', { resamples: 100 }).map(one => one.members);
  t.deepEqual(sizes, [1, 2, 3, 4, 5, 7, 9, 12, 16, 22, 30, 41, 55, 60]);
});

test('members of other pictures are refused', t => {
  t.throws(() => gainBySize([], members[0]!), { code: 'EVALUATION_EMPTY' });
  t.throws(() => gainBySize([members[0]!, made(60, 3, 40)], members[0]!), { code: 'EVALUATION_SHAPE' });
  t.throws(() => gainBySize(members, made(60, 3, 40)), { code: 'EVALUATION_UNPAIRED' });
});
