// Weights as the loop holds them. Where every reader of a weight first writes it in another layout, the loop stores it
// so: the update works element by element and does not mind, and no step pays for the change of layout.

import { Builder, embed, type Graph, type Node, type Value } from '../../graph/index.js';
import { Reshape, Transpose } from '../../operators/index.js';
import { lookAt, type Before } from '../../passes/index.js';

/** A weight in another layout. */
export interface Layout {
  /** Its shape inside the loop. */
  readonly shape: readonly number[];
  /** From its own layout to that of the loop. */
  to(value: Value): Value;
  /** And back. */
  from(value: Value): Value;
}

/** One change of layout: a Reshape where there is no perm. Shapes before and after. */
interface Move {
  readonly perm?: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/**
 * Takes the changes of layout at the weights out of a graph.
 *
 * @returns the graph that reads the weights as they are stored, and the layout of each that is stored differently
 */
export function storedLayouts(
  graph: Graph,
  parameters: ReadonlySet<string>,
): { readonly graph: Graph; readonly layouts: ReadonlyMap<string, Layout> } {
  const before = lookAt(graph);
  const layouts = new Map<string, Layout>();
  /** What each weight is under when it is in the layout of the loop. */
  const stored = new Map<string, string>();
  for (const name of parameters) {
    const { moves, end } = movesOf(graph, before, name);
    if (moves.length === 0) continue;
    stored.set(end, name);
    layouts.set(name, layoutOf(moves));
  }
  if (layouts.size === 0) return { graph, layouts };
  const builder = new Builder(graph.name);
  const bindings = new Map<string, Value>();
  for (const { name, type = 'float32', shape = [] } of graph.inputs)
    if (!graph.initializers.has(name)) bindings.set(name, builder.input(name, type, layouts.get(name)?.shape ?? shape));
  for (const [end, name] of stored) bindings.set(end, bindings.get(name)!);
  const made = embed(builder, withoutMakers(graph, stored), bindings);
  for (const { name } of graph.outputs) builder.output(made.get(name)!, name);
  return { graph: builder.finish(), layouts };
}

/** The graph in which the stored forms are inputs instead of nodes. */
function withoutMakers(graph: Graph, stored: ReadonlyMap<string, string>): Graph {
  const inputs = [...stored.keys()].map(name => ({ ...graph.values.get(name)!, name }));
  const nodes = graph.nodes.filter(node => !node.outputs.some(name => stored.has(name)));
  return { ...graph, nodes, inputs: [...graph.inputs, ...inputs] };
}

/** The changes of layout that all readers of a weight share, up to the last that moves elements. */
function movesOf(
  graph: Graph,
  before: Before,
  name: string,
): { readonly moves: readonly Move[]; readonly end: string } {
  const moves: Move[] = [];
  let [at, end, kept] = [name, name, 0];
  for (;;) {
    const readers = before.readers.get(at);
    const move = readers?.length === 1 && !before.outputs.has(at) ? moveOf(graph, readers[0]!, at) : undefined;
    if (!move) break;
    moves.push(move);
    at = readers![0]!.outputs[0]!;
    if (!before.outputs.has(at) && move.perm) [end, kept] = [at, moves.length];
  }
  return { moves: moves.slice(0, kept), end };
}

function moveOf(graph: Graph, node: Node, from: string): Move | undefined {
  const shapeOf = (name: string) =>
    (graph.values.get(name) ?? graph.inputs.find(input => input.name === name))?.shape as readonly number[] | undefined;
  const [before, after] = [shapeOf(from), shapeOf(node.outputs[0]!)];
  if (!before || !after || node.domain !== '' || node.inputs[0] !== from) return undefined;
  if (node.op === 'Reshape') return { before, after };
  const perm = node.attributes.get('perm');
  if (node.op !== 'Transpose' || perm?.kind !== 'ints') return undefined;
  return { perm: perm.value, before, after };
}

function layoutOf(moves: readonly Move[]): Layout {
  const back = (perm: readonly number[]) => perm.map((_, i) => perm.indexOf(i));
  return {
    shape: moves.at(-1)!.after,
    to: value => moves.reduce((at, { perm, after }) => (perm ? moved(at, perm) : Reshape(at, after)), value),
    from: value =>
      moves.reduceRight((at, { perm, before }) => (perm ? moved(at, back(perm)) : Reshape(at, before)), value),
  };
}

/**
 * A Transpose by as few axes as it takes: those that stay together are one. Two that change places are moved past a
 * third of size 1, for which onnxruntime has a faster kernel ([512, 512, 9] to [9, 512, 512]: 2.3 instead of 8 ms).
 */
function moved(value: Value, perm: readonly number[]): Value {
  const runs: number[][] = [];
  for (const axis of perm) {
    if (runs.at(-1)?.at(-1) === axis - 1) runs.at(-1)!.push(axis);
    else runs.push([axis]);
  }
  const sizes = value.shape as readonly number[];
  const sources = [...runs].sort(([a], [b]) => a! - b!);
  const merged = sources.map(run => run.reduce((size, axis) => size * sizes[axis]!, 1));
  const order = runs.map(run => sources.indexOf(run));
  const one = order.length === 2;
  const made = one
    ? Transpose(Reshape(value, [1, ...merged]), { perm: [2, 0, 1] })
    : Transpose(Reshape(value, merged), { perm: order });
  return Reshape(
    made,
    perm.map(axis => sizes[axis]!),
  );
}
