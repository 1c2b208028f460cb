// Parts of a graph: the inputs that pictures enter by, the nodes that some values need, and where a named dimension
// can be read again. What `inspect` calls a cut and what `passes/split` does with it rest on these three.

import { namesRead } from './builder.js';
import { feedsOf, type Dim, type Graph, type Node, type ValueInfo } from './model.js';

/** What is known of a value: its type, its shape and, for shape arithmetic, the integers inside. */
export interface ValueFacts {
  readonly type?: ValueInfo['type'];
  readonly shape?: readonly Dim[];
  readonly known?: readonly Dim[];
}

/**
 * The inputs that a network works on: those of rank 3 or more, or of unknown rank. Where there are none, all of them.
 * Other inputs (switches, counts, thresholds) are side inputs, which every part of the network may read.
 */
export function mainInputsOf(graph: Graph): readonly ValueInfo[] {
  const feeds = feedsOf(graph);
  const main = feeds.filter(({ shape }) => !shape || shape.length >= 3);
  return main.length > 0 ? main : feeds;
}

/**
 * The nodes that `targets` need, in order, without going beyond the values in `stops`; names captured by sub-graphs
 * count as read. `sources` are the names that no node of the slice makes: inputs, weights and stops.
 */
export function sliceOf(
  graph: Graph,
  targets: Iterable<string>,
  stops: ReadonlySet<string> = new Set(),
): { readonly nodes: readonly Node[]; readonly sources: ReadonlySet<string> } {
  const needed = new Set<string>();
  const need = (name: string) => void needed.add(name);
  for (const name of targets) need(name);
  const nodes: Node[] = [];
  const made = new Set<string>();
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some(name => name && needed.has(name) && !stops.has(name))) continue;
    nodes.push(node);
    for (const name of node.outputs) if (name && !stops.has(name)) made.add(name);
    for (const name of namesRead(node)) need(name);
  }
  const sources = new Set([...needed].filter(name => !made.has(name)));
  return { nodes: nodes.reverse(), sources };
}

/** Where a dimension can be read: `shape(value)[axis] · times / over`. */
export interface DimSource {
  readonly value: string;
  readonly axis: number;
  readonly times: number;
  readonly over: number;
}

/** `4*batch` as its number and its names. */
const parse = (dim: string): { readonly factor: number; readonly names: string } => {
  const match = /^(\d+)\*(.*)$/.exec(dim);
  return match ? { factor: Number(match[1]), names: match[2]! } : { factor: 1, names: dim };
};

/** Finds a named dimension in the shapes of some values, as it is or times a number; undefined where none has it. */
export function dimSource(
  dim: string,
  values: Iterable<readonly [string, readonly Dim[] | undefined]>,
): DimSource | undefined {
  if (dim === '') return undefined;
  const wanted = parse(dim);
  let found: DimSource | undefined;
  for (const [value, shape] of values)
    for (const [axis, here] of (shape ?? []).entries()) {
      if (here === dim) return { value, axis, times: 1, over: 1 };
      if (found || typeof here !== 'string' || here === '') continue;
      const { factor, names } = parse(here);
      if (names === wanted.names) found = { value, axis, times: wanted.factor, over: factor };
    }
  return found;
}
