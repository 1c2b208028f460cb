// What of a graph changes from batch to batch. The rest depends on weights alone: it is small, and moving work there
// is what the fast forms live of.

import { feedsOf, namesRead, type Graph } from '../graph/index.js';

/** The values that depend on what the network is fed: on inputs of the graph that are not trained. */
export function fedValues(graph: Graph, parameters: ReadonlySet<string>): Set<string> {
  const fed = new Set(feedsOf(graph).flatMap(({ name }) => (parameters.has(name) ? [] : [name])));
  for (const node of graph.nodes)
    if ([...namesRead(node)].some(name => fed.has(name))) for (const name of node.outputs) if (name) fed.add(name);
  return fed;
}
