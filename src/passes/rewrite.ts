// Writing a graph anew, node by node: each rule is asked about each node and may put other nodes in its place, by
// calling operators; shapes are inferred as they are born. Names of the graph's inputs, weights and outputs stay.

import { Builder, renameNode, type Graph, type Model, type Node, type Value } from '../graph/index.js';
import { coreOperators, inferOutputs, type OperatorSet } from '../operators/index.js';
import { pass, type Pass } from './pass.js';

/** A node where it is written anew. */
export interface Site {
  readonly node: Node;
  /** The graph under construction. */
  readonly builder: Builder;
  /** The node's inputs as they are in the new graph; undefined where one is absent. */
  readonly inputs: readonly (Value | undefined)[];
  /** The graph as it was. */
  readonly before: Before;
  /** A value of the graph as it was, as it is in the new one. */
  now(name: string): Value | undefined;
}

/** What the graph was, for rules that look around. */
export interface Before {
  readonly graph: Graph;
  /** Who makes a value. */
  readonly producers: ReadonlyMap<string, Node>;
  /** Who reads a value; the graph's outputs are not among them. */
  readonly readers: ReadonlyMap<string, readonly Node[]>;
  readonly outputs: ReadonlySet<string>;
  /** Whether one node reads the value and it is no output. */
  isReadOnce(name: string): boolean;
}

/** What stands in place of a node: its outputs in order, or undefined where the rule declines. */
export type Rewrite = (site: Site) => Value | readonly (Value | undefined)[] | undefined;

/** Writes a graph anew by rules, the first that does not decline; the same graph where all decline everywhere. */
export function rewriteGraph(graph: Graph, rules: readonly Rewrite[], operators: OperatorSet = coreOperators): Graph {
  const before = lookAt(graph);
  const builder = new Builder(graph.name);
  reserveNames(builder, graph);
  const values = new Map<string, Value>();
  /** Names of the graph that are others now. */
  const renamed = new Map<string, string>();
  for (const { name, type, shape } of graph.inputs)
    if (!graph.initializers.has(name)) values.set(name, builder.input(name, type ?? 'float32', shape ?? []));
  for (const [name, data] of graph.initializers) values.set(name, builder.parameter(name, data));
  let changed = false;
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(name => (name ? values.get(name) : undefined));
    const site: Site = { node, builder, inputs, before, now: name => values.get(name) };
    let made: readonly (Value | undefined)[] | undefined;
    for (const rule of rules) {
      const found = rule(site);
      if (!found) continue;
      made = 'name' in found ? [found] : found;
      changed = true;
      break;
    }
    made ??= copied(site, renamed, operators);
    node.outputs.forEach((name, i) => {
      const value = made[i];
      if (!name || !value) return;
      values.set(name, value);
      if (value.name !== name) renamed.set(name, value.name);
    });
  }
  if (!changed) return graph;
  for (const { name } of graph.outputs) builder.outputs.push({ name, value: values.get(name)! });
  return withOutputNames(builder, graph);
}

/** Rules as a pass over the outermost graph. */
export const rewriting = (name: string, rules: readonly Rewrite[], operators: OperatorSet = coreOperators): Pass =>
  pass(name, model => {
    const graph = rewriteGraph(model.graph, rules, operators);
    const next: Model = { ...model, graph };
    return graph === model.graph ? model : next;
  });

/** The integers of an attribute, where the node has it. */
export function intsOf(node: Node, name: string): readonly number[] | undefined {
  const found = node.attributes.get(name);
  return found?.kind === 'ints' ? found.value : undefined;
}

/** Keeps names that are made from hints away from those of a graph that is written anew. */
export function reserveNames(builder: Builder, { nodes }: Graph): void {
  for (const node of nodes) for (const name of new Set([node.name, ...node.outputs])) if (name) builder.fresh(name);
}

/** Who makes and who reads what. */
export function lookAt(graph: Graph): Before {
  const producers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name) producers.set(name, node);
    for (const name of new Set(node.inputs)) if (name) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const isReadOnce = (name: string) => readers.get(name)?.length === 1 && !outputs.has(name);
  return { graph, producers, readers, outputs, isReadOnce };
}

/** The node as it was, reading what its inputs have become; its outputs keep their names. */
function copied({ node, builder, inputs, before }: Site, renamed: ReadonlyMap<string, string>, operators: OperatorSet) {
  const operator = operators.get(node.domain, node.op);
  const { graph } = before;
  const infos = operator
    ? inferOutputs(operator, inputs, node.attributes, node.outputs.length)
    : node.outputs.map(name => graph.values.get(name) ?? graph.outputs.find(output => output.name === name));
  builder.adopt(renameNode(node, renamed), name => {
    const info = infos[node.outputs.indexOf(name)];
    const known = info && 'known' in info ? info.known : undefined;
    return (
      info && {
        name,
        ...(info.type ? { type: info.type } : {}),
        ...(info.shape ? { shape: info.shape } : {}),
        ...(known ? { known } : {}),
      }
    );
  });
  return node.outputs.map(name => (name && builder.has(name) ? builder.value(name) : undefined));
}

/** Finishes a graph written anew: its outputs get their names back where another node makes them now. */
export function withOutputNames(builder: Builder, before: Graph): Graph {
  const renamed = new Map<string, string>();
  const wanted = builder.outputs.splice(0);
  for (const { name, value } of wanted) {
    const isSource = builder.initializers.has(value.name) || builder.inputs.includes(value);
    if (value.name === name || (!isSource && !renamed.has(value.name) && !builder.has(name))) {
      if (value.name !== name) renamed.set(value.name, name);
      builder.outputs.push({ name, value });
    } else builder.output(value, name);
  }
  const graph = builder.finish();
  const named = new Map(before.outputs.map(output => [output.name, output]));
  const outputs = graph.outputs.map(({ name, type, shape }, i) => {
    const { typeBytes: _, ...info } = named.get(renamed.get(name) ?? name) ?? before.outputs[i]!;
    return { ...info, ...(type ? { type } : {}), ...(shape ? { shape } : {}) };
  });
  if (renamed.size === 0) return { ...graph, outputs };
  const rename = (name: string) => renamed.get(name) ?? name;
  const nodes = graph.nodes.map(node => ({ ...renameNode(node, renamed), outputs: node.outputs.map(rename) }));
  return { ...graph, nodes, outputs };
}
