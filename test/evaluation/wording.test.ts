import test from 'ava';
import {
  costText,
  counted,
  decimal,
  grouped,
  percent,
  roughPercent,
  signed,
  times,
} from '../../src/evaluation/wording.js';

test('percent: what is not all or nothing never reads as such', t => {
  t.deepEqual([0, 0.94118, 0.5, 1, null].map(percent), ['0%', '94.1%', '50.0%', '100%', '–']);
  t.deepEqual([0.9999, 0.99996, 0.9999999].map(percent), ['99.99%', '99.996%', '>99.999%']);
  t.deepEqual([0.0001, 0.00001, 0.0000001].map(percent), ['0.01%', '0.001%', '<0.001%']);
});

test('rough percent', t => {
  t.deepEqual([0, 0.001, 0.94118, 0.999, 1].map(roughPercent), ['0%', '<1%', '94%', '>99%', '100%']);
});

test('numbers and what they count', t => {
  t.deepEqual([0, 999, 1000, 1234567].map(grouped), ['0', '999', '1,000', '1,234,567']);
  t.is(counted(1, 'picture'), '1 picture');
  t.is(counted(0, 'picture'), '0 pictures');
  t.is(counted(1200, 'class', 'classes'), '1,200 classes');
  t.is(decimal(0.12345), '0.123');
  t.is(times(0.9411764, 153), 144);
});

test('differences have signs, and none where they round to nothing', t => {
  t.is(signed(0.0124), '+0.012');
  t.is(signed(-0.5), '−0.500');
  t.is(signed(-0.0004), '±0.000');
  t.is(signed(-0.012, true), '−1.2 points');
});

test('costs have three digits and their unit', t => {
  t.is(costText(12.345, 'ms'), '12.3 ms');
  t.is(costText(1234.5, 'ms'), '1235 ms');
  t.is(costText(0.05, 'ms'), '0.05 ms');
  t.is(costText(5.49e9, 'flops'), '5.49 GFLOP');
  t.is(costText(200e6, 'flops'), '200 MFLOP');
  t.is(costText(12, 'flops'), '12 FLOP');
  t.is(costText(999.9e6, 'flops'), '1 GFLOP');
});
