// Parts of tensors and how they go through operators. A box names, for some axes, the indices that are wanted; the other
// axes are whole. `beforeNode` says which parts of its inputs a node needs to make a part of its output, where each
// index of those axes is computed by itself.

import type { Graph, Node, Value } from '../graph/index.js';
import { Reshape } from '../operators/index.js';
import { intsOf } from './rewrite.js';
import { integersOf, sizesOf } from './values-of.js';

/** Indices by axis, ascending; axes that are not named are whole. */
export type Box = ReadonlyMap<number, readonly number[]>;
export const whole: Box = new Map();
export const keyOf = (box: Box): string => [...box].sort(([a], [b]) => a - b).map(([axis, list]) => `${axis}:${list.join()}`).join(';'); // prettier-ignore

/** Elementwise, with broadcasting. */
const elementwise = new Set([
  'Add', 'Sub', 'Mul', 'Div', 'Pow', 'Sum', 'Mean', 'Max', 'Min', 'Where', 'PRelu', 'Relu', 'Sigmoid', 'Tanh', 'Erf', 'Exp',
  'Log', 'Sqrt', 'Neg', 'Abs', 'Reciprocal', 'Cast', 'Clip', 'Gelu', 'HardSigmoid', 'HardSwish', 'Softplus', 'LeakyRelu',
  'Elu', 'Identity',
]); // prettier-ignore
const views = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);
/** Whether a node only writes its input in another shape. */
export const isView = ({ op, domain }: Node): boolean => domain === '' && views.has(op);
/** Longer lists of indices are not followed. */
const longest = 1 << 16;

/** The parts of the inputs that make a part of the output; undefined where it cannot be made alone. */
export function beforeNode(graph: Graph, node: Node, box: Box): readonly (Box | undefined)[] | undefined {
  const selection = selectionOf(graph, node);
  if (selection) return selection.before(box);
  if (box.size === 0) return node.inputs.map(() => whole);
  if (node.domain !== '' || node.outputs.filter(Boolean).length !== 1) return undefined;
  const out = sizesOf(graph, node.outputs[0]!);
  const sizes = node.inputs.map(name => (name ? sizesOf(graph, name) : []));
  if (!out || sizes.some(list => !list)) return undefined;
  const ins = sizes as (readonly number[])[];
  const axes = [...box.keys()];
  if (elementwise.has(node.op)) return ins.map(size => aligned(box, out, size));
  if (isView(node)) {
    const found = reshaped(ins[0]!, out, box);
    return found && [found, ...node.inputs.slice(1).map(() => whole)];
  }
  switch (node.op) {
    case 'Expand':
      return [aligned(box, out, ins[0]!), whole];
    case 'LayerNormalization': {
      const from = axisOf(node, -1, out.length);
      return axes.every(axis => axis < from) ? [box, ...node.inputs.slice(1).map(() => whole)] : undefined;
    }
    case 'Softmax':
    case 'LogSoftmax':
      return box.has(axisOf(node, -1, out.length)) ? undefined : [box];
    case 'Concat':
      return box.has(axisOf(node, 1, out.length)) ? undefined : node.inputs.map(() => box);
    case 'Transpose': {
      const perm = intsOf(node, 'perm') ?? out.map((_, i) => out.length - 1 - i);
      return [new Map([...box].map(([axis, list]) => [perm[axis]!, list]))];
    }
    case 'Gemm':
      return gemm(node, box, ins);
    case 'MatMul':
      return matmul(box, out, ins);
  }
  return undefined;
}

/** A box of the output as one of an operand that broadcasts. */
function aligned(box: Box, out: readonly number[], size: readonly number[]): Box {
  const shift = out.length - size.length;
  return new Map([...box].flatMap(([axis, list]) => (axis >= shift && size[axis - shift] !== 1 ? [[axis - shift, list] as const] : []))); // prettier-ignore
}

function gemm(node: Node, box: Box, ins: readonly (readonly number[])[]): Box[] {
  const flag = (name: string) => {
    const found = node.attributes.get(name);
    return found?.kind === 'int' ? found.value : 0;
  };
  const [rows, columns] = [box.get(0), box.get(1)];
  const only = (axis: number, list: readonly number[] | undefined): Box => (list ? new Map([[axis, list]]) : whole);
  const made = [only(flag('transA') ? 1 : 0, rows), only(flag('transB') ? 0 : 1, columns)];
  const c = ins[2];
  return c && node.inputs[2] ? [...made, aligned(box, [0, 0], c)] : made;
}

function matmul(box: Box, out: readonly number[], [a, b]: readonly (readonly number[])[]): Box[] | undefined {
  if (a!.length < 2 || b!.length < 2) return undefined;
  const rank = out.length;
  const part = (size: readonly number[], own: number): Box => {
    const shift = rank - size.length;
    const kept = [...box].flatMap(([axis, list]): [number, readonly number[]][] => {
      if (axis >= rank - 2) return axis === own ? [[axis - shift, list]] : [];
      return axis >= shift && size[axis - shift] !== 1 ? [[axis - shift, list]] : [];
    });
    return new Map(kept);
  };
  return [part(a!, rank - 2), part(b!, rank - 1)];
}

