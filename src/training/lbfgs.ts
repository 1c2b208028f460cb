// L-BFGS with a strong-Wolfe line search: full-batch minimisation of a smooth function. The method asks for values at
// points and is told them, so that the function may be computed at once (lbfgsNow) or by a graph on a runtime (lbfgs).
// Vectors are float64 here, whatever the function computes in.
// Source: Nocedal and Wright, Numerical Optimization, 2nd ed.: two-loop recursion 7.4, line search 3.5, zoom 3.6.

/** A function and its gradient at a point. */
export interface Evaluated {
  readonly value: number;
  readonly gradient: Float64Array;
}
export type Objective = (x: Float64Array) => Evaluated | Promise<Evaluated>;

export interface LbfgsOptions {
  /** Pairs remembered. @default 10 */
  readonly memory?: number;
  /** @default 200 */
  readonly iterations?: number;
  /** Stops when the largest element of the gradient is below. @default 1e-5 */
  readonly gradientTolerance?: number;
  /** Stops when the value falls by less than this share of it, twice in a row. @default 1e-9 */
  readonly valueTolerance?: number;
  /**
   * Relative error of values. Where two differ by less, slopes tell which is lower: 2^-23 for a graph that computes in
   * float32. @default 2^-50
   */
  readonly noise?: number;
  readonly signal?: AbortSignal;
}

/** Where a minimisation ended. */
export interface Minimum extends Evaluated {
  readonly x: Float64Array;
  readonly iterations: number;
  readonly evaluations: number;
  readonly reason: 'gradient' | 'value' | 'iterations' | 'line-search' | 'stopped';
}

const sufficientDecrease = 1e-4;
const curvature = 0.9;

/**
 * Minimises a function from a starting point.
 *
 * @example
 * const { x } = await lbfgs(x => ({ value: x[0]! ** 2, gradient: Float64Array.of(2 * x[0]!) }), Float64Array.of(3));
 */
export async function lbfgs(objective: Objective, start: Float64Array, options: LbfgsOptions = {}): Promise<Minimum> {
  const method = minimise(start, options);
  for (let at = method.next(); ;) {
    if (at.done) return at.value;
    at = method.next(await objective(at.value));
  }
}

/** The same for a function that is computed at once. */
export function lbfgsNow(
  objective: (x: Float64Array) => Evaluated,
  start: Float64Array,
  options: LbfgsOptions = {},
): Minimum {
  const method = minimise(start, options);
  for (let at = method.next(); ;) {
    if (at.done) return at.value;
    at = method.next(objective(at.value));
  }
}

/** Asks for points by yielding them. */
type Asking<T> = Generator<Float64Array, T, Evaluated>;

function* minimise(start: Float64Array, options: LbfgsOptions): Asking<Minimum> {
  const {
    memory = 10,
    iterations = 200,
    gradientTolerance = 1e-5,
    valueTolerance = 1e-9,
    noise = 2 ** -50,
    signal,
  } = options;
  let evaluations = 0;
  function* evaluate(at: Float64Array): Asking<Evaluated> {
    evaluations++;
    return yield at;
  }
  let x: Float64Array = Float64Array.from(start);
  let here = yield* evaluate(x);
  const pairs: Pair[] = [];
  let small = 0;
  for (let iteration = 0; ; iteration++) {
    const { value, gradient } = here;
    const end = (reason: Minimum['reason']): Minimum => ({
      x,
      value,
      gradient,
      iterations: iteration,
      evaluations,
      reason,
    });
    if (largest(gradient) < gradientTolerance) return end('gradient');
    if (small >= 2) return end('value');
    if (iteration >= iterations) return end('iterations');
    if (signal?.aborted) return end('stopped');
    let direction = descent(gradient, pairs);
    let slope = dot(direction, gradient);
    if (slope >= 0) {
      pairs.length = 0;
      direction = gradient.map(g => -g);
      slope = dot(direction, gradient);
    }
    const first = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
    const found: Trial | undefined = yield* search(evaluate, x, here, direction, slope, first, noise);
    if (!found) {
      if (pairs.length === 0) return end('line-search');
      // Once more along the gradient itself.
      pairs.length = 0;
      continue;
    }
    const s = found.x.map((value, i) => value - x[i]!);
    const y = found.gradient.map((value, i) => value - gradient[i]!);
    const sy = dot(s, y);
    if (sy > 1e-12 * dot(y, y)) {
      pairs.push({ s, y, rho: 1 / sy });
      if (pairs.length > memory) pairs.shift();
    }
    x = found.x;
    here = found;
    small = value - found.value <= valueTolerance * Math.max(1, Math.abs(value)) ? small + 1 : 0;
  }
}

