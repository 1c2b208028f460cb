// L-BFGS on functions whose minima are known in closed form.

import test from 'ava';
import { lbfgs, type Objective } from '../../src/training/index.js';

/** Σ 100 (x₂ᵢ₊₁ − x₂ᵢ²)² + (1 − x₂ᵢ)²: Rosenbrock's valley in pairs; the minimum is 0 at (1, …, 1). */
const rosenbrock: Objective = x => {
  let value = 0;
  const gradient = new Float64Array(x.length);
  for (let i = 0; i < x.length; i += 2) {
    const [a, b] = [x[i]!, x[i + 1]!];
    value += 100 * (b - a * a) ** 2 + (1 - a) ** 2;
    gradient[i] = -400 * a * (b - a * a) - 2 * (1 - a);
    gradient[i + 1] = 200 * (b - a * a);
  }
  return { value, gradient };
};
const exact = { gradientTolerance: 1e-9, valueTolerance: 0 };
const farthest = (a: Float64Array, b: ArrayLike<number>) => Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

test('Rosenbrock’s valley is walked to its end', async t => {
  const found = await lbfgs(rosenbrock, Float64Array.of(-1.2, 1), exact);
  t.true(farthest(found.x, [1, 1]) < 1e-8);
  t.is(found.reason, 'gradient');
  t.true(found.iterations < 60 && found.evaluations < 100, `${found.iterations}, ${found.evaluations}`);
  // Twenty valleys at once, entered at twenty places.
  const starts = Float64Array.from({ length: 40 }, (_, i) => (i % 2 ? 1 : -1.2 + i / 40));
  const many = await lbfgs(rosenbrock, starts, { ...exact, iterations: 1000 });
  t.true(farthest(many.x, new Float64Array(40).fill(1)) < 1e-7);
});

test('a quadratic of condition 1e4 is solved', async t => {
  // f = (x − c)ᵀ H D H (x − c) / 2 with D from 1 to 1e4 and H = I − 2vvᵀ a reflection: the minimum is c.
  const n = 20;
  const d = Float64Array.from({ length: n }, (_, i) => 10 ** ((4 * i) / (n - 1)));
  const c = Float64Array.from({ length: n }, (_, i) => Math.cos(i));
  const v = new Float64Array(n).fill(1 / Math.sqrt(n));
  const reflect = (x: Float64Array) => {
    const along = x.reduce((sum, value, i) => sum + value * v[i]!, 0);
    return x.map((value, i) => value - 2 * along * v[i]!);
  };
  const found = await lbfgs(
    x => {
      const away = x.map((value, i) => value - c[i]!);
      const gradient = reflect(reflect(away).map((value, i) => value * d[i]!));
      return { value: away.reduce((sum, value, i) => sum + value * gradient[i]!, 0) / 2, gradient };
    },
    new Float64Array(n),
    { ...exact, iterations: 1000 },
  );
  t.true(farthest(found.x, c) < 1e-8);
});

test('the line search finds its way on Moré and Thuente’s first function and off a logarithm’s border', async t => {
  // −x / (x² + 2) falls to −√2/4 at √2. (Moré and Thuente 1994, (5.1) with β = 2.)
  const first = await lbfgs(([x = 0]) => {
    const q = x * x + 2;
    return { value: -x / q, gradient: Float64Array.of((x * x - 2) / (q * q)) };
  }, Float64Array.of(0));
  t.true(Math.abs(first.x[0]! - Math.SQRT2) < 1e-3);
  t.true(Math.abs(first.value + Math.SQRT2 / 4) < 1e-9);
  // x − ln x is not a number below 0; its minimum is 1 at 1.
  for (const start of [1e-3, 50]) {
    const found = await lbfgs(
      ([x = 0]) => ({ value: x - Math.log(x), gradient: Float64Array.of(1 - 1 / x) }),
      Float64Array.of(start),
      exact,
    );
    t.true(Math.abs(found.x[0]! - 1) < 1e-6, `from ${start}: ${found.x[0]}, ${found.reason}`);
  }
});

test('functions that are computed elsewhere give the same; the start is left alone', async t => {
  const start = Float64Array.of(-1.2, 1);
  const here = await lbfgs(rosenbrock, start);
  const elsewhere = await lbfgs(async x => Promise.resolve(rosenbrock(x)), start);
  t.deepEqual(elsewhere, here);
  t.deepEqual(start, Float64Array.of(-1.2, 1));
});

test('it says why it ended', async t => {
  const start = Float64Array.of(-1.2, 1);
  const there = await lbfgs(rosenbrock, Float64Array.of(1, 1));
  t.like(there, { reason: 'gradient', iterations: 0, evaluations: 1 });
  t.like(await lbfgs(rosenbrock, start, { iterations: 3 }), { reason: 'iterations', iterations: 3 });
  t.is((await lbfgs(rosenbrock, start, { valueTolerance: 1e9 })).reason, 'value');
  t.like(await lbfgs(rosenbrock, start, { signal: AbortSignal.abort() }), { reason: 'stopped', x: start });
  // A gradient that points the wrong way: nothing is below in that direction.
  const wrong = await lbfgs(x => ({ value: x[0]! ** 2, gradient: Float64Array.of(-2 * x[0]!) }), Float64Array.of(3));
  t.like(wrong, { reason: 'line-search', x: Float64Array.of(3), value: 9 });
});
