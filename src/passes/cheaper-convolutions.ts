// Convs of a training step in forms that run faster on a CPU. Each holds wherever it applies, whatever the node is for:
//   ConvTranspose(x, W) of stride 1  =  Conv(x, W turned around, its channels exchanged)      the gradient of a map
//   Conv(x, W) at few positions, W as large as the map: at each position a product over all that W covers
//                                                                                          the gradient of a kernel
// (performance.md A2: dX and dW of maps that stay planes.)

import type { Node, Value } from '../graph/index.js';
import {
  Concat,
  Conv,
  Gemm,
  Reshape,
  Slice,
  Transpose,
  attributesOf,
  padsOf,
  ConvTranspose,
} from '../operators/index.js';
import { windowTaps } from './window-taps.js';
import { intsOf, rewriting, type Before, type Rewrite } from './rewrite.js';
import type { Pass } from './pass.js';

/** A Conv looks at no more positions than this where it is taken apart; more are a Conv like any other. */
const fewPositions = 128;
/** And its kernel covers at least so many times more. */
const wide = 4;
/** Products of fewer rows are put together along the kernel's width: each alone would leave the processor idle. */
const fewRows = 16;

const size = (sizes: readonly number[]) => sizes.reduce((a, b) => a * b, 1);
const numbersOf = (value: Value | undefined): readonly number[] | undefined =>
  value?.shape.every(dim => typeof dim === 'number') ? value.shape : undefined;

/** A node's window, everything said. */
function windowOf(node: Node, operator: typeof Conv | typeof ConvTranspose, inputs: readonly (Value | undefined)[]) {
  const at = attributesOf(operator, node.attributes);
  const [sizes, kernel] = inputs.map(input => input?.shape.slice(2)) as [number[], number[]];
  const ones = kernel.map(() => 1);
  const { strides = ones, dilations = ones, group, auto_pad } = at;
  const pads = padsOf(sizes, { kernel, strides, dilations, pads: at.pads, auto_pad });
  return { kernel, strides, dilations, group, pads: pads! };
}

/** W [C, M / g, …] of a ConvTranspose, turned around and exchanged: [M, C / g, …]. */
function turned(weight: Value, group: number): Value {
  const [channels, made, ...kernel] = weight.shape as readonly number[];
  const axes = kernel.map((_, i) => i);
  const exchanged =
    group === 1
      ? Transpose(weight, { perm: [1, 0, ...axes.map(i => i + 2)] })
      : Reshape(
          Transpose(Reshape(weight, [group, channels! / group, made!, ...kernel]), {
            perm: [0, 2, 1, ...axes.map(i => i + 3)],
          }),
          [group * made!, channels! / group, ...kernel],
        );
  const long = axes.filter(i => kernel[i]! > 1);
  if (long.length === 0) return exchanged;
  const all = (value: number) => long.map(() => value);
  return Slice(exchanged, all(-1), all(-(2 ** 31)), long.map(i => i + 2), all(-1)); // prettier-ignore
}

/** Where the kernel is one pixel, or the turned Conv gathers no more channels than the transposed one scatters. */
const transposedConv: Rewrite = ({ node, inputs }) => {
  const [x, weight, bias] = inputs;
  const shape = numbersOf(weight);
  if (node.op !== 'ConvTranspose' || node.domain !== '' || !numbersOf(x) || !shape) return undefined;
  const at = windowOf(node, ConvTranspose, inputs);
  const more = node.attributes.get('output_padding');
  const isPlain = at.strides.every(stride => stride === 1) && !node.attributes.has('output_shape');
  if (!isPlain || (more?.kind === 'ints' && more.value.some(one => one !== 0))) return undefined;
  const auto = node.attributes.get('auto_pad');
  if (auto?.kind === 'string' && auto.value !== 'NOTSET') return undefined;
  if (size(at.kernel) > 1 && shape[0]! > shape[1]! * at.group) return undefined;
  const rank = at.kernel.length;
  const pads = at.pads.map((pad, i) => at.dilations[i % rank]! * (at.kernel[i % rank]! - 1) - pad);
  if (pads.some(pad => pad < 0)) return undefined;
  const { dilations, group } = at;
  return Conv(x, turned(weight!, group), bias, { kernel_shape: at.kernel, pads, dilations, group });
};

