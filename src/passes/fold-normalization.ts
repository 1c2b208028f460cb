// Per-channel factors and offsets behind a Conv or Gemm go into its weights, written as nodes on the weights:
//   z = (W·x + b)·s + t  =  (W·s)·x + (b·s + t),  and of a BatchNormalization with stored statistics
//   s = gamma / √(variance + ε),  t = beta − mean·s
// Differentiated, gamma's gradient then comes off the weight's: no pass over activations (performance.md B2, B).

import { floats, tensor } from '../base/index.js';
import type { Node, Value } from '../graph/index.js';
import {
  Add, Conv, Div, Gemm, Mul, Neg, Reciprocal, Reshape, Sqrt, Sub, bind, type Bound,
} from '../operators/index.js'; // prettier-ignore
import { fedValues } from './fed-values.js';
import { pass, type Pass } from './pass.js';
import { rewriteGraph, type Rewrite, type Site } from './rewrite.js';

/** A factor and an offset per channel: [C], or [1] for all channels alike. */
interface Affine {
  readonly scale?: Value;
  readonly offset?: Value;
}

/**
 * Writes BatchNormalization with stored statistics as factors and offsets, and folds these and other per-channel
 * factors and offsets into the linear operator before them where that costs less.
 */
export const foldNormalization = ({ parameters }: { readonly parameters: ReadonlySet<string> }): Pass =>
  pass('fold-normalization', model => {
    const fed = fedValues(model.graph, parameters);
    const graph = rewriteGraph(model.graph, [normalization(fed), factor(fed)]);
    return graph === model.graph ? model : { ...model, graph };
  });

const normalization =
  (fed: ReadonlySet<string>): Rewrite =>
  site => {
    const { node } = site;
    const mode = node.attributes.get('training_mode');
    if (node.op !== 'BatchNormalization' || node.domain !== '' || (mode?.kind === 'int' && mode.value === 1))
      return undefined;
    if (node.outputs.slice(1).some(Boolean) || node.inputs.slice(1).some(name => fed.has(name))) return undefined;
    const [x, gamma, beta, mean, variance] = site.inputs as readonly Value[];
    if (typeof gamma!.shape[0] !== 'number') return undefined;
    const epsilon = node.attributes.get('epsilon');
    const inverse = inverseDeviation(variance!, epsilon?.kind === 'float' ? epsilon.value : 1e-5);
    const scale = Mul(gamma, inverse);
    const affine = { scale, offset: Sub(beta, Mul(mean, scale)) };
    return folded(site, 0, affine) ?? applied(x!, affine);
  };

/** Mul, Div, Add and Sub by something that is one per channel and does not depend on what is fed. */
const factor =
  (fed: ReadonlySet<string>): Rewrite =>
  site => {
    const { node, inputs } = site;
    if (!['Mul', 'Div', 'Add', 'Sub'].includes(node.op) || node.domain !== '' || inputs.length !== 2) return undefined;
    const at = fed.has(node.inputs[0]!) ? 0 : 1;
    const [x, other] = [inputs[at], inputs[1 - at]];
    if (!x || !other || fed.has(node.inputs[1 - at]!) || other.type !== x.type) return undefined;
    if (at === 1 && (node.op === 'Div' || node.op === 'Sub')) return undefined;
    const channels = perChannel(other, x);
    if (!channels) return undefined;
    if (node.op === 'Mul') return folded(site, at, { scale: channels });
    if (node.op === 'Div') return folded(site, at, { scale: Reciprocal(channels) });
    return folded(site, at, { offset: node.op === 'Add' ? channels : Neg(channels) });
  };

/** A value that broadcasts along the channels of x [N, C, …] only, as [C] or [1]. */
function perChannel(value: Value, x: Value): Value | undefined {
  const rank = x.shape.length;
  const channels = x.shape[1];
  const lead = rank - value.shape.length;
  if (rank < 2 || lead < 0 || typeof channels !== 'number') return undefined;
  const isPerChannel = value.shape.every((dim, i) => dim === 1 || (i + lead === 1 && dim === channels));
  if (!isPerChannel) return undefined;
  return value.shape.length === 1 ? value : Reshape(value, [value.shape.includes(channels) ? channels : 1]);
}

/** z = x·s + t */
function applied(x: Value, { scale, offset }: Affine): Value {
  const along = (vector: Value) => Reshape(vector, [1, -1, ...x.shape.slice(2).map(() => 1)]);
  const scaled = scale ? Mul(x, along(scale)) : x;
  return offset ? Add(scaled, along(offset)) : scaled;
}

