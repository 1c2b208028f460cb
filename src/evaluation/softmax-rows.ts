// Softmax of many rows, in place: 10⁹ exponentials are what choosing among 1000 stored members costs, so that they are
// read from tables. With t = max − z = i / 1024 + s, 0 ≤ s < 1/1024:
//   e^−t = e^−⌊i / 1024⌋ · e^−(i mod 1024)/1024 · (1 − s + s²/2 − s³/6)
// wrong by at most s⁴/24 < 4e-14 of itself, far below float32; less than half of Math.exp's time. From t = 128 on it is 0.

const wholes = Float64Array.from({ length: 128 }, (_, i) => Math.exp(-i));
const parts = Float64Array.from({ length: 1024 }, (_, i) => Math.exp(-i / 1024));

/**
 * Writes the softmax of each row over the row. NaN, +∞, or nothing but −∞ in a row make the row NaN.
 *
 * @param z [rows, classes]
 * @returns `z`
 */
export function softmaxRows(z: Float32Array, classes: number): Float32Array {
  for (let start = 0; start < z.length; start += classes) {
    const end = start + classes;
    let most = -Infinity;
    for (let i = start; i < end; i++) if (z[i]! > most) most = z[i]!;
    let sum = 0;
    for (let i = start; i < end; i++) {
      const t = (most - z[i]!) * 1024;
      let e = 0;
      // so that NaN passes, and stays NaN
      if (!(t >= 131072)) {
        const at = t | 0;
        const s = (at - t) / 1024; // negative
        e = wholes[at >> 10]! * parts[at & 1023]! * (1 + s * (1 + s * (1 / 2 + s / 6)));
      }
      z[i] = e;
      sum += e;
    }
    const share = 1 / sum;
    for (let i = start; i < end; i++) z[i]! *= share;
  }
  return z;
}
