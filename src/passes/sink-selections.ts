// Where only a part of a value is read, only that part is computed. A selection (Gather by constant indices, Slice) moves
// up through operators that work on each index of its axis by itself, exactly:
//   rows of f(x)  =  f(rows of x)      rows of A · B  =  (rows of A) · B      columns of A · B  =  A · (columns of B)
// A class token that is read alone after the last block so needs one row of that block's MLP and one query, not all.
// First a walk backwards collects which part of each value is wanted; then the graph is written anew, each node once for
// each part that is wanted of it, where the parts together are clearly less than the whole.

import { Builder, renameNode, subgraphsOf, type Graph, type Node, type Value } from '../graph/index.js';
import { Gather, Reshape, Slice, Split, coreOperators, inferOutputs } from '../operators/index.js';
import { pass } from './pass.js';
import { lookAt, reserveNames, withOutputNames, type Before } from './rewrite.js';
import { beforeNode, isView, keyOf, selectionOf, whole, type Box } from './selections.js';
import { sizesOf } from './values-of.js';

/** Parts of a value are made apart only where together they are at most this share of it. */
const share = 0.75;

/** Moves selections up to where their values come from. */
export const sinkSelections = pass('sink-selections', (model, tell) => {
  const { graph } = model;
  if (graph.nodes.some(node => subgraphsOf(node).length > 0)) return model;
  const before = lookAt(graph);
  const { plan, wanted } = planOf(before);
  const parts = [...plan.values()].filter(boxes => boxes.length > 0 && !boxes.some(box => box.size === 0)).length;
  if (parts === 0) return model;
  tell(`computes only the part that is read of ${parts} values`);
  return { ...model, graph: write(before, plan, wanted) };
});

/** Which parts of each node's output are made; one whole part where nothing can be left out. */
type Plan = ReadonlyMap<Node, readonly Box[]>;
/** The parts that are read of each value. */
type Wanted = ReadonlyMap<string, ReadonlyMap<string, Box>>;

function planOf(before: Before): { readonly plan: Plan; readonly wanted: Wanted } {
  const { graph, outputs } = before;
  const wanted = new Map<string, Map<string, Box>>();
  const want = (name: string, box: Box) => {
    const boxes = wanted.get(name) ?? new Map<string, Box>();
    wanted.set(name, boxes.set(keyOf(box), box));
  };
  for (const name of outputs) want(name, whole);
  const isMade = (node: Node) => node.outputs.some(name => wanted.has(name));
  const plan = new Map<Node, readonly Box[]>();
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!isMade(node)) continue;
    const boxes = partsOf(graph, node, [...(wanted.get(node.outputs[0]!)?.values() ?? [])]);
    plan.set(node, boxes);
    for (const box of boxes) {
      const inputs = beforeNode(graph, node, box);
      node.inputs.forEach((name, k) => {
        if (name) want(name, inputs?.[k] ?? whole);
      });
    }
  }
  return { plan, wanted };
}

/** The parts of a node that are made: those that are wanted, or the whole. */
function partsOf(graph: Graph, node: Node, boxes: readonly Box[]): readonly Box[] {
  if (node.outputs.filter(Boolean).length !== 1) return [whole];
  const sizes = sizesOf(graph, node.outputs[0]!);
  if (!sizes || boxes.some(box => box.size === 0)) return [whole];
  // A selection is free to be made in parts; what computes is made in parts where that is less.
  const isLess = selectionOf(graph, node) !== undefined || boxes.reduce((sum, box) => sum + volume(box, sizes), 0) <= share; // prettier-ignore
  return isLess && boxes.every(box => beforeNode(graph, node, box)) ? boxes : [whole];
}
const volume = (box: Box, sizes: readonly number[]): number =>
  [...box].reduce((product, [axis, indices]) => (product * indices.length) / sizes[axis]!, 1);

