// Barriers of lines by hand.

import test from 'ava';
import { barrierOf, type LinePoint } from '../../src/evaluation/index.js';

const point = (t: number, losses: readonly number[], accuracy = 0.5): LinePoint => ({ t, losses, accuracy });

test('the barrier is the highest rise over the straight line between the ends', t => {
  // ends 1 and 3: the line is 1.5 at 0.25, 2 at 0.5, 2.5 at 0.75
  const found = barrierOf([
    point(0, [1, 1, 1], 0.9),
    point(0.25, [3, 3, 3], 0.7),
    point(0.5, [3, 3, 3], 0.4),
    point(0.75, [2, 2, 2], 0.6),
    point(1, [3, 3, 3], 0.5),
  ]);
  t.deepEqual([found.loss, found.at, found.standardError], [1.5, 0.25, 0]);
  t.true(Math.abs(found.accuracy - 0.3) < 1e-12); // 0.7 − 0.4 at 0.5
  t.deepEqual(found.means, [1, 3, 3, 2, 3]);
  t.is(found.verdict, 'barrier');
});

test('no rise is no barrier: at least 0, and one basin', t => {
  const found = barrierOf([point(0, [1, 2]), point(0.5, [0.5, 1]), point(1, [1, 2])]);
  t.deepEqual([found.loss, found.at, found.accuracy, found.verdict], [0, 0, 0, 'one basin']);
  t.is(
    barrierOf([point(0, [1]), point(0.5, [1.019]), point(1, [1])]).verdict,
    'one basin',
    'less than 0.02 nats is none',
  );
});

test('the error is over pictures, paired; a rise within two errors is unclear', t => {
  // rises 2, 0, 2, 0: mean 1, deviation √(4/3), error √(1/3)
  const ends = [5, 1, 7, 2];
  const found = barrierOf([point(0, ends), point(0.5, ends.map((v, i) => v + (i % 2 === 0 ? 2 : 0))), point(1, ends)]); // prettier-ignore
  t.is(found.loss, 1);
  t.true(Math.abs(found.standardError - Math.sqrt(1 / 3)) < 1e-12);
  t.is(found.verdict, 'unclear');
  t.true(Math.abs(found.unseen! - 2 * Math.sqrt(1 / 3)) < 1e-12);
});

test('accuracy alone may be a barrier', t => {
  const losses = Array.from({ length: 400 }, () => 1);
  const line = [point(0, losses, 0.9), point(0.5, losses, 0.5), point(1, losses, 0.9)];
  t.is(barrierOf(line).verdict, 'barrier');
  t.is(barrierOf([line[0]!, point(0.5, losses, 0.895), line[2]!]).verdict, 'one basin');
});

test('what is no line is refused', t => {
  t.throws(() => barrierOf([point(0, [1]), point(0.5, [1])]), { code: 'EVALUATION_OPTION' });
  t.throws(() => barrierOf([point(0, []), point(1, [])]), { code: 'EVALUATION_EMPTY' });
  t.throws(() => barrierOf([point(0, [1]), point(1, [1, 2])]), { code: 'EVALUATION_SHAPE' });
});
