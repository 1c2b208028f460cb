// Schedules against the formulas of PyTorch, written out as its sources have them.

import test from 'ava';
import {
  averagingPhase,
  averagingSchedule,
  constant,
  cosine,
  cosineRestarts,
  cycleEnds,
  oneCycle,
  polyak,
  warmUp,
} from '../../src/training/index.js';

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

test('cycles of equal length are those of snapshot ensembles', t => {
  // Huang et al. 2017, equation 2: α(t) = α₀ / 2 · (cos(π · mod(t − 1, ⌈T / M⌉) / ⌈T / M⌉) + 1), t from 1 on
  for (const [M, T] of [
    [1, 8],
    [5, 200],
    [6, 60],
  ] as const)
    for (const epochs of [undefined, T / 2]) {
      if (epochs !== undefined && epochs % M !== 0) continue;
      const schedule = cosineRestarts({ cycles: M, ...(epochs === undefined ? {} : { epochs }) });
      const length = Math.ceil(T / M);
      for (let at = 1; at <= T; at++)
        t.true(near(schedule(at - 1, T), (Math.cos((Math.PI * ((at - 1) % length)) / length) + 1) / 2));
    }
});

test('cycles that grow are CosineAnnealingWarmRestarts', t => {
  // torch: eta_min + (base_lr − eta_min) · (1 + cos(π · T_cur / T_i)) / 2, restarted at T_cur = T_i, then T_i · T_mult
  for (const multiplier of [1, 2, 3]) {
    const first = 4;
    const lengths = [0, 1, 2].map(i => first * multiplier ** i);
    const total = lengths.reduce((a, b) => a + b);
    const schedule = cosineRestarts({ cycles: 3, multiplier, last: 0.1 });
    let [current, length] = [0, first];
    for (let step = 0; step < total; step++) {
      t.true(near(schedule(step, total), 0.1 + (0.9 * (1 + Math.cos((Math.PI * current) / length))) / 2));
      if (++current === length) [current, length] = [0, length * multiplier];
    }
  }
});

test('cycles end where epochs end, whatever the multiplier', t => {
  t.deepEqual(cycleEnds(40, { cycles: 5 }), [8, 16, 24, 32, 40]);
  t.deepEqual(cycleEnds(7, { cycles: 3, multiplier: 2 }), [1, 3, 7]);
  t.deepEqual(cycleEnds(7, { cycles: 3, multiplier: 0.5 }), [4, 6, 7]);
  // the first is ⌈T / M⌉ long; the last is not the rest of two that the paper's formula leaves
  t.deepEqual(cycleEnds(10, { cycles: 3 }), [4, 7, 10]);
  // every cycle has an epoch, however short it would be
  t.deepEqual(cycleEnds(6, { cycles: 5, multiplier: 10 }), [1, 2, 3, 4, 6]);
  t.deepEqual(cycleEnds(6, { cycles: 5, multiplier: 1e-9 }), [2, 3, 4, 5, 6]);
  t.deepEqual(cycleEnds(4, { cycles: 4, multiplier: 1e200 }), [1, 2, 3, 4]);
  // a step of each epoch: up at the beginning of a cycle, and down until it ends
  const perEpoch = 7;
  const schedule = cosineRestarts({ cycles: 3, multiplier: 1.5, epochs: 10 });
  const starts = [0, ...cycleEnds(10, { cycles: 3, multiplier: 1.5 })].map(end => end * perEpoch);
  for (let step = 0; step < 10 * perEpoch; step++) {
    const rate = schedule(step, 10 * perEpoch);
    if (starts.includes(step)) t.is(rate, 1);
    else t.true(rate < schedule(step - 1, 10 * perEpoch));
  }
});

test('a cycle of one step, and a rise before the first', t => {
  const schedule = cosineRestarts({ cycles: 4, epochs: 4 });
  for (let step = 0; step < 4; step++) t.is(schedule(step, 4), 1);
  const rising = cosineRestarts({ cycles: 2, epochs: 4, rising: 5 });
  for (let step = 0; step < 20; step++) t.is(rising(step, 40), warmUp(cosine(), 5)(step, 20));
  for (let step = 20; step < 40; step++) t.is(rising(step, 40), cosine()(step - 20, 20));
});

test('weights are averaged after each epoch of the phase, or at the ends of its cycles', t => {
  t.deepEqual(averagingPhase({ from: 0.75, epochs: 10 }), { start: 7, averaged: [8, 9, 10] });
  t.deepEqual(averagingPhase({ from: 0.7, epochs: 10 }), { start: 7, averaged: [8, 9, 10] });
  t.deepEqual(averagingPhase({ from: 161 / 200, epochs: 200 }).averaged.length, 39);
  // seven epochs are two cycles of three, and they end with the run
  t.deepEqual(averagingPhase({ from: 0.3, epochs: 10, cycle: 3 }), { start: 4, averaged: [7, 10] });
});

test('the rate of averaging is SWALR, or falls in cycles', t => {
  // torch.optim.swa_utils.SWALR, anneal_strategy cos: α = (1 − cos(π · min(1, t / anneal_epochs))) / 2,
  // lr = swa_lr · α + lr_before · (1 − α)
  const before = cosine();
  const [perEpoch, epochs, start] = [5, 12, 8];
  const total = perEpoch * epochs;
  for (const anneal of [0, 1, 3]) {
    const schedule = averagingSchedule(before, { start, epochs, share: 0.4, anneal });
    for (let step = 0; step < total; step++) {
      const done = (step - start * perEpoch) / perEpoch;
      const alpha = anneal === 0 ? 1 : (1 - Math.cos(Math.PI * Math.min(1, done / anneal))) / 2;
      const wanted = done < 0 ? before(step, total) : 0.4 * alpha + before(start * perEpoch, total) * (1 - alpha);
      t.true(near(schedule(step, total), wanted));
    }
  }
  // Izmailov et al. 2018, section 3.2: α(i) = (1 − t(i)) α₁ + t(i) α₂, t(i) = (mod(i − 1, c) + 1) / c
  const cyclic = averagingSchedule(before, { start, epochs, share: 0.5, cycle: 2 });
  const c = 2 * perEpoch;
  for (let i = 1; i <= 4 * perEpoch; i++) {
    const share = (((i - 1) % c) + 1) / c;
    t.true(near(cyclic(start * perEpoch + i - 1, total), (1 - share) * 0.5 + share * 0.005));
  }
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
  const refused = (wrong: () => unknown, message: RegExp) => t.throws(wrong, { code: 'TRAINING_OPTION', message });
  for (const cycles of [0, 1.5, 11, NaN]) refused(() => cycleEnds(10, { cycles }), /cycles is/);
  for (const multiplier of [0, -1, Infinity]) refused(() => cycleEnds(10, { cycles: 2, multiplier }), /multiplier is/);
  refused(() => cosineRestarts({ cycles: 5 })(0, 4), /the 4 epochs/);
  for (const from of [0, 1, -1, NaN]) refused(() => averagingPhase({ from, epochs: 10 }), /swa is/);
  refused(() => averagingPhase({ from: 0.9, epochs: 10 }), /two of the 10 epochs come after it/);
  refused(() => averagingPhase({ from: 0.5, epochs: 10, cycle: 3 }), /end a cycle after it/);
  refused(() => averagingPhase({ from: 0.5, epochs: 10, cycle: 0.5 }), /swaCycle is/);
  refused(() => averagingSchedule(constant(), { start: 1, epochs: 4, share: 2 }), /swaRate is 2/);
});
