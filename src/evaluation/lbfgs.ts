// Limited-memory BFGS (Nocedal & Wright, algorithms 7.4 and 7.5) with steps halved until they satisfy Armijo's rule: the
// minimum of a smooth convex function of many numbers. A pair whose curvature is not positive is left out.

export interface LbfgsOptions {
  /** Ends where no component of the gradient is larger. @default 1e-7 */
  readonly tolerance?: number;
  /** @default 500 */
  readonly iterations?: number;
}

/** Where it ended. */
export interface Minimum {
  readonly at: Float64Array;
  readonly value: number;
  readonly iterations: number;
}

/** Pairs of steps and gradient changes that are remembered. */
const memory = 10;

/**
 * Minimizes a function.
 *
 * @param f writes the gradient at `x` into `gradient` and returns the value
 * @param start is not written to
 */
export function minimize(
  f: (x: Float64Array, gradient: Float64Array) => number,
  start: Float64Array,
  { tolerance = 1e-7, iterations: most = 500 }: LbfgsOptions = {},
): Minimum {
  let x = start.slice();
  let gradient = new Float64Array(x.length);
  let value = f(x, gradient);
  const pairs: Pair[] = [];
  let iterations = 0;
  for (; iterations < most && largest(gradient) > tolerance; iterations++) {
    let direction = directionOf(gradient, pairs);
    let slope = dot(direction, gradient);
    if (!(slope < 0)) {
      pairs.length = 0;
      direction = directionOf(gradient, pairs);
      slope = dot(direction, gradient);
    }
    let size = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(-slope));
    const next = new Float64Array(x.length);
    const nextGradient = new Float64Array(x.length);
    let nextValue = Infinity;
    for (let halving = 0; halving < 50; halving++, size /= 2) {
      for (let i = 0; i < x.length; i++) next[i] = x[i]! + size * direction[i]!;
      nextValue = f(next, nextGradient);
      if (nextValue <= value + 1e-4 * size * slope) break;
    }
    if (!(nextValue < value)) break; // as low as float64 goes
    const step = next.map((v, i) => v - x[i]!);
    const change = nextGradient.map((v, i) => v - gradient[i]!);
    const curvature = dot(step, change);
    if (curvature > 1e-12 * dot(change, change)) pairs.push({ step, change, curvature });
    if (pairs.length > memory) pairs.shift();
    [x, gradient, value] = [next, nextGradient, nextValue];
  }
  return { at: x, value, iterations };
}

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly curvature: number;
}

/** −H g, H the inverse Hessian as the pairs tell it. */
function directionOf(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const q = gradient.map(v => -v);
  const alphas: number[] = [];
  for (const { step, change, curvature } of [...pairs].reverse()) {
    const alpha = dot(step, q) / curvature;
    alphas.push(alpha);
    for (let i = 0; i < q.length; i++) q[i]! -= alpha * change[i]!;
  }
  const last = pairs.at(-1);
  const scale = last ? last.curvature / dot(last.change, last.change) : 1;
  for (let i = 0; i < q.length; i++) q[i]! *= scale;
  for (const { step, change, curvature } of pairs) {
    const beta = dot(change, q) / curvature;
    const alpha = alphas.pop()!;
    for (let i = 0; i < q.length; i++) q[i]! += (alpha - beta) * step[i]!;
  }
  return q;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
function largest(a: Float64Array): number {
  let most = 0;
  for (const v of a) most = Math.max(most, Math.abs(v));
  return most;
}