/** A box through a Reshape: axes that go together, by products of sizes; undefined where no box of the input gives it. */
function reshaped(ins: readonly number[], out: readonly number[], box: Box): Box | undefined {
  const made = new Map<number, readonly number[]>();
  for (const group of groupsOf(ins, out)) {
    const selected = group.outs.filter(axis => box.has(axis));
    if (selected.length === 0) continue;
    const lists = group.outs.map(axis => box.get(axis) ?? range(out[axis]!));
    if (lists.some(list => list.some((index, i) => i > 0 && index <= list[i - 1]!))) return undefined;
    if (lists.reduce((n, list) => n * list.length, 1) > longest) return undefined;
    // places within the group, in order
    let flat = [0];
    for (const [i, axis] of group.outs.entries())
      flat = flat.flatMap(place => lists[i]!.map(index => place * out[axis]! + index));
    const wanted = group.ins.map(() => new Set<number>());
    for (const place of flat) {
      let rest = place;
      for (let i = group.ins.length - 1; i >= 0; i--) {
        const size = ins[group.ins[i]!]!;
        wanted[i]!.add(rest % size);
        rest = Math.floor(rest / size);
      }
    }
    if (wanted.reduce((n, set) => n * set.size, 1) !== flat.length) return undefined;
    for (const [i, axis] of group.ins.entries())
      if (wanted[i]!.size !== ins[axis])
        made.set(
          axis,
          [...wanted[i]!].sort((x, y) => x - y),
        );
  }
  return made;
}
const range = (size: number) => Array.from({ length: size }, (_, i) => i);

function groupsOf(ins: readonly number[], out: readonly number[]) {
  const groups: { readonly ins: number[]; readonly outs: number[] }[] = [];
  let [i, j] = [0, 0];
  while (i < ins.length || j < out.length) {
    const group = { ins: [] as number[], outs: [] as number[] };
    let [a, b] = [1, 1];
    do {
      if (j >= out.length || (i < ins.length && a <= b)) [a, i] = [a * ins[i]!, (group.ins.push(i), i + 1)];
      else [b, j] = [b * out[j]!, (group.outs.push(j), j + 1)];
      if (group.ins.length > 0 && group.outs.length === 0 && j < out.length && a > 1)
        [b, j] = [b * out[j]!, (group.outs.push(j), j + 1)];
    } while (a !== b);
    groups.push(group);
  }
  return groups;
}

/** What a node selects: a Gather by constant indices or a Slice between constants. */
export interface Selection {
  /** The part of each input for a part of the output. */
  before(box: Box): readonly (Box | undefined)[];
  /** The selected part of the input, in the shape of the output's part. */
  shaped(value: Value, box: Box): Value;
}

export function selectionOf(graph: Graph, node: Node): Selection | undefined {
  if (node.domain !== '' || (node.op !== 'Gather' && node.op !== 'Slice')) return undefined;
  const sizes = sizesOf(graph, node.inputs[0]!);
  const out = sizesOf(graph, node.outputs[0]!);
  const parts = sizes && (node.op === 'Gather' ? gathered(graph, node, sizes) : sliced(graph, node, sizes));
  if (!sizes || !out || !parts) return undefined;
  const removed = out.length < sizes.length ? [...parts.keys()][0]! : undefined;
  const others = node.inputs.slice(1).map(() => undefined);
  return {
    before(box) {
      const made = new Map(parts);
      for (const [axis, list] of box) {
        const at = removed !== undefined && axis >= removed ? axis + 1 : axis;
        const own = parts.get(at);
        made.set(at, own ? list.map(i => own[i]!) : list);
      }
      return [made, ...others];
    },
    shaped: (value, box) => (removed === undefined ? value : Reshape(value, out.map((size, axis) => box.get(axis)?.length ?? size))), // prettier-ignore
  };
}

function gathered(graph: Graph, node: Node, sizes: readonly number[]): Box | undefined {
  const indices = integersOf(graph, node.inputs[1]);
  const rank = graph.initializers.get(node.inputs[1]!)?.shape.length;
  const axis = axisOf(node, 0, sizes.length);
  if (!indices || rank === undefined || rank > 1 || indices.length === 0) return undefined;
  const list = indices.map(index => (index < 0 ? index + sizes[axis]! : index));
  return list.every((index, i) => i === 0 || index > list[i - 1]!) ? new Map([[axis, list]]) : undefined;
}

function sliced(graph: Graph, node: Node, sizes: readonly number[]): Box | undefined {
  const [starts, ends] = [integersOf(graph, node.inputs[1]), integersOf(graph, node.inputs[2])];
  const axes = node.inputs[3] ? integersOf(graph, node.inputs[3]) : starts?.map((_, i) => i);
  const steps = node.inputs[4] ? integersOf(graph, node.inputs[4]) : starts?.map(() => 1);
  if (!starts || !ends || !axes || !steps || steps.some(step => step < 1)) return undefined;
  const box = new Map<number, readonly number[]>();
  for (const [i, given] of axes.entries()) {
    const axis = given < 0 ? given + sizes.length : given;
    const size = sizes[axis]!;
    const clamp = (index: number) => Math.min(size, Math.max(0, index < 0 ? index + size : index));
    const list: number[] = [];
    for (let at = clamp(starts[i]!); at < clamp(ends[i]!); at += steps[i]!) list.push(at);
    if (list.length === 0) return undefined;
    if (list.length < size) box.set(axis, list);
  }
  return box.size > 0 ? box : undefined;
}

function axisOf(node: Node, byDefault: number, rank: number): number {
  const found = node.attributes.get('axis');
  const axis = found?.kind === 'int' ? found.value : byDefault;
  return axis < 0 ? axis + rank : axis;
}
