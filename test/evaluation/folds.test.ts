import test from 'ava';
import { foldsOf } from '../../src/evaluation/index.js';

const classes = ['a', 'b', 'c'];
const countOf = (fold: Uint32Array, rows: readonly number[], part: number) =>
  rows.filter(row => fold[row] === part).length;

test('every class is spread evenly, and folds differ by one picture at most', t => {
  const labels = Array.from({ length: 53 }, (_, i) => (i % 7 === 0 ? 2 : i % 2));
  const fold = foldsOf({ labels, classes }, 5, 3);
  for (let part = 0; part < 5; part++) {
    t.true([10, 11].includes(countOf(fold, [...labels.keys()], part)));
    for (const k of [0, 1, 2]) {
      const rows = [...labels.keys()].filter(row => labels[row] === k);
      t.true(Math.abs(countOf(fold, rows, part) - rows.length / 5) < 1);
    }
  }
});

test('the same seed deals the same, another seed otherwise', t => {
  const labels = Array.from({ length: 40 }, (_, i) => i % 3);
  t.deepEqual(foldsOf({ labels, classes }, 4, 1), foldsOf({ labels, classes }, 4, 1));
  t.notDeepEqual(foldsOf({ labels, classes }, 4, 1), foldsOf({ labels, classes }, 4, 2));
});

test('of several labels rare ones are spread too', t => {
  // label 1 is held by four of 40 pictures, label 0 by all
  const targets = Array.from({ length: 40 }, (_, i) => [1, Number(i % 10 === 0)]).flat();
  const fold = foldsOf({ targets, classes: ['often', 'rarely'] }, 4, 0);
  for (let part = 0; part < 4; part++) t.is(countOf(fold, [0, 10, 20, 30], part), 1);
});

test('there are never more folds than pictures, and a class of one picture is in one of them', t => {
  t.deepEqual([...foldsOf({ labels: [0, 1, 2], classes }, 10, 0)].sort(), [0, 1, 2]);
  t.deepEqual([...foldsOf({ labels: [0], classes }, 2, 0)], [0]);
});

test('what cannot be dealt is refused', t => {
  t.throws(() => foldsOf({ labels: [0, 1], classes }, 1, 0), { code: 'EVALUATION_OPTION' });
  t.throws(() => foldsOf({ labels: [0, 3], classes }, 2, 0), { code: 'EVALUATION_LABEL' });
  t.throws(() => foldsOf({ targets: [0, 1], classes }, 2, 0), { code: 'EVALUATION_SHAPE' });
});
