// Newton's method for smooth convex functions of a few thousand numbers: the step H d = −g by conjugate gradients, which
// need products with H and its diagonal only, then halved until the value falls enough (Armijo). Ends where the largest element of the
// gradient is below the tolerance. Source: Nocedal and Wright, Numerical Optimization, 2nd ed., algorithm 7.1.

/** A function at a point: its value, gradient, and products of its second derivative with vectors. */
export interface ConvexPoint {
  readonly value: number;
  readonly gradient: Float64Array;
  readonly times: (vector: Float64Array) => Float64Array;
  /** The second derivative's diagonal, above 0, by which conjugate gradients are scaled. */
  readonly diagonal: Float64Array;
}

export interface NewtonOptions {
  /** Ends where no element of the gradient is larger. @default 1e-8 */
  readonly tolerance?: number;
  /** Most steps. @default 100 */
  readonly steps?: number;
}

/** Minimises a strictly convex function from `start`; where steps run out, the best point found. */
export function newton(
  at: (x: Float64Array) => ConvexPoint,
  start: Float64Array,
  { tolerance = 1e-8, steps = 100 }: NewtonOptions = {},
): Float64Array {
  let x = Float64Array.from(start);
  let here = at(x);
  for (let step = 0; step < steps && largest(here.gradient) > tolerance; step++) {
    const direction = solve(here);
    const slope = dot(direction, here.gradient);
    // what rounding may add to a value that does not change any more
    const noise = 1e-15 * Math.max(1, Math.abs(here.value));
    let next: ConvexPoint | undefined;
    let moved = x;
    for (let t = 1; t > 1e-12 && !next; t /= 2) {
      moved = x.map((value, i) => value + t * direction[i]!);
      const tried = at(moved);
      if (tried.value <= here.value + 1e-4 * t * slope + noise) next = tried;
    }
    if (!next) break;
    x = moved;
    here = next;
  }
  return x;
}

/** d with H d = −g, as exactly as the gradient is small. */
function solve({ gradient, times, diagonal }: ConvexPoint): Float64Array {
  const size = gradient.length;
  const d = new Float64Array(size);
  const residual = gradient.map(g => -g);
  const scaled = residual.map((r, j) => r / diagonal[j]!);
  const p = scaled.slice();
  let square = dot(residual, scaled);
  const enough = square * Math.min(0.01, largest(gradient));
  for (let i = 0; i < 2 * size && square > enough; i++) {
    const h = times(p);
    const curvature = dot(p, h);
    if (!(curvature > 0)) break;
    const alpha = square / curvature;
    for (let j = 0; j < size; j++) {
      d[j]! += alpha * p[j]!;
      residual[j]! -= alpha * h[j]!;
      scaled[j] = residual[j]! / diagonal[j]!;
    }
    const after = dot(residual, scaled);
    const beta = after / square;
    for (let j = 0; j < size; j++) p[j] = scaled[j]! + beta * p[j]!;
    square = after;
  }
  return d;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
const largest = (a: Float64Array): number => a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
