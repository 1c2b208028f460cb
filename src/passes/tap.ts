// Inner values of a network become outputs of it, after those that it has. Nothing else changes.

import { subgraphsOf, type Graph, type Model, type ValueFacts, type ValueInfo } from '../graph/index.js';
import { errors } from './tap-errors.js';

/**
 * Adds outputs for inner values.
 *
 * @param names values of the main graph; those that are outputs already are passed over
 * @param facts types and shapes of values, where the model does not say them
 * @throws TAP_NO_VALUE, and TAP_SOURCE for weights and inputs
 * @example
 * const tapped = tap(model, ['relu_3'], inspectModel(model).facts);
 */
export function tap(model: Model, names: readonly string[], facts: ReadonlyMap<string, ValueFacts> = new Map()): Model {
  const { graph } = model;
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs.filter(Boolean)));
  const there = new Set(graph.outputs.map(({ name }) => name));
  const added = new Map<string, ValueInfo>();
  for (const name of names) {
    if (there.has(name)) continue;
    if (!made.has(name)) {
      if (graph.initializers.has(name)) throw errors.SOURCE({ name, kind: 'a weight' });
      if (graph.inputs.some(input => input.name === name)) throw errors.SOURCE({ name, kind: 'an input' });
      throw errors.NO_VALUE({
        name,
        isInner: graph.nodes.some(node => subgraphsOf(node).some(inner => has(inner, name))),
      });
    }
    const { type, shape } = facts.get(name) ?? {};
    const said = graph.values.get(name);
    added.set(name, said?.type && said.shape ? said : { name, ...(type ? { type } : {}), ...(shape ? { shape } : {}) });
  }
  if (added.size === 0) return model;
  const values = new Map([...graph.values].filter(([name]) => !added.has(name)));
  return { ...model, graph: { ...graph, outputs: [...graph.outputs, ...added.values()], values } };
}

/** Whether a body, or one inside it, makes the value. */
const has = (graph: Graph, name: string): boolean =>
  graph.initializers.has(name) ||
  graph.nodes.some(node => node.outputs.includes(name) || subgraphsOf(node).some(inner => has(inner, name)));
