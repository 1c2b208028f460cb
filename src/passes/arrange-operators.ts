// How each operator takes maps whose axes are stored in another order. A handler gives the outputs, or undefined where
// it must see ONNX's own order. None of them knows which orders there are.

import type { Builder, Node, Value } from '../graph/index.js';
import { coreOperators, inferOutputs, ReduceMax, ReduceMean } from '../operators/index.js';
import type { Attribute } from '../graph/index.js';
import {
  arranged,
  isSameOrder,
  ofRank,
  plainOrder,
  renamed,
  reshaped,
  sizesIn,
  type Arranged,
  type Order,
} from './arranged.js';

/** A node where its inputs may be in any order. */
export interface ArrangedSite {
  readonly node: Node;
  readonly builder: Builder;
  readonly inputs: readonly (Arranged | undefined)[];
  /** The shape of the first output. */
  readonly out: readonly number[];
  /** The contents of an input that is a constant. */
  constant(input: number): readonly number[] | undefined;
}

type Handler = (site: ArrangedSite) => readonly Arranged[] | undefined;

const unary = [
  'Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Cast', 'Ceil', 'Celu', 'Clip', 'Cos', 'Cosh', 'Elu', 'Erf',
  'Exp', 'Floor', 'Gelu', 'HardSigmoid', 'HardSwish', 'LeakyRelu', 'Log', 'Mish', 'Neg', 'Not', 'Reciprocal', 'Relu',
  'Round', 'Selu', 'Sigmoid', 'Sign', 'Sin', 'Sinh', 'Softplus', 'Softsign', 'Sqrt', 'Tan', 'Tanh', 'ThresholdedRelu',
]; // prettier-ignore
const broadcasting = [
  'Add', 'And', 'Div', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Max', 'Mean', 'Min', 'Mod', 'Mul',
  'Or', 'Pow', 'PRelu', 'Sub', 'Sum', 'Where', 'Xor',
]; // prettier-ignore
const reductions = [
  'ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd',
  'ReduceSum', 'ReduceSumSquare',
]; // prettier-ignore

/** Each element by itself: the other inputs are settings. */
const elementByElement: Handler = ({ node, builder, inputs, out }) => {
  const [x, ...settings] = inputs;
  return out.length === x!.shape.length ? [ofOrder(node, builder, [x!, ...settings], x!.order, 1)] : undefined;
};

/** Elements that meet by broadcasting, in the order that moves the fewest of them. */
const meeting: Handler = ({ node, builder, inputs, out }) => {
  const operands = (inputs as readonly Arranged[]).map(input => ofRank(input, out.length));
  return [ofOrder(node, builder, operands, commonOrder(operands), operands.length)];
};

/** A weight that is made element by element from others, in any order without moving elements. */
export function remadePointwise({ node, builder, inputs, out }: ArrangedSite): ((order: Order) => Value) | undefined {
  const arity = unary.includes(node.op) ? 1 : broadcasting.includes(node.op) ? inputs.length : 0;
  if (arity === 0 || node.domain !== '') return undefined;
  const operands = (inputs as readonly Arranged[]).map((input, i) => (i < arity ? ofRank(input, out.length) : input));
  return order => ofOrder(node, builder, operands, order, arity).in(order);
}

/** The node on its first `count` inputs stored in an order, the others as they are. */
function ofOrder(
  node: Node,
  builder: Builder,
  inputs: readonly (Arranged | undefined)[],
  order: Order,
  count: number,
): Arranged {
  // a setting may be absent before one that is there: Clip with an upper bound alone
  const values = inputs.map((input, i) => input?.in(i < count ? order : plainOrder(input.shape.length)));
  return arranged(emit(builder, node, values)[0]!, order);
}

/** The order of one of the largest operands in which all of them together move least. */
function commonOrder(operands: readonly Arranged[]): Order {
  const size = ({ shape }: Arranged) => shape.reduce((a, b) => a * b, 1);
  const largest = Math.max(...operands.map(size));
  const moved = (order: Order) =>
    operands.reduce((sum, operand) => sum + (operand.has(order) ? 0 : size(operand)), isPlain(order) ? 0.5 : 0);
  return operands
    .filter(operand => size(operand) === largest)
    .map(({ order }) => order)
    .reduce((best, order) => (moved(order) < moved(best) ? order : best));
}
const isPlain = (order: Order) => isSameOrder(order, plainOrder(order.length));

const transpose: Handler = ({ node, inputs: [x] }) => {
  const perm = node.attributes.get('perm');
  const axes = plainOrder(x!.shape.length);
  return [renamed(x!, perm?.kind === 'ints' ? perm.value : [...axes].reverse())];
};

const same: Handler = ({ node, inputs: [x] }) => (node.outputs.length === 1 ? [x!] : undefined);

const concat: Handler = ({ node, builder, inputs }) => {
  const operands = inputs as readonly Arranged[];
  const order = commonOrder(operands);
  const axis = order.indexOf(axisOf(node, 'axis', 1, order.length));
  return [arranged(emit(builder, withInts(node, { axis }), operands.map(operand => operand.in(order)))[0]!, order)]; // prettier-ignore
};

const split: Handler = ({ node, builder, inputs: [x, sizes] }) => {
  const { order } = x!;
  const axis = order.indexOf(axisOf(node, 'axis', 0, order.length));
  const values = sizes ? [x!.in(order), sizes.in([0])] : [x!.in(order)];
  return emit(builder, withInts(node, { axis }), values).map(value => arranged(value, order));
};

