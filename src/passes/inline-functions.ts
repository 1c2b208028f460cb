// Calls of model-local functions become the nodes of the function: values get fresh names, attributes that refer to
// the call are filled in. After this every node is an operator.

import {
  renameNode,
  type Attribute,
  type Graph,
  type LocalFunction,
  type Model,
  type Node,
  type ValueInfo,
} from '../graph/index.js';
import { pass } from './pass.js';
import { freshNames, mapAttributes, mapGraph, mapModel, mapSubgraphs } from './walk.js';

/** Puts the bodies of model-local functions where they are called. */
export const inlineFunctions = pass('inline-functions', (model, tell) => {
  if (model.functions.length === 0) return model;
  const table = new Map(model.functions.map(one => [keyOf(one), one]));
  let calls = 0;
  const fresh = freshNames(model.graph);
  const expand = (nodes: readonly Node[]): Node[] =>
    nodes.flatMap(node => {
      const called = table.get(keyOf({ domain: node.domain, name: node.op, overload: node.overload ?? '' }));
      if (!called || !sameDialect(called, model)) return [node];
      calls++;
      return expand(bodyOf(called, node, fresh)).map(one =>
        mapSubgraphs(one, inner => mapGraph(inner, graph => ({ ...graph, nodes: expand(graph.nodes) }))),
      );
    });
  const next = mapModel(model, graph =>
    graph.nodes.some(node => table.has(keyOf({ domain: node.domain, name: node.op, overload: node.overload ?? '' })))
      ? { ...graph, nodes: expand(graph.nodes) }
      : graph,
  );
  if (calls > 0) tell(`put the bodies of ${calls} calls of local functions in their places`);
  const functions = model.functions.filter(one => !sameDialect(one, model));
  if (functions.length > 0) tell(`left ${functions.map(({ name }) => name).join(', ')}: written for another opset`);
  const domains = new Set(model.functions.filter(one => sameDialect(one, model)).map(({ domain }) => domain));
  const opsets = new Map([...model.opsets].filter(([domain]) => domain === '' || !domains.has(domain)));
  for (const one of model.functions)
    if (sameDialect(one, model))
      for (const [d, v] of one.opsets) if (!opsets.has(d) && !domains.has(d)) opsets.set(d, v);
  return { ...next, functions, opsets };
});

const keyOf = ({ domain, name, overload = '' }: { domain: string; name: string; overload?: string }): string =>
  [domain, name, overload].join('\u0000');

/** Whether a function means by its operators what the model means. */
const sameDialect = (one: LocalFunction, model: Model): boolean =>
  [...one.opsets].every(([domain, version]) => (model.opsets.get(domain) ?? version) === version);

function bodyOf(called: LocalFunction, call: Node, fresh: (hint: string) => string): Node[] {
  const prefix = call.name || call.outputs[0] || call.op;
  const renamed = new Map<string, string>();
  called.inputs.forEach((name, i) => renamed.set(name, call.inputs[i] ?? ''));
  called.outputs.forEach((name, i) => {
    // An output that is an input of the function itself is passed on by an Identity below.
    if (!called.inputs.includes(name)) renamed.set(name, call.outputs[i] || fresh(`${prefix}/${name}`));
  });
  const nodes = called.nodes.map(node => {
    for (const name of node.outputs) if (name && !renamed.has(name)) renamed.set(name, fresh(`${prefix}/${name}`));
    const filled = fill(node, call, called);
    // The names that a body makes are made fresh too: it may stand in the network more than once.
    const next = renameNode(
      mapSubgraphs(filled, graph => freshGraph(graph, new Map(), name => fresh(`${prefix}/${name}`))),
      renamed,
    );
    return {
      ...next,
      name: fresh(`${prefix}/${node.name || node.op}`),
      outputs: node.outputs.map(name => renamed.get(name) ?? name),
    };
  });
  called.outputs.forEach((name, i) => {
    const output = call.outputs[i];
    if (output && called.inputs.includes(name))
      nodes.push({
        op: 'Identity',
        domain: '',
        name: fresh(`${prefix}/Identity`),
        inputs: [renamed.get(name)!],
        outputs: [output],
        attributes: new Map(),
      });
  });
  return nodes;
}

/** A body whose own names, and those of the bodies in it, are fresh. */
function freshGraph(graph: Graph, outer: ReadonlyMap<string, string>, fresh: (name: string) => string): Graph {
  const renamed = new Map(outer);
  const claim = (name: string) => {
    if (name) renamed.set(name, fresh(name));
  };
  for (const { name } of graph.inputs) claim(name);
  for (const name of graph.initializers.keys()) if (!graph.inputs.some(input => input.name === name)) claim(name);
  for (const { name } of graph.sparseInitializers) claim(name);
  for (const { outputs } of graph.nodes) outputs.forEach(claim);
  const named = (name: string) => renamed.get(name) ?? name;
  const info = (one: ValueInfo): ValueInfo => ({ ...one, name: named(one.name) });
  return {
    ...graph,
    inputs: graph.inputs.map(info),
    outputs: graph.outputs.map(info),
    initializers: new Map([...graph.initializers].map(([name, data]) => [named(name), data])),
    sparseInitializers: graph.sparseInitializers.map(one => ({ ...one, name: named(one.name) })),
    values: new Map([...graph.values].map(([name, one]) => [named(name), info(one)])),
    nodes: graph.nodes.map(node => ({
      ...mapSubgraphs(node, inner => freshGraph(inner, renamed, fresh)),
      inputs: node.inputs.map(named),
      outputs: node.outputs.map(named),
    })),
  };
}

/** Fills in the attributes that refer to those of the call; one that the call leaves open is left out. */
function fill(node: Node, call: Node, called: LocalFunction): Node {
  const open: string[] = [];
  const filled = mapAttributes(node, (attribute, name): Attribute => {
    if (attribute.kind !== 'reference') return attribute;
    const given = call.attributes.get(attribute.value) ?? called.defaults.get(attribute.value);
    if (given) return given;
    open.push(name);
    return attribute;
  });
  const inner = mapSubgraphs(filled, graph => ({ ...graph, nodes: graph.nodes.map(one => fill(one, call, called)) }));
  if (open.length === 0) return inner;
  return { ...inner, attributes: new Map([...inner.attributes].filter(([name]) => !open.includes(name))) };
}
