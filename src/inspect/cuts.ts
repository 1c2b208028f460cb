// Where a network can be cut: the values, and pairs of values, that every path from its pictures to its outputs
// crosses. One sweep over the nodes in order keeps the set of values that descend from the pictures and are still
// to be read: where it holds one value, that value is a cut, whatever the order of the nodes (a value made before
// the cut and read after it would be a path around it). Weights do not count, and neither does shape arithmetic
// whose integers are known and can be read again from the shape of the cut. Pairs: `pairs.ts`.

import {
  dimSource,
  feedsOf,
  mainInputsOf,
  namesRead,
  sliceOf,
  type Dim,
  type Graph,
  type Node,
  type ValueFacts,
} from '../graph/index.js';

/** A value, or a pair of values, that all paths from input to output cross. */
export interface Cut {
  readonly values: readonly string[];
  /** How many of the network's needed nodes come before it: cuts are listed in this order. */
  readonly depth: number;
}

/** Facts by value name, as `inferValues` gives them. Without them only names are followed. */
export type FactsByName = ReadonlyMap<string, ValueFacts>;

/**
 * Every single value that all paths from the main inputs to the outputs cross, in depth order; the inputs themselves
 * and the values that are all the network gives are left out. Linear in the size of the graph.
 *
 * @param facts types, shapes and known integers of values; with them shape arithmetic is no path
 * @example
 * cutsOf(model.graph).map(cut => cut.values[0]); // ['conv1', 'relu1', …, 'pooled', 'flat']
 */
export function cutsOf(graph: Graph, facts: FactsByName = new Map()): Cut[] {
  return sweep(flowOf(graph, facts), 1);
}

/** The needed nodes of a network and what flows between them. */
export interface Flow {
  readonly nodes: readonly Node[];
  /** What each node reads that descends from the pictures, shape arithmetic left out. */
  readonly reads: readonly (readonly string[])[];
  /** What each node makes of it. */
  readonly makes: readonly (readonly string[])[];
  /** The index of the last node that reads a value; beyond the last node for outputs. */
  readonly lastRead: ReadonlyMap<string, number>;
  /** Named dimensions that shape arithmetic brings to a node, and the last node that needs each. */
  readonly lastNeeded: ReadonlyMap<string, number>;
  readonly inputs: readonly string[];
  readonly outputs: ReadonlySet<string>;
  /** Whether a named dimension can be read from these values or from the side inputs. */
  canRead(dim: string, values: readonly string[]): boolean;
}

/** Follows the pictures through the needed nodes of a graph. */
export function flowOf(graph: Graph, facts: FactsByName = new Map()): Flow {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const { nodes } = sliceOf(graph, outputs);
  const inputs = mainInputsOf(graph).map(({ name }) => name);
  const side = feedsOf(graph).filter(({ name }) => !inputs.includes(name));
  const flowing = new Set(inputs);
  // Shape arithmetic: value to the named dimensions that its integers are made of.
  const arithmetic = new Map<string, ReadonlySet<string>>();
  const reads: string[][] = [];
  const makes: string[][] = [];
  const lastRead = new Map<string, number>();
  const lastNeeded = new Map<string, number>();
  nodes.forEach((node, at) => {
    const all = [...namesRead(node)];
    const flows = all.filter(name => flowing.has(name));
    const dims = new Set(all.flatMap(name => [...(arithmetic.get(name) ?? [])]));
    const made: string[] = [];
    let isData = false;
    for (const name of node.outputs) {
      if (!name) continue;
      const known = facts.get(name)?.known;
      const hasArithmetic = flows.length > 0 || dims.size > 0;
      if (hasArithmetic && known?.every(isDim) && !outputs.has(name))
        arithmetic.set(name, new Set(known.filter(dim => typeof dim === 'string')));
      else if (flows.length > 0) {
        flowing.add(name);
        made.push(name);
        isData = true;
      } else if (dims.size > 0) arithmetic.set(name, dims);
    }
    // A node that only tells shapes reads no data: what it needs is read again behind the cut.
    reads.push(isData ? flows : []);
    makes.push(made);
    if (!isData) return;
    for (const name of flows) lastRead.set(name, at);
    for (const dim of dims) lastNeeded.set(dim, at);
  });
  for (const name of outputs) lastRead.set(name, nodes.length);
  return {
    nodes,
    reads,
    makes,
    lastRead,
    lastNeeded,
    inputs,
    outputs,
    canRead: (dim, values) =>
      dimSource(dim, [
        ...values.map(name => [name, facts.get(name)?.shape] as const),
        ...side.map(({ name, shape }) => [name, shape] as const),
      ]) !== undefined,
  };
}

/** A number or a name that a cut may give again. */
const isDim = (dim: Dim): boolean => (typeof dim === 'number' ? Number.isSafeInteger(dim) : dim !== '');

/** The sets of `size` or fewer values that the sweep finds alive alone, each once. */
export function sweep(flow: Flow, size: number): Cut[] {
  const alive = new Set(flow.inputs.filter(name => flow.lastRead.has(name)));
  const found = new Map<string, Cut>();
  flow.nodes.forEach((_, at) => {
    const made = flow.makes[at]!;
    if (made.length === 0) return;
    for (const name of flow.reads[at]!) if (flow.lastRead.get(name) === at) alive.delete(name);
    for (const name of made) if ((flow.lastRead.get(name) ?? -1) > at) alive.add(name);
    if (alive.size > size || alive.size === 0) return;
    const values = [...alive];
    if (!isUseful(flow, values) || !carriesDims(flow, values, at)) return;
    const key = values.join('\u0000');
    if (!found.has(key)) found.set(key, { values, depth: at + 1 });
  });
  return [...found.values()];
}

/** Neither the inputs alone nor everything that the network gives. */
const isUseful = (flow: Flow, values: readonly string[]): boolean =>
  values.some(name => !flow.inputs.includes(name)) && values.some(name => isReadOn(flow, name));
const isReadOn = (flow: Flow, name: string): boolean =>
  !flow.outputs.has(name) || flow.reads.some(names => names.includes(name));

/** Whether the dimensions that later shape arithmetic needs can be read from the cut. */
export const carriesDims = (flow: Flow, values: readonly string[], at: number): boolean =>
  [...flow.lastNeeded].every(([dim, last]) => last <= at || flow.canRead(dim, values));