const softmax: Handler = ({ node, builder, inputs: [x] }) => {
  const order = withLast(x!.order, axisOf(node, 'axis', -1, x!.order.length));
  return [arranged(emit(builder, withInts(node, { axis: order.length - 1 }), [x!.in(order)])[0]!, order)];
};

/** Over the last axis: the others may lie in any order. */
const layerNormalization: Handler = ({ node, builder, inputs: [x, ...vectors] }) => {
  const rank = x!.order.length;
  if (axisOf(node, 'axis', -1, rank) !== rank - 1 || node.outputs.length > 1) return undefined;
  const order = withLast(x!.order, rank - 1);
  const plain = vectors.map(vector => vector?.in(plainOrder(vector.shape.length)));
  return [arranged(emit(builder, node, [x!.in(order), ...plain])[0]!, order)];
};

/** By a matrix of weights: rows may lie in any order. */
const matmul: Handler = ({ node, builder, inputs: [a, b] }) => {
  if (b!.shape.length !== 2 || a!.shape.length < 2) return undefined;
  const order = withLast(a!.order, a!.order.length - 1);
  return [arranged(emit(builder, node, [a!.in(order), b!.in([0, 1])])[0]!, order)];
};

const reduce: Handler = ({ node, builder, inputs: [x, axes], constant }) => {
  const { order, shape } = x!;
  const given = axes ? constant(1) : undefined;
  if (axes && !given) return undefined;
  const rank = order.length;
  const away = given?.length ? given.map(axis => (axis < 0 ? axis + rank : axis)) : undefined;
  if (!away) return undefined;
  const places = away.map(axis => order.indexOf(axis)).sort((a, b) => a - b);
  const [value] = emit(builder, node, [x!.in(order), builder.constant(places)]);
  const keeps = node.attributes.get('keepdims');
  if (!(keeps?.kind === 'int' && keeps.value === 0)) return [arranged(value!, order)];
  const kept = shape.map((_, i) => i).filter(axis => !away.includes(axis));
  const left = order.filter(axis => !away.includes(axis)).map(axis => kept.indexOf(axis));
  return [arranged(value!, left)];
};

/** [N, C, 1, …] */
const pooled =
  (operator: typeof ReduceMean): Handler =>
  ({ inputs: [x] }) => {
    const { order } = x!;
    if (isPlain(order)) return undefined;
    const places = order.flatMap((axis, i) => (axis >= 2 ? [i] : []));
    return [arranged(operator(x!.in(order), places), order)];
  };

/** Reshape and its kin, where axes are taken apart, joined, or of one: joined axes must lie beside each other. */
const reshape: Handler = ({ inputs: [x], out }) => {
  const groups = axisGroups(x!.shape, out);
  if (!groups) return undefined;
  const groupOf = (axis: number) => groups.find(({ from }) => from.includes(axis))!;
  const sequence = [...new Set(x!.order.map(groupOf))];
  const before = sequence.flatMap(({ from }) => from);
  const order = [...sequence, ...groups.filter(({ from }) => from.length === 0)].flatMap(({ to }) => to);
  return [arranged(reshaped(x!.in(before), sizesIn(out, order)), order)];
};

/** Which axes become which: runs of both shapes with the same product. */
function axisGroups(before: readonly number[], after: readonly number[]) {
  const groups: { from: number[]; to: number[] }[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const group = { from: [] as number[], to: [] as number[] };
    let [p, q] = [1, 1];
    const takeFrom = () => ((p *= before[i]!), group.from.push(i++));
    const takeTo = () => ((q *= after[j]!), group.to.push(j++));
    if (i < before.length && (before[i] !== 1 || after[j] === 1 || j >= after.length)) takeFrom();
    if (j < after.length && (after[j] !== 1 || p === 1)) takeTo();
    while (p !== q) {
      if (p < q && i < before.length) takeFrom();
      else if (p > q && j < after.length) takeTo();
      else return undefined;
    }
    groups.push(group);
  }
  return groups;
}

/** An order with one axis moved to the end. */
const withLast = (order: Order, axis: number): Order => [...order.filter(one => one !== axis), axis];

function axisOf(node: Node, name: string, fallback: number, rank: number): number {
  const found = node.attributes.get(name);
  const axis = found?.kind === 'int' ? found.value : fallback;
  return axis < 0 ? axis + rank : axis;
}

function withInts(node: Node, ints: Readonly<Record<string, number>>): Node {
  const attributes = new Map<string, Attribute>(node.attributes);
  for (const [name, value] of Object.entries(ints)) attributes.set(name, { kind: 'int', value });
  return { ...node, attributes };
}

/** A node of the same kind on other values. */
export function emit(builder: Builder, node: Node, inputs: readonly (Value | undefined)[]): readonly Value[] {
  const operator = coreOperators.get(node.domain, node.op)!;
  const outputs = inferOutputs(operator, inputs, node.attributes, node.outputs.length);
  return builder.append({ op: node.op, domain: node.domain, inputs, attributes: node.attributes, outputs });
}

const all = (names: readonly string[], handler: Handler) => names.map(name => [name, handler] as const);

/** Who takes maps in any order. */
export const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ...all(unary, elementByElement),
  ...all(broadcasting, meeting),
  ...all(reductions, reduce),
  ...all(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'], reshape),
  ['Transpose', transpose],
  ['Identity', same],
  ['Dropout', same],
  ['Concat', concat],
  ['Split', split],
  ['Softmax', softmax],
  ['LogSoftmax', softmax],
  ['LayerNormalization', layerNormalization],
  ['MatMul', matmul],
  ['GlobalAveragePool', pooled(ReduceMean)],
  ['GlobalMaxPool', pooled(ReduceMax)],
]);
