// Small members for tests: uint8 pictures → a convolution, a pool → features → a head in one of the ways in which heads are
// written. Trunks and heads are random by seed; names are the member's own.

import { floats, Random, tensor, type Tensor } from '../../src/base/index.js';
import { encodeModel } from '../../src/codec/index.js';
import { Builder, modelOf, type Model } from '../../src/graph/index.js';
import {
  Add,
  Cast,
  Concat,
  Conv,
  Div,
  Flatten,
  Gather,
  Gemm,
  GlobalAveragePool,
  MatMul,
  Mul,
  Relu,
  Reshape,
  Shape,
  Softmax,
  Sub,
  Transpose,
} from '../../src/operators/index.js';
import type { Runtime } from '../../src/runtime/index.js';

export const classes = 3;

export interface MemberOptions {
  readonly trunk?: string;
  readonly head?: string;
  readonly written?: 'gemm' | 'gemm-transposed' | 'matmul' | 'standardised' | 'perceptron';
  /** Whether features lie across the batch on their way, and get their shape from the pictures'. @default false */
  readonly isTurned?: boolean;
  /** Pixels a side. @default 12 */
  readonly size?: number;
  /** In front of every name. */
  readonly prefix?: string;
  readonly classes?: number;
  /** Fed floats instead of bytes: what a view between pixels is compared with. */
  readonly isFloat?: boolean;
}

export function member(options: MemberOptions = {}): Model {
  const { trunk = 'a', head = 'a', written = 'gemm', size = 12, prefix = '', classes: K = classes } = options;
  const builder = new Builder('member');
  const random = (seed: string) => {
    const drawn = new Random(seed);
    return (name: string, shape: readonly number[], scale: number, shift = 0) =>
      builder.parameter(
        prefix + name,
        tensor(
          'float32',
          shape,
          Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => shift + scale * drawn.normal()),
        ),
      );
  };
  for (const name of ['logits', 'probabilities']) builder.fresh(name);
  const pictures = builder.input('pictures', options.isFloat ? 'float32' : 'uint8', ['N', size, size, 3]);
  const of = random(`trunk ${trunk}`);
  const prepared = Sub(Mul(Cast(Transpose(pictures, { perm: [0, 3, 1, 2] }), { to: 1 }), 1 / 64), 2);
  const map = Relu(Conv(prepared, of('kernel', [5, 3, 3, 3], 0.3), of('bias', [5], 0.2), { strides: [2, 2], pads: [1, 1, 1, 1] })); // prettier-ignore
  const wide = Relu(Conv(map, of('kernel2', [7, 5, 3, 3], 0.3), undefined, { pads: [1, 1, 1, 1] }));
  const flat = Flatten(GlobalAveragePool(wide));
  const batch = Gather(Shape(pictures), builder.constant([0]), { axis: 0 });
  const across = () => Relu(Sub(Transpose(flat, { perm: [1, 0] }), 0.1));
  const features = options.isTurned
    ? Reshape(Transpose(across(), { perm: [1, 0] }), Concat(batch, builder.constant([7]), { axis: 0 }))
    : flat;
  const own = random(`head ${head}`);
  const F = 7;
  const logits = {
    gemm: () => Gemm(features, own('weight', [F, K], 1), own('shift', [K], 0.5)),
    'gemm-transposed': () =>
      Gemm(features, own('weight', [K, F], 1), own('shift', [K], 0.5), { transB: 1, alpha: 0.5 }),
    matmul: () => Add(own('shift', [1, K], 0.5), MatMul(features, own('weight', [F, K], 1))),
    standardised: () => Add(MatMul(Div(Sub(features, own('mean', [F], 1)), own('std', [F], 0.1, 1)), own('weight', [F, K], 1)), own('shift', [K], 0.5)), // prettier-ignore
    perceptron: () => Gemm(Relu(Gemm(features, own('weight1', [F, 4], 1), own('shift1', [4], 0.5))), own('weight', [4, K], 1), own('shift', [K], 0.5)), // prettier-ignore
  }[written]();
  builder.output(logits, 'logits');
  builder.output(Softmax(logits), 'probabilities');
  return modelOf(builder.finish(), new Map([['features', features.name]]));
}

/** Random pictures [count, height, width, 3]. */
export function pictures(count: number, width: number, height = width, seed = 'pictures'): Tensor {
  const random = new Random(seed);
  const bytes = Uint8Array.from({ length: count * width * height * 3 }, () => random.integer(256));
  return tensor('uint8', [count, height, width, 3], bytes);
}

/** Every output of a model, as floats. */
export async function outputsOf(runtime: Runtime, model: Model, input: Tensor): Promise<Map<string, Float32Array>> {
  const session = await runtime.open(encodeModel(model));
  try {
    const feed = runtime.tensor(input);
    const results = await session.run(new Map([['pictures', feed]]));
    const read = new Map<string, Float32Array>();
    for (const [name, value] of results) read.set(name, floats(await value.read()).slice());
    for (const value of [feed, ...results.values()]) value.dispose();
    return read;
  } finally {
    await session.close();
  }
}

/** The largest difference of two lists. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!) || (a[i] === b[i] ? 0 : Infinity));
  return most;
}

/** softmax of each row. */
export function softmax(z: ArrayLike<number>, K: number): Float64Array {
  const p = new Float64Array(z.length);
  for (let row = 0; row < z.length; row += K) {
    let [most, sum] = [-Infinity, 0];
    for (let k = 0; k < K; k++) most = Math.max(most, z[row + k]!);
    for (let k = 0; k < K; k++) sum += p[row + k] = Math.exp(z[row + k]! - most);
    for (let k = 0; k < K; k++) p[row + k]! /= sum;
  }
  return p;
}
