// Weights that exporters write as Constant nodes become initializers under the same names, in every sub-graph too.

import { tensor } from '../base/index.js';
import type { Initializer, Node } from '../graph/index.js';
import { pass } from './pass.js';
import { mapModel } from './walk.js';

/** Turns Constant nodes into initializers. */
export const constantsToInitializers = pass('constants-to-initializers', (model, tell) => {
  let count = 0;
  const next = mapModel(model, graph => {
    const outputs = new Set(graph.outputs.map(({ name }) => name));
    const initializers = new Map(graph.initializers);
    const nodes = graph.nodes.filter(node => {
      const held = constantOf(node);
      const name = node.outputs[0];
      if (!held || !name || outputs.has(name)) return true;
      initializers.set(name, held);
      count++;
      return false;
    });
    if (nodes.length === graph.nodes.length) return graph;
    const values = new Map([...graph.values].filter(([name]) => !initializers.has(name)));
    return { ...graph, nodes, initializers, values };
  });
  if (count > 0) tell(`turned ${count} Constant ${count === 1 ? 'node' : 'nodes'} into initializers`);
  return next;
});

/** The tensor of a Constant node; undefined for other nodes and for sparse constants. */
export function constantOf(node: Node): Initializer | undefined {
  if (node.op !== 'Constant' || node.domain !== '') return undefined;
  for (const [name, attribute] of node.attributes) {
    if (name === 'value' && attribute.kind === 'tensor') return attribute.value;
    if (name === 'value_float' && attribute.kind === 'float') return tensor('float32', [], [attribute.value]);
    if (name === 'value_int' && attribute.kind === 'int') return tensor('int64', [], [attribute.value]);
    if (name === 'value_floats' && attribute.kind === 'floats')
      return tensor('float32', [attribute.value.length], attribute.value);
    if (name === 'value_ints' && attribute.kind === 'ints')
      return tensor('int64', [attribute.value.length], attribute.value);
  }
  return undefined;
}
