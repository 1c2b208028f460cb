// What a node does, as far as the finders care: carries weights, activates, pools a whole map into one number per
// channel, or changes nothing but the arrangement, type or precision of its input.

import type { Node } from '../graph/index.js';
import { intOf, intsOf, type Wiring } from './wiring.js';

/** A node that multiplies its data with weights. */
export interface Weighted {
  readonly node: Node;
  readonly kind: 'Gemm' | 'MatMul' | 'Conv';
  /** The name of what enters it. */
  readonly data: string;
  /** Channels or features that enter and leave one group of it, where its weights tell. */
  readonly inputs?: number;
  readonly outputs?: number;
  /** The largest side of a Conv's kernel; 1 for the others. */
  readonly kernel: number;
}

// Operator to the kind of its product, the place of its data and of its weights.
const products = new Map<string, readonly [Weighted['kind'], number, number]>([
  ['Gemm', ['Gemm', 0, 1]],
  ['FusedGemm', ['Gemm', 0, 1]],
  ['QGemm', ['Gemm', 0, 3]],
  ['MatMul', ['MatMul', 0, 1]],
  ['FusedMatMul', ['MatMul', 0, 1]],
  ['MatMulInteger', ['MatMul', 0, 1]],
  ['QLinearMatMul', ['MatMul', 0, 3]],
  ['Conv', ['Conv', 0, 1]],
  ['FusedConv', ['Conv', 0, 1]],
  ['ConvInteger', ['Conv', 0, 1]],
  ['QLinearConv', ['Conv', 0, 3]],
]);

/** The node as a product of data with constant weights, if it is one. */
export function weightsOf(wiring: Wiring, node: Node): Weighted | undefined {
  const found = products.get(node.op);
  if (!found) return undefined;
  const [kind, dataAt, weightAt] = found;
  const [data, weight] = [node.inputs[dataAt], node.inputs[weightAt]];
  if (!data || !weight || !wiring.isData(data) || wiring.isData(weight)) return undefined;
  const dims = (wiring.shape(weight) ?? []).map(dim => (typeof dim === 'number' ? dim : undefined));
  if (kind === 'Conv') {
    const kernel = Math.max(1, ...dims.slice(2).map(dim => dim ?? 1));
    return { node, kind, data, kernel, ...sizes(dims[1], dims[0]) };
  }
  const isTurned = kind === 'Gemm' && intOf(node, 'transB', 0) === 1;
  const [rows, columns] = dims.slice(-2);
  return { node, kind, data, kernel: 1, ...(isTurned ? sizes(columns, rows) : sizes(rows, columns)) };
}
const sizes = (inputs: number | undefined, outputs: number | undefined) => ({
  ...(inputs === undefined ? {} : { inputs }),
  ...(outputs === undefined ? {} : { outputs }),
});

const activations = new Set(
  (
    'Relu LeakyRelu PRelu ThresholdedRelu Clip Elu Selu Celu Gelu FastGelu BiasGelu QuickGelu HardSigmoid HardSwish Mish ' +
    'Sigmoid Tanh Softplus Softsign Swish Erf QLinearLeakyRelu QLinearSigmoid'
  ).split(' '),
);
/** Whether a node is an activation, or one part of one (Erf, Sigmoid). */
export const isActivation = ({ op }: Node): boolean => activations.has(op);

const blanks = new Set(
  (
    'Identity Cast Dropout Flatten Reshape Squeeze Unsqueeze Transpose QuantizeLinear DequantizeLinear ' +
    'DynamicQuantizeLinear'
  ).split(' '),
);
/** Whether a node changes only the arrangement, the type or the precision of its input. */
export const isBlank = ({ op }: Node): boolean => blanks.has(op);

/** Whether a node makes one number of a whole map, per channel. */
export function isGlobalPool(wiring: Wiring, node: Node): boolean {
  if (node.op === 'GlobalAveragePool' || node.op === 'QLinearGlobalAveragePool') return true;
  const from = wiring.shape(node.inputs[0] ?? '');
  if (node.op === 'ReduceMean') {
    const axes = intsOf(wiring, node, 'axes', 1)?.map(axis => (axis < 0 ? axis + (from?.length ?? 4) : axis));
    // [N, C, H, W] over H and W, [N, H, W, C] likewise, [N, T, C] over the tokens
    const key = axes ? [...axes].sort((a, b) => a - b).join() : '';
    return key === '2,3' || key === '1,2' || (key === '1' && from?.length === 3);
  }
  if (node.op !== 'AveragePool' && node.op !== 'QLinearAveragePool') return false;
  const kernel = intsOf(wiring, node, 'kernel_shape') ?? [];
  const to = wiring.shape(node.outputs[0]!);
  if (from?.length === 4 && from.slice(2).every((dim, i) => dim === kernel[i])) return true;
  return to?.length === 4 && to.slice(2).every(dim => dim === 1);
}
