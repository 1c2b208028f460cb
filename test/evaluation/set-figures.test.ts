import test from 'ava';
import { setFigures } from '../../src/evaluation/index.js';

test('coverage and sizes by hand', t => {
  const found = setFigures({
    // the truth 0, 0, 1, 1: in, in, out, out of an empty set
    sets: [1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0],
    labels: [0, 2, 1, 1],
    classes: ['a', 'b', 'c'],
  });
  t.is(found.count, 4);
  t.is(found.coverage, 2 / 4);
  t.is(found.meanSize, 6 / 4);
  t.deepEqual(found.sizes, [1, 0, 3, 0]);
  t.deepEqual(found.perClass, [1, 0, 1]);
  // Wilson of 2 of 4 (scipy.stats.binomtest(2, 4).proportion_ci(0.95, 'wilson'))
  t.deepEqual(
    found.coverageInterval.map(end => Math.round(end * 1e4) / 1e4),
    [0.15, 0.85],
  );
});

test('a class that no picture has, has no coverage', t => {
  t.deepEqual(setFigures({ sets: [1, 0], labels: [0], classes: ['a', 'b'] }).perClass, [1, null]);
});

test('what is no set is refused', t => {
  t.throws(() => setFigures({ sets: [], labels: [], classes: ['a'] }), { code: 'EVALUATION_EMPTY' });
  t.throws(() => setFigures({ sets: [0.5, 1], labels: [0], classes: ['a', 'b'] }), { code: 'EVALUATION_LABEL' });
  t.throws(() => setFigures({ sets: [1], labels: [0], classes: ['a', 'b'] }), { code: 'EVALUATION_SHAPE' });
});