/** [N, M, few, …] as one product [N, K]·[K, M] a position. */
const fewPositioned: Rewrite = ({ node, before, now }) => positioned(before, node, undefined, now);

/** The same where only the first positions are read: a Transpose, then a Slice from the start (what strides leave over). */
const fewRead: Rewrite = ({ node, before, now }) => {
  const turned = before.producers.get(node.inputs[0]!);
  const conv = turned?.op === 'Transpose' ? before.producers.get(turned.inputs[0]!) : undefined;
  const perm = turned && intsOf(turned, 'perm');
  if (node.op !== 'Slice' || node.domain !== '' || !conv || !perm) return undefined;
  if (!before.isReadOnce(node.inputs[0]!) || !before.isReadOnce(turned.inputs[0]!)) return undefined;
  const read = before.graph.values.get(node.outputs[0]!)?.shape;
  const [starts, , , steps] = node.inputs.slice(1).map(name => now(name)?.known);
  if (!read || !starts?.every(start => start === 0) || (node.inputs[4] && !steps?.every(step => step === 1)))
    return undefined;
  // sizes along the axes of the Conv, whose rows and channels must all be read
  const wanted = perm.map((_, axis) => read[perm.indexOf(axis)] as number);
  const made = positioned(before, conv, wanted, now);
  return made && Transpose(made, { perm: [...perm] });
};

function positioned(
  before: Before,
  node: Node,
  wanted: readonly number[] | undefined,
  now: (name: string) => Value | undefined,
): Value | undefined {
  const inputs = node.inputs.map(name => (name ? now(name) : undefined));
  const [x, weight, bias] = inputs;
  const [shape, wshape] = [numbersOf(x), numbersOf(weight)];
  if (node.op !== 'Conv' || node.domain !== '' || !shape || !wshape || bias) return undefined;
  const all = before.graph.values.get(node.outputs[0]!)?.shape as readonly number[] | undefined;
  const out = wanted ?? all;
  if (!all || !out || before.graph.initializers.has(node.inputs[1]!)) return undefined;
  const at = windowOf(node, Conv, inputs);
  const places = out.slice(2);
  if (at.group !== 1 || size(all.slice(2)) > fewPositions || size(at.kernel) < wide * size(places)) return undefined;
  const [rows, made] = [shape[0]!, wshape[0]!];
  if (out[0] !== rows || out[1] !== made) return undefined;
  const inner = size(wshape.slice(1));
  const axes = places.map((positions, i) => ({
    axis: i + 2,
    kernel: positions,
    stride: at.dilations[i]!,
    dilation: at.strides[i]!,
    begin: at.pads[i]!,
    positions: at.kernel[i]!,
  }));
  const flat = Reshape(weight, [made, inner]);
  const by = (window: Value, count: number) => Gemm(Reshape(window, [count, inner]), flat, undefined, { transB: 1 });
  if (rows >= fewRows) {
    const products = windowTaps(x!, axes).map(tap => Reshape(by(tap, rows), [rows, made, 1]));
    return Reshape(products.length > 1 ? Concat(...products, { axis: 2 }) : products[0], out);
  }
  // along the last axis at once: [last·N, …], then a product for each place of the others
  const last = axes.at(-1)!;
  const beside = windowTaps(x!, [last]);
  const joined = beside.length > 1 ? Concat(...beside, { axis: 0 }) : beside[0]!;
  const others = axes.slice(0, -1);
  const products = (others.length > 0 ? windowTaps(joined, others) : [joined]).map(tap =>
    Reshape(by(tap, last.kernel * rows), [1, last.kernel, rows, made]),
  );
  const stacked = products.length > 1 ? Concat(...products, { axis: 0 }) : products[0]!; // [others, last, N, M]
  return Reshape(Transpose(Reshape(stacked, [size(places), rows, made]), { perm: [1, 2, 0] }), out);
}

/** The pass over a step graph. */
export const cheaperConvolutions: Pass = rewriting('cheaper-convolutions', [transposedConv, fewRead, fewPositioned]);
