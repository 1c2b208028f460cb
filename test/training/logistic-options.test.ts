// Where the search for a strength ends.

import test from 'ava';
import { isPastValley } from '../../src/training/logistic-options.js';

const told = (...losses: number[]) => losses.map((loss, i) => ({ strength: 10 ** i, loss }));

test('a bump before the valley does not end the search for a strength', t => {
  // flowers5 on squeezenet1.1, without the second of five parts: the valley is at 0.03, far behind
  const losses = [0.79748, 0.80123, 0.79838, 1.05947, 0.8822, 0.8069, 0.7577, 0.7207, 0.7011, 0.6962];
  for (let tried = 1; tried <= losses.length; tried++) t.false(isPastValley(told(...losses.slice(0, tried))));
  t.false(isPastValley(told(...losses, 0.6992, 0.7035)));
  t.true(isPastValley(told(...losses, 0.6992, 0.7035, 0.7081)));
});

test('losses that rise from the beginning end it after three', t => {
  t.false(isPastValley(told(1, 2, 3)));
  t.true(isPastValley(told(1, 2, 3, 4)));
  t.false(isPastValley(told(1, 2, 2, 4)));
});
