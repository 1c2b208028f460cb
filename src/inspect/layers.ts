// One row per layer: kernel, stride, output size and receptive field. A layer that looks k pixels wide at steps of s
// widens the field by (k - 1) · d · jump and multiplies the jump by s, d its dilation and jump the distance in the
// picture between two neighbours of its input. A layer that mixes all places has the whole picture in its field.

import type { Dim, Graph, Node } from '../graph/index.js';
import type { Wiring } from './wiring.js';
import { intsOf } from './wiring.js';
import { isGlobalPool, weightsOf } from './roles.js';

/** One layer: a node that computes on the pictures. */
export interface Layer {
  readonly name: string;
  readonly operator: string;
  /** The value it makes. */
  readonly value: string;
  readonly shape?: readonly Dim[];
  readonly kernel?: readonly number[];
  readonly stride?: readonly number[];
  readonly dilation?: readonly number[];
  readonly groups?: number;
  /** Height and width of the part of the picture that one place of the output sees; `'all'` where it sees everything. */
  readonly receptiveField: readonly number[] | 'all';
}

interface Field {
  readonly size: readonly number[];
  readonly jump: readonly number[];
}
const one: Field = { size: [1, 1], jump: [1, 1] };

/** The layers of a graph in order, weights and shape arithmetic left out. */
export function layersOf(wiring: Wiring, isArithmetic: (value: string) => boolean = () => false): Layer[] {
  const fields = new Map<string, Field | 'all'>();
  for (const { name, shape } of (wiring.graph satisfies Graph).inputs)
    if (wiring.isData(name)) fields.set(name, shape && shape.length !== 4 ? 'all' : one);
  const layers: Layer[] = [];
  for (const node of wiring.graph.nodes) {
    const value = node.outputs[0]!;
    const data = wiring.dataInputs(node).filter(name => !isArithmetic(name));
    if (data.length === 0 || isArithmetic(value)) continue;
    const window = windowOf(wiring, node);
    const before = joined(data.map(name => fields.get(name) ?? 'all'));
    const field = fieldOf(wiring, node, window, before);
    for (const name of node.outputs) if (name) fields.set(name, field);
    const shape = wiring.shape(value);
    const groups = node.attributes.get('group');
    layers.push({
      name: node.name || value,
      operator: node.op,
      value,
      ...(shape ? { shape } : {}),
      ...(window ? { kernel: window.kernel, stride: window.stride, dilation: window.dilation } : {}),
      ...(groups?.kind === 'int' && groups.value !== 1 ? { groups: groups.value } : {}),
      receptiveField: field === 'all' ? 'all' : field.size,
    });
  }
  return layers;
}

interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
}

function windowOf(wiring: Wiring, node: Node): Window | undefined {
  const kind = weightsOf(wiring, node)?.kind;
  const isPool = /^(QLinear)?(Max|Average|Lp)Pool$/.test(node.op);
  if (kind !== 'Conv' && !isPool && node.op !== 'ConvTranspose') return undefined;
  const weight = node.inputs[node.op === 'QLinearConv' ? 3 : 1];
  const fromWeight = isPool || !weight ? undefined : wiring.shape(weight)?.slice(2).map(Number);
  const kernel = intsOf(wiring, node, 'kernel_shape') ?? fromWeight;
  if (!kernel) return undefined;
  const ones = kernel.map(() => 1);
  return {
    kernel,
    stride: intsOf(wiring, node, 'strides') ?? ones,
    dilation: intsOf(wiring, node, 'dilations') ?? ones,
  };
}

function fieldOf(wiring: Wiring, node: Node, window: Window | undefined, before: Field | 'all'): Field | 'all' {
  if (before === 'all' || isGlobalPool(wiring, node)) return 'all';
  if (node.op === 'ConvTranspose' && window)
    return {
      size: before.size.map((size, i) => size + ((window.kernel[i] ?? 1) - 1) * before.jump[i]!),
      jump: before.jump.map((jump, i) => jump / (window.stride[i] ?? 1)),
    };
  if (window)
    return {
      size: before.size.map(
        (size, i) => size + ((window.kernel[i] ?? 1) - 1) * (window.dilation[i] ?? 1) * before.jump[i]!,
      ),
      jump: before.jump.map((jump, i) => jump * (window.stride[i] ?? 1)),
    };
  // A product of two data matrices (attention), a reshaping that loses height and width, Gemm: everything is mixed.
  if (mixing.has(node.op) && wiring.dataInputs(node).length > 1) return 'all';
  const [from, to] = [wiring.shape(node.inputs[0] ?? ''), wiring.shape(node.outputs[0]!)];
  if (node.op === 'Flatten' || node.op === 'Gemm') return 'all';
  if (node.op.startsWith('Reduce') || node.op.startsWith('GlobalM')) return 'all';
  if (from && to && from.length >= 4 && to.length < 3) return 'all';
  return before;
}
const mixing = new Set(['MatMul', 'Einsum', 'Attention', 'MultiHeadAttention']);

function joined(fields: readonly (Field | 'all')[]): Field | 'all' {
  if (fields.includes('all')) return 'all';
  return (fields as readonly Field[]).reduce((a, b) => ({
    size: a.size.map((size, i) => Math.max(size, b.size[i]!)),
    jump: a.jump.map((jump, i) => Math.max(jump, b.jump[i]!)),
  }));
}
