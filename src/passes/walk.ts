// Walking graphs with their sub-graphs, so that a pass says once what it does to one graph.

import { subgraphsOf, type Attribute, type Graph, type Model, type Node } from '../graph/index.js';

/** Applies a change to the sub-graphs of every node and then to the graph itself; the same object where nothing changed. */
export function mapGraph(graph: Graph, change: (graph: Graph, isInner: boolean) => Graph, isInner = false): Graph {
  const nodes = mapKept(graph.nodes, node => mapSubgraphs(node, inner => mapGraph(inner, change, true)));
  return change(nodes === graph.nodes ? graph : { ...graph, nodes }, isInner);
}

/** Applies a change to the graph of a model and all of its sub-graphs. */
export function mapModel(model: Model, change: (graph: Graph, isInner: boolean) => Graph): Model {
  const graph = mapGraph(model.graph, change);
  return graph === model.graph ? model : { ...model, graph };
}

/** Applies a change to the graphs among a node's attributes. */
export function mapSubgraphs(node: Node, change: (graph: Graph) => Graph): Node {
  return mapAttributes(node, attribute => {
    if (attribute.kind === 'graph') {
      const value = change(attribute.value);
      return value === attribute.value ? attribute : { kind: 'graph', value };
    }
    if (attribute.kind === 'graphs') {
      const value = mapKept(attribute.value, change);
      return value === attribute.value ? attribute : { kind: 'graphs', value };
    }
    return attribute;
  });
}

/** Applies a change to the attributes of a node. */
export function mapAttributes(node: Node, change: (attribute: Attribute, name: string) => Attribute): Node {
  let attributes: Map<string, Attribute> | undefined;
  for (const [name, attribute] of node.attributes) {
    const next = change(attribute, name);
    if (next !== attribute) attributes = (attributes ?? new Map(node.attributes)).set(name, next);
  }
  return attributes ? { ...node, attributes } : node;
}

/** `map` that gives the same array where nothing changed. */
export function mapKept<T>(list: readonly T[], change: (one: T) => T): readonly T[] {
  let changed: T[] | undefined;
  list.forEach((one, i) => {
    const next = change(one);
    if (next !== one && !changed) changed = list.slice(0, i);
    changed?.push(next);
  });
  return changed ?? list;
}

/** Every name in a graph and in its sub-graphs, of values and of nodes. */
export function namesOf(graph: Graph): Set<string> {
  const names = new Set<string>();
  const pending = [graph];
  for (let one = pending.pop(); one; one = pending.pop()) {
    for (const { name } of [...one.inputs, ...one.outputs, ...one.sparseInitializers]) names.add(name);
    for (const name of one.initializers.keys()) names.add(name);
    for (const node of one.nodes) {
      names.add(node.name);
      for (const name of [...node.inputs, ...node.outputs]) names.add(name);
      pending.push(...subgraphsOf(node));
    }
  }
  return names;
}

/** Gives names that nothing in a graph or in its sub-graphs has, each once, made from hints. */
export function freshNames(graph: Graph): (hint: string) => string {
  const taken = namesOf(graph);
  return hint => {
    let name = hint;
    for (let n = 1; taken.has(name); n++) name = `${hint}_${n}`;
    taken.add(name);
    return name;
  };
}
