import test from 'ava';
import { checkDisjoint } from '../../src/evaluation/index.js';

const splits = (parts: Readonly<Record<string, readonly string[]>>) => new Map(Object.entries(parts));

test('splits that share nothing are let through, a picture twice in one of them too', t => {
  t.notThrows(() => checkDisjoint(splits({ train: ['a', 'b', 'a'], test: ['c'], none: [] })));
});

test('splits that share a picture are named, with how many and one of them', t => {
  const error = t.throws(
    () => checkDisjoint(splits({ train: ['x'], selection: ['a', 'b', 'c'], test: ['d', 'c', 'c', 'b'] })),
    { code: 'EVALUATION_SPLITS_OVERLAP' },
  );
  t.is(error.message, 'selection and test share 2 pictures, one of them c');
  t.like(error, { details: { first: 'selection', second: 'test', count: 2, example: 'c' } });
});
