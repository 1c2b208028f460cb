// 3x3 Conv of stride 1 by Winograd's minimal filtering F(2x2, 3x3), in columns. Each 2x2 of the result needs a 4x4 of the
// map; in other bases (B, G, A) what is a convolution of 9·4 products becomes 16 products, and so do both gradients,
// for every step here is linear:
//   V = (Bᵗ⊗Bᵗ)·tiles [16, C·t]    U = (G⊗G)·w [16, M·C]    y = (Aᵗ⊗Aᵗ)·(U·V) [4, M·t]
// t: tiles of all pictures. All numbers in the bases are 0, ±1 and ±1/2. Lavin and Gray, arXiv:1509.09308.

import { tensor } from '../base/index.js';
import { Add, Concat, MatMul, Slice, Transpose } from '../operators/index.js';
import { arranged, reshaped, type Arranged } from './arranged.js';
import { columnsOrder, type Convolution } from './arrange-convolution.js';
import { windowTaps, type AxisWindow } from './window-taps.js';

const input = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]]; // prettier-ignore
const kernel = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]; // prettier-ignore
const output = [[1, 1, 1, 0], [0, 1, -1, -1]]; // prettier-ignore

type Matrix = readonly (readonly number[])[];
const product = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);

/** A ⊗ A as a tensor: rows are pairs of rows of A. */
function squared(a: Matrix) {
  const values = a.flatMap(r => a.flatMap(s => r.flatMap(x => s.map(y => x * y))));
  return tensor('float32', [a.length ** 2, values.length / a.length ** 2], values);
}

/** The Conv by tiles. */
export function convolvedByTiles({ x, weight, bias, out, window }: Convolution): Arranged {
  const order = columnsOrder(4);
  const [channels, made, pictures] = [x.shape[1]!, out[1]!, out[0]!];
  const tiles = out.slice(2).map(size => Math.ceil(size / 2));
  const all = product(tiles) * pictures;
  const value = x.in(order);
  const { builder } = value;
  const windows = tiles.map((positions, i): AxisWindow => ({
    axis: 1 + i,
    kernel: 4,
    stride: 2,
    dilation: 1,
    begin: window.pads[i]!,
    positions,
  }));
  const taken = reshaped(Concat(...windowTaps(value, windows), { axis: 0 }), [16, channels * all]);
  const v = reshaped(MatMul(builder.constant(squared(input)), taken), [16, channels, all]);
  const w = reshaped(weight.in([2, 3, 0, 1]), [9, made * channels]);
  const u = reshaped(MatMul(builder.constant(squared(kernel)), w), [16, made, channels]);
  const m = reshaped(MatMul(u, v), [16, made * all]);
  const y = MatMul(builder.constant(squared(output)), m);
  const parts = reshaped(y, [2, 2, made, ...tiles, pictures]);
  const laid = Transpose(parts, { perm: [2, 3, 0, 4, 1, 5] });
  const whole = reshaped(laid, [made, ...tiles.map(count => 2 * count), pictures]);
  const odd = [0, 1].filter(i => whole.shape[1 + i] !== out[2 + i]);
  const cut = odd.length > 0 ? Slice(whole, odd.map(() => 0), odd.map(i => out[2 + i]!), odd.map(i => 1 + i)) : whole; // prettier-ignore
  return arranged(bias ? Add(cut, reshaped(bias.in([0]), [made, 1, 1, 1])) : cut, order);
}
