// Schedules against the formulas of PyTorch, written out as its sources have them.

import test from 'ava';
import { constant, cosine, oneCycle, polyak, warmUp } from '../../src/training/index.js';

const near = (a: number, b: number) => Math.abs(a - b) < 1e-12;

test('constant is the peak, always', t => {
  t.is(constant()(0, 10), 1);
  t.is(constant()(9, 10), 1);
});

test('cosine is CosineAnnealingLR with T_max = total', t => {
  // eta_min + (base_lr - eta_min) * (1 + cos(pi * last_epoch / T_max)) / 2
  for (const last of [0, 0.1])
    for (const total of [1, 7, 100])
      for (let step = 0; step < total; step++)
        t.true(near(cosine({ last })(step, total), last + ((1 - last) * (1 + Math.cos((Math.PI * step) / total))) / 2));
});

test('one cycle is OneCycleLR', t => {
  // torch/optim/lr_scheduler.py: initial_lr = max_lr / div_factor, min_lr = initial_lr / final_div_factor; the phases
  // end at pct_start * total_steps - 1 and total_steps - 1, each _annealing_cos(start, end, pct).
  const cos = (start: number, end: number, pct: number) => end + ((start - end) / 2) * (Math.cos(Math.PI * pct) + 1);
  const torch = (step: number, total: number, pctStart: number, div: number, finalDiv: number) => {
    const initial = 1 / div;
    const phases = [
      { end: pctStart * total - 1, from: initial, to: 1 },
      { end: total - 1, from: 1, to: initial / finalDiv },
    ];
    let start = 0;
    for (const [i, { end, from, to }] of phases.entries()) {
      if (step <= end || i === 1) return cos(from, to, (step - start) / (end - start));
      start = end;
    }
    throw new Error('no phase');
  };
  for (const total of [10, 62, 1000])
    for (let step = 0; step < total; step++) {
      t.true(near(oneCycle({ rising: 0.3, last: 1 / 25e4 })(step, total), torch(step, total, 0.3, 25, 1e4)));
      // fastai: pct_start .25, div 25, and the last rate is the peak / 1e5.
      t.true(near(oneCycle()(step, total), torch(step, total, 0.25, 25, 1e5 / 25)));
    }
});

test('one cycle of a few steps stays between its ends', t => {
  for (let total = 1; total < 9; total++)
    for (let step = 0; step < total; step++) {
      const rate = oneCycle()(step, total);
      t.true(rate >= 1e-5 && rate <= 1, `${step} of ${total}: ${rate}`);
    }
  t.is(oneCycle()(0, 1), 1);
});

test('warm-up is LinearLR, then the schedule over what is left', t => {
  // LinearLR(start_factor = 1 / 6, total_iters = 5): start + (1 - start) * i / 5
  const schedule = warmUp(cosine(), 5);
  for (let i = 0; i < 5; i++) t.true(near(schedule(i, 20), 1 / 6 + ((1 - 1 / 6) * i) / 5));
  for (let i = 5; i < 20; i++) t.true(near(schedule(i, 20), cosine()(i - 5, 15)));
  t.is(warmUp(constant(), 0)(0, 3), 1);
});

test('the average starts as a running mean and forgets by half every half-life', t => {
  const weightOf = polyak(2, 10);
  const values = Array.from({ length: 200 }, (_, i) => Math.sin(i) + i / 50);
  let average = 99;
  const averages = values.map((value, i) => (average += weightOf(i + 1) * (value - average)));
  // Running mean while 1 / t is above 1 - 2^(-1/20) = 0.0341: 29 steps.
  for (const t0 of [1, 2, 17, 29]) t.true(near(averages[t0 - 1]!, values.slice(0, t0).reduce((a, b) => a + b) / t0));
  // 20 steps later the old average weighs half.
  const kept = Array.from({ length: 20 }, (_, i) => 1 - weightOf(101 + i)).reduce((a, b) => a * b);
  t.true(near(kept, 0.5));
});

test('options out of range are refused', t => {
  t.throws(() => cosine({ last: -1 }), { code: 'TRAINING_OPTION' });
  t.throws(() => oneCycle({ rising: 2 }), { code: 'TRAINING_OPTION', message: /rising is 2/ });
  t.throws(() => oneCycle({ first: NaN }), { code: 'TRAINING_OPTION' });
  t.throws(() => warmUp(constant(), 0.5), { code: 'TRAINING_OPTION' });
  t.throws(() => polyak(0, 10), { code: 'TRAINING_OPTION' });
});
