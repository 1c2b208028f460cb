// L-BFGS on functions whose minima are known.

import test from 'ava';
import { Random } from '../../src/base/index.js';
import { lbfgs, lbfgsNow, type Evaluated } from '../../src/training/index.js';

/** Rosenbrock, J. Comput. 1960: (1 − x)² + 100 (y − x²)², minimum 0 at (1, 1), from (−1.2, 1). */
const rosenbrock = (at: Float64Array): Evaluated => {
  const [x, y] = [at[0]!, at[1]!];
  return {
    value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
    gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
  };
};

/** ½ Σ d_i (x_i − c_i)² with eigenvalues from 1 to 10^3. */
const quadratic = (size: number) => {
  const random = new Random('quadratic');
  const centre = Float64Array.from({ length: size }, () => random.normal());
  const scale = centre.map((_, i) => 10 ** ((3 * i) / (size - 1)));
  const evaluate = (x: Float64Array): Evaluated => ({
    value: x.reduce((sum, value, i) => sum + 0.5 * scale[i]! * (value - centre[i]!) ** 2, 0),
    gradient: x.map((value, i) => scale[i]! * (value - centre[i]!)),
  });
  return { centre, evaluate };
};
const tight = { gradientTolerance: 1e-9, valueTolerance: 0, iterations: 500 };

test('Rosenbrock from the classic start', t => {
  const found = lbfgsNow(rosenbrock, Float64Array.of(-1.2, 1), tight);
  t.is(found.reason, 'gradient');
  t.true(Math.abs(found.x[0]! - 1) < 1e-8 && Math.abs(found.x[1]! - 1) < 1e-8);
  // scipy's L-BFGS-B takes about 40 evaluations of it.
  t.true(found.evaluations < 80, String(found.evaluations));
});

test('a quadratic of condition 10^3', t => {
  const { centre, evaluate } = quadratic(50);
  const found = lbfgsNow(evaluate, new Float64Array(50), tight);
  t.is(found.reason, 'gradient');
  found.x.forEach((value, i) => t.true(Math.abs(value - centre[i]!) < 1e-8));
});

test('awaited and at once it walks the same path, to the bit', async t => {
  const walk = (into: Float64Array[]) => (x: Float64Array) => {
    into.push(x.slice());
    return rosenbrock(x);
  };
  const [now, later]: [Float64Array[], Float64Array[]] = [[], []];
  const a = lbfgsNow(walk(now), Float64Array.of(-1.2, 1), tight);
  const follow = walk(later);
  const b = await lbfgs(x => Promise.resolve(follow(x)), Float64Array.of(-1.2, 1), tight);
  t.deepEqual(later, now);
  t.deepEqual(b, a);
});

test('it says why it ended', t => {
  const start = () => Float64Array.of(-1.2, 1);
  t.is(lbfgsNow(rosenbrock, Float64Array.of(1, 1)).reason, 'gradient');
  t.is(lbfgsNow(rosenbrock, Float64Array.of(1, 1)).evaluations, 1);
  t.is(lbfgsNow(rosenbrock, start(), { iterations: 3 }).iterations, 3);
  t.is(lbfgsNow(rosenbrock, start(), { iterations: 3 }).reason, 'iterations');
  t.is(lbfgsNow(rosenbrock, start(), { signal: AbortSignal.abort() }).reason, 'stopped');
  t.is(lbfgsNow(rosenbrock, start(), { gradientTolerance: 0, valueTolerance: 1e-3 }).reason, 'value');
  // A gradient that points the wrong way: nothing lower is found along it.
  const wrong = (x: Float64Array) => ({ value: x[0]! ** 2, gradient: Float64Array.of(-2 * x[0]!) });
  t.is(lbfgsNow(wrong, Float64Array.of(1)).reason, 'line-search');
});

test('every step of the line search satisfies the strong Wolfe conditions', t => {
  // f(x) = ½ Σ i·x_i² + cos, not convex: steps that fail the conditions would leave pairs without curvature.
  const wavy = (x: Float64Array): Evaluated => ({
    value: x.reduce((sum, value, i) => sum + 0.05 * (i + 1) * value * value + Math.cos(3 * value), 0),
    gradient: x.map((value, i) => 0.1 * (i + 1) * value - 3 * Math.sin(3 * value)),
  });
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  let x = Float64Array.from({ length: 6 }, (_, i) => 2 - i * 0.9);
  const all = lbfgsNow(wavy, x, tight);
  for (let iterations = 1; iterations <= all.iterations; iterations++) {
    const before = wavy(x);
    const next = lbfgsNow(
      wavy,
      Float64Array.from({ length: 6 }, (_, i) => 2 - i * 0.9),
      { ...tight, iterations },
    );
    const direction = next.x.map((value, i) => value - x[i]!);
    const slope = dot(before.gradient, direction);
    t.true(slope < 0);
    t.true(next.value <= before.value + 1e-4 * slope + 1e-15);
    t.true(Math.abs(dot(next.gradient, direction)) <= 0.9 * Math.abs(slope) + 1e-15);
    x = Float64Array.from(next.x);
  }
});
