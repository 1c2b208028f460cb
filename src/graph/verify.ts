// Structure: every name is made once and before it is read, functions are called as they are declared and end.
// Anchors: ONNX IR specification (https://github.com/onnx/onnx/blob/main/docs/IR.md), sections on graphs, names and
// functions. Names of nodes are only labels: two nodes may share one.

import { printable } from '../base/index.js';
import { structureErrors as errors } from './errors.js';
import { subgraphsOf, type Graph, type LocalFunction, type Model, type Node } from './model.js';

/** Nodes of a model, local functions counted as often as they are called. */
const maxNodes = 1_000_000;

/**
 * Checks the structure of a model and throws the first fault it finds.
 *
 * @throws ONNX_GRAPH_EMPTY, ONNX_GRAPH_CYCLE, ONNX_GRAPH_ORDER, ONNX_NAME_DUPLICATE, ONNX_NAME_UNKNOWN,
 *   ONNX_FUNCTION_ARITY, ONNX_FUNCTION_CYCLE, ONNX_LIMIT_NODES, ONNX_ATTRIBUTE,
 *   ONNX_NAME_BAD, ONNX_OPSET
 */
export function verify(model: Model): Model {
  const functions = functionsOf(model);
  if (model.graph.outputs.length === 0) throw errors.GRAPH_EMPTY({});
  for (const nodes of [model.graph.nodes, ...model.functions.map(local => local.nodes)])
    for (const node of functions.size > 0 ? allNodes(nodes) : []) {
      const called = calledBy(node, functions);
      if (called) verifyCall(node, called);
    }
  for (const local of functions.values()) verifyFunction(local);
  verifyGraph(model.graph, undefined, false);
  countNodes(model, functions);
  return model;
}

type Functions = ReadonlyMap<string, LocalFunction>;
const keyOf = (domain: string, name: string, overload = '') => `${domain}\u0000${name}\u0000${overload}`;
const calledBy = (node: Node, functions: Functions): LocalFunction | undefined =>
  functions.size === 0 ? undefined : functions.get(keyOf(node.domain, node.op, node.overload));

function functionsOf(model: Model): Functions {
  const functions = new Map<string, LocalFunction>();
  for (const local of model.functions) {
    if (!local.name) throw errors.NAME_BAD({ where: 'the functions', found: 'a function has none' });
    const key = keyOf(local.domain, local.name, local.overload);
    if (functions.has(key)) throw errors.NAME_DUPLICATE({ name: local.name, where: 'the functions' });
    const repeated = local.inputs.find((name, i) => local.inputs.indexOf(name) !== i);
    if (repeated !== undefined)
      throw errors.NAME_DUPLICATE({ name: repeated, where: `the inputs of function ${local.name}` });
    if (!model.opsets.has(local.domain))
      throw errors.OPSET({
        found: `function ${printable(local.name)} is of the domain ${printable(local.domain)}, which the model does not import`,
      });
    functions.set(key, local);
  }
  return functions;
}

/** The names of a graph and, behind them, those of the graphs around it. */
class Scope {
  readonly names = new Set<string>();
  constructor(
    readonly where: string,
    readonly outer?: Scope,
  ) {}
  has(name: string): boolean {
    return this.names.has(name) || (this.outer?.has(name) ?? false);
  }
  add(name: string): void {
    if (this.has(name)) throw errors.NAME_DUPLICATE({ name, where: this.where });
    this.names.add(name);
  }
}

function verifyGraph(graph: Graph, outer: Scope | undefined, inFunction: boolean): void {
  const scope = new Scope(graph.name ? `graph ${graph.name}` : 'the graph', outer);
  for (const { name } of graph.inputs) scope.add(name);
  // Before IR 4 initializers are inputs too.
  const inputs = new Set(scope.names);
  for (const name of graph.initializers.keys()) if (!inputs.has(name)) scope.add(name);
  for (const { name } of graph.sparseInitializers) if (!inputs.has(name)) scope.add(name);
  verifyNodes(graph.nodes, scope, inFunction);
  for (const { name } of graph.outputs)
    if (!scope.has(name)) throw errors.NAME_UNKNOWN({ name, reader: `the outputs of ${scope.where}` });
}

