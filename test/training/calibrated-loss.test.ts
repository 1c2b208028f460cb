import test from 'ava';
import { tensor } from '../../src/base/index.js';
import { calibratedLoss } from '../../src/training/calibrated-loss.js';

const logits = Float32Array.of(2, 0, -1, 0.5, 0.3, 1, -2, 0);
const labels = tensor('int64', [4], [0, 1, 0, 1]);

test('the scale of logits does not matter', t => {
  const loss = calibratedLoss(logits, labels);
  for (const scale of [0.01, 0.3, 7])
    t.true(
      Math.abs(
        calibratedLoss(
          logits.map(z => z * scale),
          labels,
        ) - loss,
      ) < 1e-5,
    );
});

test('it is the least over a fine grid of temperatures', t => {
  const at = (beta: number) => {
    let sum = 0;
    for (const [i, label] of [0, 1, 0, 1].entries()) {
      const margin = beta * (logits[2 * i + label]! - logits[2 * i + 1 - label]!);
      sum += Math.log1p(Math.exp(-margin)) / 4;
    }
    return sum;
  };
  const grid = Array.from({ length: 20000 }, (_, i) => at(Math.exp(-6 + i / 2000)));
  t.true(Math.abs(calibratedLoss(logits, labels) - Math.min(...grid)) < 1e-6);
});

test('several labels: each on its own', t => {
  const targets = tensor('float32', [4, 2], [1, 0, 0, 1, 1, 0, 0, 0]);
  const grid = Array.from({ length: 20000 }, (_, i) => {
    const beta = Math.exp(-6 + i / 2000);
    const held = [1, 0, 0, 1, 1, 0, 0, 0];
    return logits.reduce((sum, z, k) => sum + Math.log1p(Math.exp(held[k] ? -beta * z : beta * z)), 0) / 4;
  });
  t.true(Math.abs(calibratedLoss(logits, targets) - Math.min(...grid)) < 1e-6);
});
