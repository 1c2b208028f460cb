// Nodes that no output needs and weights that no node reads leave the graph.

import { sliceOf, type Graph } from '../graph/index.js';
import { pass } from './pass.js';
import { mapModel } from './walk.js';

/** Drops what no output needs. Inputs stay: they are the caller's. */
export const dropUnused = pass('drop-unused', (model, tell) => {
  let nodes = 0;
  let weights = 0;
  const next = mapModel(model, graph => {
    const kept = sliceOf(
      graph,
      graph.outputs.map(({ name }) => name),
    );
    const initializers = new Map([...graph.initializers].filter(([name]) => kept.sources.has(name)));
    const sparse = graph.sparseInitializers.filter(({ name }) => kept.sources.has(name));
    const [lessNodes, lessWeights] = [
      graph.nodes.length - kept.nodes.length,
      graph.initializers.size - initializers.size + graph.sparseInitializers.length - sparse.length,
    ];
    if (lessNodes + lessWeights === 0) return graph;
    nodes += lessNodes;
    weights += lessWeights;
    const made = new Set(kept.nodes.flatMap(node => node.outputs));
    const values = new Map([...graph.values].filter(([name]) => made.has(name)));
    const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name) || initializers.has(name));
    return { ...graph, inputs, nodes: kept.nodes, initializers, sparseInitializers: sparse, values } satisfies Graph;
  });
  const parts = [nodes > 0 ? count(nodes, 'node') : '', weights > 0 ? count(weights, 'weight') : ''].filter(Boolean);
  if (parts.length > 0) tell(`dropped ${parts.join(' and ')} that nothing needs`);
  return next;
});

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;
