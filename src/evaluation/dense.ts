// Products and triangular systems of float64 matrices row by row, all by one kernel: dot products of rows, four rows by
// four at a time, so that sixteen sums stay in registers and eight numbers are read for them.

/** Columns factored and solved at once; what lies before them is one product. */
const panel = 64;

export interface ProductOptions {
  /** Only C's lower triangle (and a little beside it). */
  readonly lower?: boolean;
  /** A and B are upper triangular: row i is 0 before column i. */
  readonly upperOperands?: boolean;
  /** C + A B' or C − A B'. @default 1 */
  readonly sign?: 1 | -1;
}

/**
 * C [·, columns] += A B' with A and B of `inner` columns.
 *
 * @param columns of C: the rows of B
 */
export function addProducts(
  C: Float64Array,
  columns: number,
  A: Float64Array,
  B: Float64Array,
  inner: number,
  { lower = false, upperOperands = false, sign = 1 }: ProductOptions = {},
): void {
  const rows = A.length / inner;
  // B in blocks that stay in the cache while A passes by
  const block = Math.max(4, Math.floor(32768 / inner / 4) * 4);
  for (let j0 = 0; j0 < columns; j0 += block) {
    const j1 = Math.min(columns, j0 + block);
    for (let i0 = lower ? j0 - (j0 % 4) : 0; i0 < rows; i0 += 4) {
      const i1 = Math.min(rows, i0 + 4);
      const from = upperOperands ? Math.max(i0, j0) : 0;
      tile(C, columns, A, B, inner, i0, i1, j0, lower ? Math.min(j1, i1) : j1, from, inner, sign);
    }
  }
}

/** Replaces a symmetric positive definite matrix, of which the lower triangle is read, by L with L L' = matrix. */
export function cholesky(matrix: Float64Array, size: number): void {
  for (let j0 = 0; j0 < size; j0 += panel) {
    const j1 = Math.min(size, j0 + panel);
    for (let i0 = j0; i0 < size; i0 += 4)
      tile(matrix, size, matrix, matrix, size, i0, Math.min(size, i0 + 4), j0, j1, 0, j0, -1);
    for (let i = j0; i < size; i++)
      for (let j = j0; j < Math.min(j1, i + 1); j++) {
        let sum = matrix[i * size + j]!;
        for (let k = j0; k < j; k++) sum -= matrix[i * size + k]! * matrix[j * size + k]!;
        matrix[i * size + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * size + j]!;
      }
  }
}

/**
 * Replaces each of the rows x' of X [rows, size] by the solution of L y = x.
 *
 * @param upper X is upper triangular: row i is 0 before column i
 */
export function solveRows(
  L: Float64Array,
  size: number,
  X: Float64Array,
  rows: number,
  { upper = false }: { readonly upper?: boolean } = {},
): void {
  for (let j0 = 0; j0 < size; j0 += panel) {
    const j1 = Math.min(size, j0 + panel);
    const last = upper ? Math.min(rows, j1) : rows;
    for (let i0 = 0; i0 < last; i0 += 4) {
      const i1 = Math.min(last, i0 + 4);
      const from = upper ? Math.min(i0, j0) : 0;
      tile(X, size, X, L, size, i0, i1, j0, j1, from, j0, -1);
      for (let i = i0; i < i1; i++)
        for (let j = j0; j < j1; j++) {
          let sum = X[i * size + j]!;
          for (let k = j0; k < j; k++) sum -= X[i * size + k]! * L[j * size + k]!;
          X[i * size + j] = sum / L[j * size + j]!;
        }
    }
  }
}

/** Copies the lower triangle over the upper one. */
export function symmetric(matrix: Float64Array, size: number): Float64Array {
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) matrix[j * size + i] = matrix[i * size + j]!;
  return matrix;
}

/** C[i, j] += sign · Σ A[i, k] B[j, k] for at most four i, for j in [j0, j1) and k in [k0, k1). */
function tile(
  C: Float64Array,
  columns: number,
  A: Float64Array,
  B: Float64Array,
  inner: number,
  i0: number,
  i1: number,
  j0: number,
  j1: number,
  k0: number,
  k1: number,
  sign: number,
): void {
  if (k1 <= k0) return;
  let j = j0;
  if (i1 - i0 === 4)
    for (; j + 4 <= j1; j += 4) {
      let c00 = 0;
      let c01 = 0;
      let c02 = 0;
      let c03 = 0;
      let c10 = 0;
      let c11 = 0;
      let c12 = 0;
      let c13 = 0;
      let c20 = 0;
      let c21 = 0;
      let c22 = 0;
      let c23 = 0;
      let c30 = 0;
      let c31 = 0;
      let c32 = 0;
      let c33 = 0;
      const a = i0 * inner;
      const b = j * inner;
      for (let k = k0; k < k1; k++) {
        const a0 = A[a + k]!;
        const a1 = A[a + inner + k]!;
        const a2 = A[a + 2 * inner + k]!;
        const a3 = A[a + 3 * inner + k]!;
        const b0 = B[b + k]!;
        const b1 = B[b + inner + k]!;
        const b2 = B[b + 2 * inner + k]!;
        const b3 = B[b + 3 * inner + k]!;
        c00 += a0 * b0;
        c01 += a0 * b1;
        c02 += a0 * b2;
        c03 += a0 * b3;
        c10 += a1 * b0;
        c11 += a1 * b1;
        c12 += a1 * b2;
        c13 += a1 * b3;
        c20 += a2 * b0;
        c21 += a2 * b1;
        c22 += a2 * b2;
        c23 += a2 * b3;
        c30 += a3 * b0;
        c31 += a3 * b1;
        c32 += a3 * b2;
        c33 += a3 * b3;
      }
      const c = i0 * columns + j;
      C[c]! += sign * c00;
      C[c + 1]! += sign * c01;
      C[c + 2]! += sign * c02;
      C[c + 3]! += sign * c03;
      C[c + columns]! += sign * c10;
      C[c + columns + 1]! += sign * c11;
      C[c + columns + 2]! += sign * c12;
      C[c + columns + 3]! += sign * c13;
      C[c + 2 * columns]! += sign * c20;
      C[c + 2 * columns + 1]! += sign * c21;
      C[c + 2 * columns + 2]! += sign * c22;
      C[c + 2 * columns + 3]! += sign * c23;
      C[c + 3 * columns]! += sign * c30;
      C[c + 3 * columns + 1]! += sign * c31;
      C[c + 3 * columns + 2]! += sign * c32;
      C[c + 3 * columns + 3]! += sign * c33;
    }
  for (; j < j1; j++)
    for (let i = i0; i < i1; i++) {
      let sum = 0;
      for (let k = k0; k < k1; k++) sum += A[i * inner + k]! * B[j * inner + k]!;
      C[i * columns + j]! += sign * sum;
    }
}
