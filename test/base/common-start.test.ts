// What paths have in common is left out of names; a number alone is never left.

import test from 'ava';
import { commonStart } from '../../src/base/index.js';

test('the folders that all names begin with are left out', t => {
  const named = (...names: readonly string[]) => names.map(commonStart(names));
  t.deepEqual(named('/data/runs/a', '/data/runs/b', 'average'), ['a', 'b', 'average']);
  t.deepEqual(named('runs/a@last', 'runs/b@3', 'runs/a with views'), ['a@last', 'b@3', 'a with views']);
  t.deepEqual(named('runs/a', 'runs/b', 'soup of 2 from runs/a'), ['a', 'b', 'soup of 2 from a']);
  t.deepEqual(named('folds/members/1', 'folds/members/2'), ['members/1', 'members/2']);
  t.deepEqual(named('/a/x', '/b/y'), ['a/x', 'b/y']);
  t.deepEqual(named('a', 'b'), ['a', 'b']);
  t.deepEqual(named('runs/a'), ['runs/a']);
  t.deepEqual(named(), []);
});