/** The linear operator before input `at` with the affine in its weights; undefined where there is none or it costs more. */
function folded(site: Site, at: number, affine: Affine): Value | undefined {
  const { node, inputs, before, builder } = site;
  const x = inputs[at]!;
  if (!before.isReadOnce(node.inputs[at]!)) return undefined;
  const maker = builder.nodes.findLast(({ outputs }) => outputs.includes(x.name));
  if (maker?.domain !== '') return undefined;
  const values = maker.inputs.map(name => (name ? builder.value(name) : undefined));
  if (maker.op === 'Conv') return throughConv(maker, values, x, affine);
  if (maker.op === 'Gemm') return throughGemm(maker, values, x, affine);
  return undefined;
}

/**
 * Four passes over the weights (and their gradients) for about six over the outputs, both ways: worth it for
 * 4·K ≤ 6·n, K the length of a row of weights, n how many pixels of how many pictures read it (performance.md B2, B).
 */
const isWorth = (weight: Value, y: Value, { scale }: Affine): boolean => {
  const [channels, out] = [y.shape[1], [...weight.shape, ...y.shape]];
  if (typeof channels !== 'number' || out.some(dim => typeof dim !== 'number')) return !scale;
  const size = (shape: Value['shape']) => (shape as readonly number[]).reduce((a, b) => a * b, 1);
  return !scale || 4 * size(weight.shape) <= 6 * size(y.shape);
};

function throughConv(
  maker: Node,
  [x, weight, bias]: readonly (Value | undefined)[],
  y: Value,
  affine: Affine,
): Value | undefined {
  const channels = weight!.shape[0];
  if (typeof channels !== 'number' || !isWorth(weight!, y, affine)) return undefined;
  const { scale } = affine;
  const rows = scale && Reshape(scale, [-1, ...weight!.shape.slice(1).map(() => 1)]);
  const at = bind(Conv, [x, weight, bias], maker.attributes, 1);
  return Conv(x, rows ? Mul(weight, rows) : weight, offsetOf(bias, affine, channels), attributesOf(at));
}

function throughGemm(
  maker: Node,
  [a, b, c]: readonly (Value | undefined)[],
  y: Value,
  affine: Affine,
): Value | undefined {
  const { alpha, beta, transA, transB } = bind(Gemm, [a, b, c], maker.attributes, 1) as Bound & Record<string, number>;
  const channels = y.shape[1];
  const isRow = !c || (c.shape.at(-1) === channels && c.shape.slice(0, -1).every(dim => dim === 1));
  if (typeof channels !== 'number' || !isRow || beta !== 1 || !isWorth(b!, y, affine)) return undefined;
  const scale = affine.scale && (transB ? Reshape(affine.scale, [-1, 1]) : affine.scale);
  const bias = c && c.shape.length > 1 ? Reshape(c, [channels]) : c;
  return Gemm(a, scale ? Mul(b, scale) : b, offsetOf(bias, affine, channels), {
    alpha: alpha!,
    transA: transA!,
    transB: transB!,
  });
}

/** b·s + t, [C] */
function offsetOf(bias: Value | undefined, { scale, offset }: Affine, channels: number): Value | undefined {
  const scaled = bias && scale ? Mul(bias, scale) : bias;
  if (!offset) return scaled;
  if (scaled) return Add(scaled, offset);
  if (offset.shape[0] === channels) return offset;
  return Add(offset.builder.constant(tensor('float32', [channels], new Float32Array(channels))), offset);
}

/** 1 / √(variance + ε), computed here where the variance is a constant. */
function inverseDeviation(variance: Value, epsilon: number): Value {
  const { data, builder } = variance;
  if (data?.type !== 'float32') return Div(1, Sqrt(Add(variance, epsilon)));
  const found = Float32Array.from(floats(data), one => 1 / Math.sqrt(one + epsilon));
  return builder.constant(tensor('float32', data.shape, found));
}

interface ConvAttributes {
  readonly auto_pad: string;
  readonly group: number;
  readonly dilations?: readonly number[];
  readonly kernel_shape?: readonly number[];
  readonly pads?: readonly number[];
  readonly strides?: readonly number[];
}
const attributesOf = ({ auto_pad, group, dilations, kernel_shape, pads, strides }: Bound) =>
  ({ auto_pad, group, dilations, kernel_shape, pads, strides }) as ConvAttributes;
