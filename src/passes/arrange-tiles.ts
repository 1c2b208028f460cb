// Conv of stride 1 by tiles, in columns: Winograd's minimal filtering (Lavin and Gray, arXiv:1509.09308). A tile of m
// results along each axis needs n = m + k − 1 of the map; in other bases (tile-bases) the convolution of a tile is a
// product element by element, and over all channels N = Πn products of matrices, forward and for both gradients, for
// every step is linear. F(4x4, 3x3) takes 36 products where the convolution takes 144.
//   V = B·tiles [N, C·t]    U = G·w [N, M·C]    y = A·(U·V) [Πm, M·t]        t: tiles of all pictures

import { tensor } from '../base/index.js';
import { Add, Concat, MatMul, Slice, Transpose } from '../operators/index.js';
import { arranged, plainOrder, reshaped, type Arranged } from './arranged.js';
import { columnsOrder, type Convolution } from './arrange-convolution.js';
import { tileBases, together, type Matrix } from './tile-bases.js';
import { windowTaps, type AxisWindow } from './window-taps.js';

const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
const constantOf = (rows: Matrix) => tensor('float32', [rows.length, rows[0]!.length], rows.flat());

/**
 * A Conv by tiles: no groups, strides or dilations.
 *
 * @param sizes results of a tile along each axis
 */
export function convolvedByTiles({ x, weight, bias, out, window }: Convolution, sizes: readonly number[]): Arranged {
  const rank = x.shape.length;
  const order = columnsOrder(rank);
  const [channels, made, pictures] = [x.shape[1]!, out[1]!, out[0]!];
  const bases = sizes.map((m, i) => tileBases(m, window.kernel[i]!));
  const counts = sizes.map((m, i) => Math.ceil(out[i + 2]! / m));
  const all = product(counts) * pictures;
  const value = x.in(order);
  const { builder } = value;
  const by = (matrices: readonly Matrix[]) => builder.constant(constantOf(together(matrices)));

  const windows = sizes.map((m, i): AxisWindow => {
    const kernel = m + window.kernel[i]! - 1;
    return { axis: 1 + i, kernel, stride: m, dilation: 1, begin: window.pads[i]!, positions: counts[i]! };
  });
  const n = product(windows.map(({ kernel }) => kernel));
  const taken = reshaped(Concat(...windowTaps(value, windows), { axis: 0 }), [n, channels * all]);
  const v = reshaped(MatMul(by(bases.map(({ map }) => map)), taken), [n, channels, all]);
  const axes = plainOrder(rank - 2);
  const w = reshaped(weight.in([...axes.map(i => i + 2), 0, 1]), [product(window.kernel), made * channels]);
  const u = reshaped(MatMul(by(bases.map(({ kernel }) => kernel)), w), [n, made, channels]);
  const y = MatMul(by(bases.map(({ result }) => result)), reshaped(MatMul(u, v), [n, made * all]));

  // [m…, M, t…, N] → [M, t, m, …, N]
  const parts = reshaped(y, [...sizes, made, ...counts, pictures]);
  const laid = Transpose(parts, {
    perm: [axes.length, ...axes.flatMap(i => [axes.length + 1 + i, i]), 2 * axes.length + 1],
  });
  const whole = reshaped(laid, [made, ...sizes.map((m, i) => m * counts[i]!), pictures]);
  const longer = axes.filter(i => whole.shape[1 + i] !== out[2 + i]);
  const ends = longer.map(i => out[2 + i]!);
  const cut = ends.length > 0 ? Slice(whole, ends.map(() => 0), ends, longer.map(i => 1 + i)) : whole; // prettier-ignore
  return arranged(bias ? Add(cut, reshaped(bias.in([0]), [made, ...axes.map(() => 1), 1])) : cut, order);
}
