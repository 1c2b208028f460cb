// Pairs of values that all paths cross where neither does alone: a block's input beside a value of its longer branch.
// For each value v the sweep runs again over the network without v; where one value w is alone alive then, {v, w} is a cut.
// Quadratic in the number of nodes, so very long networks are left out.

import type { Graph } from '../graph/index.js';
import { carriesDims, cutsOf, flowOf, type Cut, type FactsByName, type Flow } from './cuts.js';

/** Networks of more nodes than this have no pairs listed. */
const mostNodes = 3000;

/**
 * Every pair of values that all paths from the main inputs to the outputs cross and of which neither is a cut by itself,
 * in depth order.
 */
export function pairsOf(graph: Graph, facts: FactsByName = new Map()): Cut[] {
  const flow = flowOf(graph, facts);
  if (flow.nodes.length > mostNodes) return [];
  const single = new Set(cutsOf(graph, facts).map(({ values }) => values[0]!));
  // All paths cross the one input and the one output too.
  if (flow.inputs.length === 1) single.add(flow.inputs[0]!);
  if (flow.outputs.size === 1) for (const name of flow.outputs) single.add(name);
  const position = new Map<string, number>();
  flow.makes.forEach((names, at) => names.forEach(name => position.set(name, at)));
  const candidates = [...flow.inputs, ...position.keys()].filter(name => !single.has(name) && flow.lastRead.has(name));
  const found = new Map<string, Cut>();
  for (const v of candidates)
    for (const { name: w, at } of alone(flow, v)) {
      if (single.has(w) || w === v) continue;
      const [first, second] = (position.get(v) ?? -1) < (position.get(w) ?? -1) ? [v, w] : [w, v];
      const key = `${first}\u0000${second}`;
      if (found.has(key)) continue;
      const depth = Math.max(at, position.get(v) ?? 0);
      const values = [first, second];
      const isInputs = values.every(name => flow.inputs.includes(name));
      const isOutputs = values.every(name => flow.outputs.has(name));
      if (!isInputs && !isOutputs && carriesDims(flow, values, depth)) found.set(key, { values, depth: depth + 1 });
    }
  return [...found.values()].sort((a, b) => a.depth - b.depth);
}

/** Values that are alone alive at some node when `v` carries nothing. */
function alone(flow: Flow, v: string): { name: string; at: number }[] {
  const flowing = new Set(flow.inputs.filter(name => name !== v));
  const alive = new Set([...flowing].filter(name => flow.lastRead.has(name)));
  const found: { name: string; at: number }[] = [];
  let last: string | undefined;
  flow.nodes.forEach((_, at) => {
    const reads = flow.reads[at]!;
    const isReached = reads.some(name => flowing.has(name));
    for (const name of reads) if (flow.lastRead.get(name) === at) alive.delete(name);
    if (isReached)
      for (const name of flow.makes[at]!) {
        if (name === v) continue;
        flowing.add(name);
        if ((flow.lastRead.get(name) ?? -1) > at) alive.add(name);
      }
    if (alive.size !== 1) {
      last = undefined;
      return;
    }
    const [name] = alive;
    if (name !== last) found.push({ name: name!, at });
    last = name;
  });
  return found;
}