function verifyFunction(local: LocalFunction): void {
  const scope = new Scope(`function ${local.name}`);
  for (const name of local.inputs) scope.add(name);
  verifyNodes(local.nodes, scope, true);
  for (const name of local.outputs)
    if (!scope.has(name)) throw errors.NAME_UNKNOWN({ name, reader: `the outputs of ${scope.where}` });
}

function verifyNodes(nodes: readonly Node[], scope: Scope, inFunction: boolean): void {
  for (const node of nodes) {
    for (const name of node.inputs) if (name && !scope.has(name)) throw unreachable(name, node, nodes, scope);
    for (const [name, attribute] of node.attributes)
      if (attribute.kind === 'reference' && !inFunction)
        throw errors.ATTRIBUTE({
          node: labelOf(node),
          attribute: name,
          found: 'it refers to an attribute of a function, outside of any',
        });
    for (const inner of subgraphsOf(node)) verifyGraph(inner, scope, inFunction);
    for (const name of node.outputs) if (name) scope.add(name);
  }
}

const labelOf = (node: Node): string => node.name || `${node.op} → ${node.outputs[0] ?? ''}`;

/** Why a name is not there when a node reads it: nobody makes it, it is made later, or it is made from itself. */
function unreachable(name: string, reader: Node, nodes: readonly Node[], scope: Scope) {
  const maker = new Map<string, Node>();
  for (const node of nodes) for (const output of node.outputs) maker.set(output, node);
  if (!maker.has(name)) return errors.NAME_UNKNOWN({ name, reader: `node ${labelOf(reader)}` });
  const seen = new Set<Node>();
  const pending = [maker.get(name)!];
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (node === reader) return errors.GRAPH_CYCLE({ node: labelOf(reader), name });
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) {
      const from = maker.get(input);
      if (from) pending.push(from);
    }
  }
  return errors.GRAPH_ORDER({ node: labelOf(reader), name, where: scope.where });
}

function verifyCall(node: Node, called: LocalFunction): void {
  const given = node.inputs.length;
  const wanted = called.inputs.length;
  if (given !== wanted)
    throw errors.FUNCTION_ARITY({ node: labelOf(node), name: called.name, what: 'inputs', given, wanted });
  const outputs = called.outputs.length;
  if (node.outputs.length > outputs || outputs === 0)
    throw errors.FUNCTION_ARITY({
      node: labelOf(node),
      name: called.name,
      what: 'outputs',
      given: node.outputs.length,
      wanted: outputs,
    });
}

/** Counts nodes as if functions were inlined, without inlining; finds functions that never end. */
function countNodes(model: Model, functions: Functions): void {
  const counts = new Map<LocalFunction, number>();
  const open = new Set<LocalFunction>();
  const bodies = new Map<LocalFunction, Node[]>();
  const bodyOf = (local: LocalFunction) => {
    let body = bodies.get(local);
    if (!body) bodies.set(local, (body = allNodes(local.nodes)));
    return body;
  };
  const pending = [...functions.values()];
  while (pending.length > 0) {
    const local = pending.at(-1)!;
    if (counts.has(local)) {
      pending.pop();
      continue;
    }
    open.add(local);
    const body = bodyOf(local);
    const missing = body.flatMap(node => calledBy(node, functions) ?? []).filter(called => !counts.has(called));
    if (missing.some(called => open.has(called))) throw errors.FUNCTION_CYCLE({ name: local.name });
    if (missing.length > 0) pending.push(...new Set(missing));
    else {
      counts.set(local, sum(body));
      open.delete(local);
      pending.pop();
    }
  }
  const total = sum(allNodes(model.graph.nodes));
  if (total > maxNodes) throw errors.LIMIT_NODES({ found: total, limit: maxNodes });

  function sum(nodes: readonly Node[]): number {
    let n = nodes.length;
    for (const node of nodes) {
      const called = calledBy(node, functions);
      if (called) n += counts.get(called)!;
    }
    if (n > maxNodes) throw errors.LIMIT_NODES({ found: n, limit: maxNodes });
    return n;
  }
}

/** Nodes with those of their sub-graphs. */
function allNodes(nodes: readonly Node[]): Node[] {
  const all: Node[] = [];
  const pending: (readonly Node[])[] = [nodes];
  for (let list = pending.pop(); list; list = pending.pop())
    for (const node of list) {
      all.push(node);
      for (const inner of subgraphsOf(node)) pending.push(inner.nodes);
    }
  return all;
}
