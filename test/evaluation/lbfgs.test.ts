import test from 'ava';
import { minimize } from '../../src/evaluation/lbfgs.js';

test('a badly scaled quadratic is minimized to its gradient’s tolerance', t => {
  // Σ 10^(i/2) (x_i − i)² / 2, conditions of 10^5
  const f = (x: Float64Array, gradient: Float64Array): number =>
    x.reduce((sum, v, i) => {
      gradient[i] = 10 ** (i / 2) * (v - i);
      return sum + (10 ** (i / 2) * (v - i) ** 2) / 2;
    }, 0);
  const { at, iterations } = minimize(f, new Float64Array(11), { tolerance: 1e-8 });
  at.forEach((v, i) => t.true(Math.abs(v - i) < 1e-7));
  t.true(iterations < 400); // SciPy’s L-BFGS-B takes 221
});

test('Rosenbrock’s valley is walked to its end, at 1, 1', t => {
  const f = (x: Float64Array, gradient: Float64Array): number => {
    const [a, b] = [x[0]!, x[1]!];
    gradient[0] = -400 * a * (b - a * a) - 2 * (1 - a);
    gradient[1] = 200 * (b - a * a);
    return 100 * (b - a * a) ** 2 + (1 - a) ** 2;
  };
  const start = Float64Array.of(-1.2, 1);
  const { at } = minimize(f, start);
  t.true(Math.abs(at[0]! - 1) < 1e-5 && Math.abs(at[1]! - 1) < 1e-5);
  t.deepEqual(start, Float64Array.of(-1.2, 1));
});

test('it ends where it may, and at once at a minimum', t => {
  const f = (x: Float64Array, gradient: Float64Array): number => {
    gradient[0] = 2 * x[0]!;
    return x[0]! ** 2;
  };
  t.is(minimize(f, Float64Array.of(0)).iterations, 0);
  t.is(minimize(f, Float64Array.of(100), { iterations: 1, tolerance: 1e-30 }).iterations, 1);
});
