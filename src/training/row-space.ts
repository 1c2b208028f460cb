// Fewer rows than columns: coordinates in the space that the rows span. With G = X·Xᵀ = Z·Zᵀ (pivoted Cholesky, Z [n, r])
// there is an M of orthonormal columns with Z = X·M. A penalised linear fit on X has its weights in the span of the rows,
// so that fitting V on Z with the same penalty gives the same logits, and W = V·Mᵀ. Of the pivot rows P,
//   Z_P = L (lower triangular), X_P = L·Mᵀ   ⟹   W = (V·L⁻¹)·X_P
// Rows that depend on others, such as pictures given twice, are no pivots.

/** Coordinates of rows, and the way back. */
export interface RowSpace {
  /** Z [count, rank] */
  readonly coordinates: Float64Array;
  readonly rank: number;
  /** Weights [classes, rank] over Z as weights [classes, width] over X. */
  back(weights: Float64Array, classes: number): Float64Array;
}

/** What is left of a row's square, as a share of the largest, below which it counts as a sum of others. */
const tolerance = 1e-10;

/**
 * The space that the rows of a matrix span.
 *
 * @param matrix X [count, width]
 */
export function rowSpace(matrix: Float64Array, count: number, width: number): RowSpace {
  const gram = gramOf(matrix, count, width);
  const factor = new Float64Array(count * count); // Z before its columns are counted, [count, count]
  const left = Float64Array.from({ length: count }, (_, i) => gram[i * count + i]!);
  const smallest = tolerance * Math.max(...left);
  const pivots: number[] = [];
  for (let r = 0; r < count; r++) {
    let pivot = -1;
    for (let i = 0; i < count; i++) if (left[i]! > (pivot < 0 ? smallest : left[pivot]!)) pivot = i;
    if (pivot < 0) break;
    const root = Math.sqrt(left[pivot]!);
    for (let i = 0; i < count; i++) {
      if (left[i]! <= 0 && i !== pivot) continue;
      let value = gram[i * count + pivot]!;
      for (let j = 0; j < r; j++) value -= factor[i * count + j]! * factor[pivot * count + j]!;
      value = i === pivot ? root : value / root;
      factor[i * count + r] = value;
      left[i]! -= value * value;
    }
    for (const done of [...pivots, pivot]) left[done] = 0;
    pivots.push(pivot);
  }
  const rank = pivots.length;
  const coordinates = new Float64Array(count * rank);
  for (let i = 0; i < count; i++) coordinates.set(factor.subarray(i * count, i * count + rank), i * rank);
  return {
    coordinates,
    rank,
    back(weights, classes) {
      const over = new Float64Array(classes * width);
      const shares = new Float64Array(rank);
      for (let k = 0; k < classes; k++) {
        // shares · L = weights, from the last on.
        for (let j = rank - 1; j >= 0; j--) {
          let value = weights[k * rank + j]!;
          for (let i = j + 1; i < rank; i++) value -= shares[i]! * coordinates[pivots[i]! * rank + j]!;
          shares[j] = value / coordinates[pivots[j]! * rank + j]!;
        }
        for (let i = 0; i < rank; i++) {
          const share = shares[i]!;
          const row = pivots[i]! * width;
          for (let j = 0; j < width; j++) over[k * width + j]! += share * matrix[row + j]!;
        }
      }
      return over;
    },
  };
}

/** X·Xᵀ, four columns at a time. */
function gramOf(matrix: Float64Array, count: number, width: number): Float64Array {
  const gram = new Float64Array(count * count);
  for (let from = 0; from < count; from += 4) {
    const at = (r: number) => Math.min(from + r, count - 1) * width;
    const [a, b, c, d] = [at(0), at(1), at(2), at(3)];
    for (let i = from; i < count; i++) {
      const row = i * width;
      let [ga, gb, gc, gd] = [0, 0, 0, 0];
      for (let j = 0; j < width; j++) {
        const x = matrix[row + j]!;
        ga += x * matrix[a + j]!;
        gb += x * matrix[b + j]!;
        gc += x * matrix[c + j]!;
        gd += x * matrix[d + j]!;
      }
      [ga, gb, gc, gd].forEach((value, r) => {
        if (from + r >= count) return;
        gram[i * count + from + r] = value;
        gram[(from + r) * count + i] = value;
      });
    }
  }
  return gram;
}
