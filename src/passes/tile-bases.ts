// The bases in which a short convolution is a product element by element (Toom and Cook; Winograd's minimal filtering):
// m results of a kernel of k from n = m + k − 1 inputs by n products instead of m·k,
//   y = A·((G·w) ∘ (B·x)),   y_i = Σ_j w_j·x_{i+j}
// A polynomial of degree n − 1 is known by its values at n − 1 points and its leading coefficient. Rows of G and of A are
// powers of the points, rows of B the polynomials that vanish at all points but one.

/** Rows of numbers. */
export type Matrix = readonly (readonly number[])[];

/** The bases of F(m, k). */
export interface TileBases {
  /** [m, n] */
  readonly result: Matrix;
  /** [n, k] */
  readonly kernel: Matrix;
  /** [n, n] */
  readonly map: Matrix;
}

/**
 * Where polynomials are known. Errors grow with the spread of the powers: with these, float32 results of F(4, 3) are off
 * by 1.4e-6 of their size (0, ±1, ±2: 3e-6; the convolution itself 3e-7), F(2, 3) by 3.5e-7.
 */
const pointsOf = (count: number): readonly number[] =>
  (count <= 3 ? [0, 1, -1] : [0, 0.75, -0.75, 1.5, -1.5]).slice(0, count);

/** The longest tile whose bases lose little: six inputs along an axis. */
export const longestTile = 6;

/** Inputs along an axis of the tiles that lose nothing: as exact as the convolution itself. */
export const finestTile = 4;

/**
 * How many results a tile may have along an axis with a kernel of k: for k = 3 two or four.
 *
 * @param longest inputs that it may have
 */
export const tileSizes = (k: number, longest: number = longestTile): readonly number[] =>
  k === 1
    ? [1]
    : [finestTile, longestTile]
        .filter(n => n <= longest)
        .map(n => n - k + 1)
        .filter(m => m > 1);

/** The bases of F(m, k), m + k − 1 at most {@link longestTile}. */
export function tileBases(m: number, k: number): TileBases {
  const n = m + k - 1;
  const points = pointsOf(n - 1);
  const others = (i: number) => points.filter((_, j) => j !== i);
  const scale = (i: number) => others(i).reduce((at, point) => at * (points[i]! - point), 1);
  const powers = (count: number, point: number) => Array.from({ length: count }, (_, i) => point ** i);
  const last = (count: number) => Array.from({ length: count }, (_, i) => (i === count - 1 ? 1 : 0));
  const columns = [...points.map(point => powers(m, point)), last(m)];
  return {
    result: Array.from({ length: m }, (_, i) => columns.map(column => column[i]!)),
    kernel: [...points.map((point, i) => powers(k, point).map(power => power / scale(i))), last(k)],
    map: [...points.map((_, i) => [...vanishingAt(others(i)), 0]), vanishingAt(points)],
  };
}

/** Coefficients of Π (x − point), the constant first. */
const vanishingAt = (points: readonly number[]): readonly number[] =>
  points.reduce<readonly number[]>(
    (at, point) => Array.from({ length: at.length + 1 }, (_, i) => (at[i - 1] ?? 0) - point * (at[i] ?? 0)),
    [1],
  );

/** Along several axes at once: A ⊗ B ⊗ …, a row for each choice of rows, the last axis fastest. */
export const together = (matrices: readonly Matrix[]): Matrix =>
  matrices.reduce<Matrix>((a, b) => a.flatMap(r => b.map(s => r.flatMap(x => s.map(y => x * y)))), [[1]]);
