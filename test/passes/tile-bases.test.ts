// The bases compute convolutions: y_i = Σ_j w_j·x_{i+j}, to rounding in float64.

import test from 'ava';
import { finestTile, longestTile, tileBases, tileSizes, together, type Matrix } from '../../src/passes/tile-bases.js';

const times = (a: Matrix, x: readonly number[]) => a.map(row => row.reduce((sum, value, i) => sum + value * x[i]!, 0));
const some = (count: number, seed: number) => Array.from({ length: count }, (_, i) => Math.sin(seed + 3 * i));

for (let k = 1; k <= 5; k++)
  for (let m = 1; m + k - 1 <= longestTile; m++)
    test(`F(${m}, ${k})`, t => {
      const { map, kernel, result } = tileBases(m, k);
      const [x, w] = [some(m + k - 1, 1), some(k, 2)];
      const [v, u] = [times(map, x), times(kernel, w)];
      const found = times(
        result,
        v.map((value, i) => value * u[i]!),
      );
      for (let i = 0; i < m; i++) {
        const wanted = w.reduce((sum, weight, j) => sum + weight * x[i + j]!, 0);
        t.true(Math.abs(found[i]! - wanted) < 1e-12, `${found[i]} ${wanted}`);
      }
    });

test('F(2, 3) is that of Winograd', t => {
  t.deepEqual(tileBases(2, 3).result, [
    [1, 1, 1, 0],
    [0, 1, -1, 1],
  ]);
});

test('tiles of two and four results for kernels of three, none for long kernels', t => {
  t.deepEqual(
    [1, 2, 3, 4, 5, 6, 7].map(k => tileSizes(k)),
    [[1], [3, 5], [2, 4], [3], [2], [], []],
  );
  t.deepEqual(
    [1, 2, 3, 4].map(k => tileSizes(k, finestTile)),
    [[1], [3], [2], []],
  );
});

test('along two axes the last is the fastest', t => {
  t.deepEqual(together([[[1, 2]], [[3], [4]]]), [[3, 6], [4, 8]]); // prettier-ignore
});
