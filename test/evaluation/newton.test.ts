import test from 'ava';
import { newton } from '../../src/evaluation/newton.js';

test('a parabola is at its minimum after one step, however ill it is scaled', t => {
  const scales = Float64Array.of(1, 1e3, 1e-3);
  let asked = 0;
  const found = newton(
    x => {
      asked++;
      return {
        value: x.reduce((sum, one, i) => sum + (scales[i]! * (one - i) ** 2) / 2, 0),
        gradient: x.map((one, i) => scales[i]! * (one - i)),
        times: v => v.map((one, i) => scales[i]! * one),
        diagonal: scales,
      };
    },
    Float64Array.of(5, 5, 5),
    { tolerance: 1e-9 },
  );
  found.forEach((one, i) => t.true(Math.abs(one - i) < 1e-5));
  t.true(asked <= 5);
});

test('a step that overshoots is halved', t => {
  // √(1 + x²): whole Newton steps from 2 run away, x → −x³
  const found = newton(
    ([x = 0]) => ({
      value: Math.sqrt(1 + x * x),
      gradient: Float64Array.of(x / Math.sqrt(1 + x * x)),
      times: v => v.map(one => one / (1 + x * x) ** 1.5),
      diagonal: Float64Array.of(1),
    }),
    Float64Array.of(2),
  );
  t.true(Math.abs(found[0]!) < 1e-7);
});

test('steps run out', t => {
  const fourth = ([x = 0]: Float64Array) => ({
    value: x ** 4,
    gradient: Float64Array.of(4 * x ** 3),
    times: (v: Float64Array) => v.map(one => 12 * x * x * one),
    diagonal: Float64Array.of(12 * x * x),
  });
  // of x⁴ each step takes a third away
  const found = newton(fourth, Float64Array.of(1), { steps: 3, tolerance: 0 });
  t.true(Math.abs(found[0]! - (2 / 3) ** 3) < 1e-12);
});
