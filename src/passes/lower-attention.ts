// Y = softmax(scale · Q Kᵀ + mask) V, the attention of opset 23, in MatMul and Softmax. Q, K and V are
// [batch, heads, length, size]; three-dimensional ones are [batch, length, heads · size] with the heads as an attribute.
// Spec: https://onnx.ai/onnx/operators/onnx__Attention.html

import { tensor } from '../base/index.js';
import type { Node } from '../graph/index.js';
import { floating, int, make, numberOf, type Context, type Lowering } from './lowering.js';

/** Undefined for what networks that look at pictures do not use: caches, soft caps, grouped heads. */
export const lowerAttention: Lowering = (node, at) => {
  const [q, k, v, mask, ...cache] = node.inputs as [string, string, string, string?, ...string[]];
  const y = node.outputs[0]!;
  const heads = numberOf(node, 'q_num_heads', 0);
  const isCached = cache.some(Boolean) || node.outputs.slice(1).some(Boolean);
  const isGrouped = numberOf(node, 'kv_num_heads', heads) !== heads || !sameHeads(at, q, k, heads);
  if (isCached || isGrouped || numberOf(node, 'softcap', 0) !== 0) return undefined;
  const nodes: Node[] = [];
  const emit = (op: string, inputs: readonly string[], hint: string, attributes: Parameters<typeof make>[4] = {}) => {
    const name = at.fresh(`${y}/${hint}`);
    nodes.push(make(at, op, inputs, name, attributes));
    return name;
  };
  const perm = (...axes: number[]) => ({ perm: { kind: 'ints', value: axes } as const });
  const apart = (value: string, hint: string) => {
    if (heads === 0) return value;
    const shape = at.hold(`${y}/${hint}/heads`, tensor('int64', [4], [0, 0, heads, -1]));
    return emit('Transpose', [emit('Reshape', [value, shape], hint)], `${hint}/apart`, perm(0, 2, 1, 3));
  };
  const [queries, keys, values] = [apart(q, 'q'), apart(k, 'k'), apart(v, 'v')];
  const type = floating(at, q);
  const size = at.shape(q)?.at(-1);
  const given = node.attributes.get('scale');
  let scaled: string;
  if (given?.kind === 'float') {
    scaled = emit('Mul', [queries, at.hold(`${y}/scale`, tensor(type, [], [given.value]))], 'scaled');
  } else if (typeof size === 'number') {
    const scale = 1 / Math.sqrt(size / Math.max(1, heads));
    scaled = emit('Mul', [queries, at.hold(`${y}/scale`, tensor(type, [], [scale]))], 'scaled');
  } else {
    const last = at.hold(`${y}/last`, tensor('int64', [1], [-1]));
    const measured = emit('Gather', [emit('Shape', [queries], 'shape'), last], 'size');
    const root = emit(
      'Sqrt',
      [emit('Cast', [measured], 'size/float', { to: int(type === 'float64' ? 11 : 1) })],
      'root',
    );
    scaled = emit('Div', [queries, root], 'scaled');
  }
  let scores = emit('MatMul', [scaled, emit('Transpose', [keys], 'k/t', perm(0, 1, 3, 2))], 'scores');
  const closed = at.hold(`${y}/closed`, tensor(type, [], [-Infinity]));
  if (mask) {
    const kind = at.type(mask);
    if (kind === undefined) return undefined;
    scores = kind === 'bool' ? emit('Where', [mask, scores, closed], 'masked') : emit('Add', [scores, mask], 'masked');
  }
  if (numberOf(node, 'is_causal', 0) === 1) {
    const [rows, columns] = [lengthOf(at, q, heads), lengthOf(at, k, heads)];
    if (rows === undefined || columns === undefined) return undefined;
    const isOpen = Array.from({ length: rows * columns }, (_, i) => Number(i % columns <= Math.floor(i / columns)));
    const causal = at.hold(`${y}/causal`, tensor('bool', [rows, columns], isOpen));
    scores = emit('Where', [causal, scores, closed], 'causal');
  }
  const shares = emit('Softmax', [scores], 'shares', { axis: int(-1) });
  if (heads === 0) return [...nodes, { ...make(at, 'MatMul', [shares, values], y), name: node.name }];
  const together = emit('Transpose', [emit('MatMul', [shares, values], 'mixed')], 'together', perm(0, 2, 1, 3));
  const flat = at.hold(`${y}/flat`, tensor('int64', [3], [0, 0, -1]));
  return [...nodes, { ...make(at, 'Reshape', [together, flat], y), name: node.name }];
};

/** Whether queries and keys of rank 4 have as many heads, as far as it is known. */
function sameHeads(at: Context, q: string, k: string, heads: number): boolean {
  if (heads > 0) return true;
  const [a, b] = [at.shape(q)?.[1], at.shape(k)?.[1]];
  return a === undefined || b === undefined || a === b;
}

function lengthOf(at: Context, name: string, heads: number): number | undefined {
  const length = at.shape(name)?.at(heads > 0 ? 1 : 2);
  return typeof length === 'number' ? length : undefined;
}