function write(before: Before, plan: Plan, wanted: Wanted): Graph {
  const { graph } = before;
  const builder = new Builder(graph.name);
  reserveNames(builder, graph);
  const values = new Map<string, Value>();
  const at = (name: string, box: Box) => `${name}\u0000${keyOf(box)}`;
  for (const { name, type, shape } of graph.inputs)
    if (!graph.initializers.has(name)) values.set(at(name, whole), builder.input(name, type ?? 'float32', shape ?? []));
  for (const [name, data] of graph.initializers) values.set(at(name, whole), builder.parameter(name, data));
  /** A part of a value: as it was made, or taken out of the whole. */
  const read = (name: string, box: Box): Value => {
    const made = values.get(at(name, box));
    if (made) return made;
    const all = values.get(at(name, whole))!;
    const apart = splitOf(all, [...(wanted.get(name)?.values() ?? [])]);
    for (const [part, value] of apart ?? [[box, select(all, box)]]) values.set(at(name, part), value);
    return values.get(at(name, box))!;
  };
  for (const node of graph.nodes)
    for (const box of plan.get(node) ?? []) {
      const found = beforeNode(graph, node, box);
      const selection = selectionOf(graph, node);
      // A selection of what is there as a whole stays the node that it is.
      const isKept = selection && box.size === 0 && !values.has(at(node.inputs[0]!, found![0]!));
      const parts = isKept ? undefined : found;
      const inputs = node.inputs.map((name, i) => (name && !(selection && !isKept && i > 0) ? read(name, parts?.[i] ?? whole) : undefined)); // prettier-ignore
      if (selection && !isKept) values.set(at(node.outputs[0]!, box), selection.shaped(inputs[0]!, box));
      else if (box.size === 0) adopt(builder, node, inputs, values, name => at(name, whole), before);
      else values.set(at(node.outputs[0]!, box), remake(graph, node, inputs, box));
    }
  for (const { name } of graph.outputs) builder.outputs.push({ name, value: read(name, whole) });
  return withOutputNames(builder, graph);
}

/** The parts of a value as one Split, whose gradient is one Concat, where they are all of it, one behind the other. */
function splitOf(value: Value, boxes: readonly Box[]): [Box, Value][] | undefined {
  const axis = boxes[0] ? [...boxes[0].keys()][0] : undefined;
  if (boxes.length < 2 || axis === undefined || boxes.some(box => box.size !== 1 || !box.has(axis))) return undefined;
  const sorted = [...boxes].sort((a, b) => a.get(axis)![0]! - b.get(axis)![0]!);
  let next = 0;
  for (const box of sorted) {
    const list = box.get(axis)!;
    if (list[0] !== next || list.at(-1) !== next + list.length - 1) return undefined;
    next += list.length;
  }
  if (next !== value.shape[axis]) return undefined;
  const sizes = sorted.map(box => box.get(axis)!.length);
  const parts = Split.all(sorted.length, value, sizes, { axis });
  return sorted.map((box, i) => [box, parts[i]!]);
}

/** Some indices of some axes: one Slice where they lie evenly, a Gather for each axis where they do not. */
function select(value: Value, box: Box): Value {
  const even = [...box].filter(([, list]) => stepOf(list) !== undefined);
  let made = value;
  if (even.length > 0) {
    const lists = even.map(([, list]) => list);
    const [starts, ends] = [lists.map(list => list[0]!), lists.map(list => list.at(-1)! + 1)];
    made = Slice(made, starts, ends, even.map(([axis]) => axis), lists.map(list => stepOf(list)!)); // prettier-ignore
  }
  for (const [axis, list] of box) if (stepOf(list) === undefined) made = Gather(made, [...list], { axis });
  return made;
}
function stepOf(list: readonly number[]): number | undefined {
  const step = list.length > 1 ? list[1]! - list[0]! : 1;
  return step > 0 && list.every((index, i) => index === list[0]! + i * step) ? step : undefined;
}

/** A node on parts of its inputs; what states the sizes of its output states those of the part. */
function remake(graph: Graph, node: Node, inputs: readonly (Value | undefined)[], box: Box): Value {
  const operator = coreOperators.get(node.domain, node.op)!;
  const { builder } = inputs[0]!;
  const sizes = sizesOf(graph, node.outputs[0]!)!.map((size, axis) => box.get(axis)?.length ?? size);
  if (isView(node)) return Reshape(inputs[0], sizes);
  const given = node.op === 'Expand' ? [inputs[0], builder.constant(sizes)] : inputs;
  const { op, domain, attributes } = node;
  const outputs = inferOutputs(operator, given, attributes, 1);
  return builder.append({ op, domain, inputs: given, attributes, outputs })[0]!;
}

function adopt(
  builder: Builder,
  node: Node,
  inputs: readonly (Value | undefined)[],
  values: Map<string, Value>,
  key: (name: string) => string,
  { graph }: Before,
): void {
  const renamed = new Map(node.inputs.flatMap((name, i) => (name ? [[name, inputs[i]!.name] as const] : [])));
  const operator = coreOperators.get(node.domain, node.op);
  const infos = operator ? inferOutputs(operator, inputs, node.attributes, node.outputs.length) : undefined;
  builder.adopt(renameNode(node, renamed), name => {
    const info = infos?.[node.outputs.indexOf(name)] ?? graph.values.get(name);
    return info && { name, ...(info.type ? { type: info.type } : {}), ...(info.shape ? { shape: info.shape } : {}) };
  });
  for (const name of node.outputs) if (name && builder.has(name)) values.set(key(name), builder.value(name));
}
