// Copies a whole graph into one under construction, its inputs bound to values that are there already.
// Names are kept where they are free and made fresh where they are not; sub-graphs follow their captured names.

import type { Builder, Value } from './builder.js';
import { errors } from './errors.js';
import type { Attribute, Graph, Node, ValueInfo } from './model.js';

/**
 * Adds a graph to the builder.
 *
 * @param bindings the value for each of its inputs, by name; weights may be bound too
 * @param shapes what is known of inner values in the new place; by default what the graph says itself
 * @returns its outputs, by their names in `graph`
 */
export function embed(builder: Builder, graph: Graph, bindings: ReadonlyMap<string, Value>): Map<string, Value> {
  const renamed = new Map<string, string>();
  for (const input of graph.inputs) {
    const bound = bindings.get(input.name);
    if (bound) renamed.set(input.name, bound.name);
    else if (!graph.initializers.has(input.name)) throw errors.NO_VALUE({ name: input.name });
  }
  const place = (name: string): string => {
    const free = builder.isFree(name) ? name : builder.fresh(name);
    renamed.set(name, free);
    return free;
  };
  for (const [name, data] of graph.initializers) {
    const bound = bindings.get(name);
    if (bound) renamed.set(name, bound.name);
    else builder.parameter(place(name), data);
  }
  const infos = new Map<string, ValueInfo>([...graph.values, ...graph.outputs.map(info => [info.name, info] as const)]);
  for (const node of graph.nodes) {
    const before = new Map<string, string>();
    const outputs = node.outputs.map(name => {
      if (!name) return '';
      const next = place(name);
      before.set(next, name);
      return next;
    });
    const name = builder.isFree(node.name) ? node.name : builder.fresh(node.name || node.op.toLowerCase());
    builder.adopt({ ...renameNode(node, renamed, hint => builder.fresh(hint)), name, outputs }, output =>
      infos.get(before.get(output)!),
    );
  }
  return new Map(graph.outputs.map(({ name }) => [name, builder.value(renamed.get(name) ?? name)]));
}

/**
 * A node that reads other names; sub-graphs read them too, except where they make the name themselves.
 *
 * @param place gives the names that sub-graphs make new ones, where they would be taken; without, they keep them
 */
export function renameNode(node: Node, renamed: ReadonlyMap<string, string>, place?: (name: string) => string): Node {
  const inputs = node.inputs.map(name => renamed.get(name) ?? name);
  let attributes = node.attributes;
  for (const [key, attribute] of node.attributes) {
    let next: Attribute = attribute;
    if (attribute.kind === 'graph') next = { kind: 'graph', value: renameGraph(attribute.value, renamed, place) };
    else if (attribute.kind === 'graphs')
      next = { kind: 'graphs', value: attribute.value.map(graph => renameGraph(graph, renamed, place)) };
    if (next !== attribute) attributes = new Map(attributes).set(key, next);
  }
  return { ...node, inputs, attributes };
}

function renameGraph(graph: Graph, renamed: ReadonlyMap<string, string>, place?: (name: string) => string): Graph {
  const own = new Map(renamed);
  const makes = (name: string) => {
    if (!name) return;
    if (place) own.set(name, place(name));
    else own.delete(name);
  };
  for (const { name } of graph.inputs) makes(name);
  for (const name of graph.initializers.keys()) if (!graph.inputs.some(input => input.name === name)) makes(name);
  for (const node of graph.nodes) for (const name of node.outputs) makes(name);
  const now = (name: string) => own.get(name) ?? name;
  const kept = graph.nodes.map(node => {
    const next = renameNode(node, own, place);
    return place ? { ...next, name: node.name && place(node.name), outputs: node.outputs.map(now) } : next;
  });
  const outputs = graph.outputs.map(output => ({ ...output, name: now(output.name) }));
  if (!place) return { ...graph, nodes: kept, outputs };
  return {
    ...graph,
    nodes: kept,
    outputs,
    inputs: graph.inputs.map(input => ({ ...input, name: now(input.name) })),
    initializers: new Map([...graph.initializers].map(([name, data]) => [now(name), data])),
    values: new Map([...graph.values].map(([name, info]) => [now(name), { ...info, name: now(name) }])),
  };
}