/** A step and the change of the gradient over it. */
interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  /** 1 / s·y */
  readonly rho: number;
}

/** The two-loop recursion: −H·g with H scaled by the newest pair. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const q = gradient.map(g => -g);
  const alphas: number[] = [];
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { s, y, rho } = pairs[i]!;
    const alpha = rho * dot(s, q);
    alphas[i] = alpha;
    add(q, y, -alpha);
  }
  const newest = pairs.at(-1);
  if (newest) {
    const scale = dot(newest.s, newest.y) / dot(newest.y, newest.y);
    for (let i = 0; i < q.length; i++) q[i]! *= scale;
  }
  pairs.forEach(({ s, y, rho }, i) => add(q, s, alphas[i]! - rho * dot(y, q)));
  return q;
}

interface Trial extends Evaluated {
  readonly t: number;
  readonly x: Float64Array;
  readonly slope: number;
}

/** Brackets a step that satisfies the strong Wolfe conditions, then zooms in. */
function* search(
  evaluate: (x: Float64Array) => Asking<Evaluated>,
  x: Float64Array,
  here: Evaluated,
  direction: Float64Array,
  slope: number,
  first: number,
  noise: number,
): Asking<Trial | undefined> {
  function* at(t: number): Asking<Trial> {
    const point = x.map((value, i) => value + t * direction[i]!);
    const { value, gradient } = yield* evaluate(point);
    return { t, x: point, value, gradient, slope: dot(gradient, direction) };
  }
  // The second condition is the first one's for a parabola (Hager and Zhang 2005, "approximate Wolfe conditions").
  const isLow = ({ t, value, slope: there }: Trial) =>
    value <= here.value + sufficientDecrease * t * slope ||
    (value <= here.value + noise * Math.abs(here.value) && there <= (2 * sufficientDecrease - 1) * slope);
  const isFlat = (trial: Trial) => Math.abs(trial.slope) <= -curvature * slope;
  let before: Trial = { t: 0, x, value: here.value, gradient: here.gradient, slope };
  let t = first;
  for (let i = 0; i < 20; i++) {
    const trial = yield* at(t);
    if (isLow(trial) && isFlat(trial)) return trial;
    if (!isLow(trial) || (i > 0 && trial.value >= before.value)) return yield* zoom(before, trial);
    if (trial.slope >= 0) return yield* zoom(trial, before);
    before = trial;
    t *= 2;
  }
  return before.t > 0 ? before : undefined;

  function* zoom(low: Trial, high: Trial): Asking<Trial | undefined> {
    for (let i = 0; i < 25; i++) {
      const middle = yield* at(cubic(low, high));
      if (isLow(middle) && isFlat(middle)) return middle;
      if (!isLow(middle) || middle.value >= low.value) high = middle;
      else {
        if (middle.slope * (high.t - low.t) >= 0) high = low;
        low = middle;
      }
      if (Math.abs(high.t - low.t) * largest(direction) < 1e-12) break;
    }
    return low.t > 0 && low.value < here.value ? low : undefined;
  }
}

/** The minimum of the cubic through two values and slopes, kept off the ends of the bracket. */
function cubic(a: Trial, b: Trial): number {
  const d = a.slope + b.slope - (3 * (a.value - b.value)) / (a.t - b.t);
  const root = d * d - a.slope * b.slope;
  const [low, high] = a.t < b.t ? [a.t, b.t] : [b.t, a.t];
  const middle = (low + high) / 2;
  if (!(root >= 0)) return middle;
  const sign = b.t >= a.t ? 1 : -1;
  const r = sign * Math.sqrt(root);
  const t = b.t - ((b.t - a.t) * (b.slope + r - d)) / (b.slope - a.slope + 2 * r);
  const margin = 0.1 * (high - low);
  return Number.isFinite(t) ? Math.min(high - margin, Math.max(low + margin, t)) : middle;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
function add(to: Float64Array, other: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * other[i]!;
}
function largest(a: Float64Array): number {
  let most = 0;
  for (const value of a) most = Math.max(most, Math.abs(value));
  return most;
}
