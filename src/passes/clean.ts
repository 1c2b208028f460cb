// What training leaves behind: Dropout, Identity, the extra outputs of BatchNormalization, casts to the type that is
// there already. Each is taken out and its readers read what it passed on; names of outputs stay.

import {
  houseOpset,
  namesRead,
  renameNode,
  subgraphsOf,
  type Graph,
  type Node,
  type ValueFacts,
  type ValueInfo,
} from '../graph/index.js';
import { coreOperators, inferShapes } from '../operators/index.js';
import { pass } from './pass.js';
import { mapModel } from './walk.js';

/** Takes out nodes that only pass their input on when a network predicts. */
export const clean = pass('clean', (model, tell) => {
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  const { facts } = inferShapes(model.graph, coreOperators, { opset: model.opsets.get('') ?? houseOpset });
  const next = mapModel(model, (graph, isInner) => cleanGraph(graph, isInner, count, facts));
  if (counts.size > 0) tell(`took out ${[...counts].map(([what, n]) => `${n} ${what}`).join(', ')}`);
  return next;
});

function cleanGraph(
  graph: Graph,
  isInner: boolean,
  count: (what: string) => void,
  facts: ReadonlyMap<string, ValueFacts>,
): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const made = new Set(graph.nodes.flatMap(node => node.outputs));
  // Bodies beside each other may use one name for two values: there only what the graph says counts.
  const types = typesOf(graph, isInner ? new Map() : facts);
  const renamed = new Map<string, string>();
  // Where the passed value must keep the name of an output, its maker takes that name over.
  const takenOver = new Map<string, string>();
  const nodes: Node[] = [];
  for (const original of graph.nodes) {
    const node = withoutExtras(reading(original, renamed), original, graph, count);
    const [from, to] = [node.inputs[0]!, node.outputs[0]!];
    if (!passesOn(node, graph, types)) {
      nodes.push(node);
      continue;
    }
    if (outputs.has(to)) {
      const isFree = made.has(from) && !outputs.has(from) && !takenOver.has(from);
      // A body's names may be read from inside other bodies: there the node stays.
      if (!isFree || isInner) {
        nodes.push(node);
        continue;
      }
      takenOver.set(from, to);
    }
    renamed.set(to, from);
    count(node.op);
  }
  if (renamed.size === 0 && nodes.every((node, i) => node === graph.nodes[i])) return graph;
  const named = (name: string) => takenOver.get(name) ?? name;
  const kept = nodes.map(node => {
    const next = reading(node, takenOver);
    return node.outputs.some(name => takenOver.has(name)) ? { ...next, outputs: node.outputs.map(named) } : next;
  });
  const values = new Map<string, ValueInfo>();
  for (const [name, info] of graph.values) if (!renamed.has(name) && !takenOver.has(name)) values.set(name, info);
  return { ...graph, nodes: kept, values };
}

/** The node with the names it reads replaced; the same object where it reads none of them. */
function reading(node: Node, renamed: ReadonlyMap<string, string>): Node {
  if (renamed.size === 0) return node;
  for (const name of namesRead(node)) if (renamed.has(name)) return renameNode(node, renamed);
  return node;
}

/** Types of values by name: as inferred, or as the graph says. */
function typesOf(graph: Graph, facts: ReadonlyMap<string, ValueFacts>): ReadonlyMap<string, ValueInfo['type']> {
  const types = new Map<string, ValueInfo['type']>([...facts].map(([name, { type }]) => [name, type]));
  for (const info of [...graph.values.values(), ...graph.inputs, ...graph.outputs]) types.set(info.name, info.type);
  for (const [name, held] of graph.initializers) types.set(name, held.type);
  return types;
}

/** Whether a node gives its first input as it is when the network predicts. */
function passesOn(node: Node, graph: Graph, types: ReadonlyMap<string, ValueInfo['type']>): boolean {
  if (node.domain !== '') return false;
  if (node.op === 'Identity') return true;
  if (node.op === 'Dropout') {
    // A mask that somebody reads cannot be taken out; a training switch must be off, or absent.
    const [, mask] = node.outputs;
    const isMaskRead = mask && (graph.outputs.some(({ name }) => name === mask) || reads(graph, mask));
    return !isMaskRead && !isTraining(node, graph);
  }
  if (node.op === 'Cast') {
    const to = node.attributes.get('to');
    return to?.kind === 'int' && to.value === 1 && types.get(node.inputs[0]!) === 'float32';
  }
  return false;
}
const reads = (graph: Graph, name: string): boolean =>
  graph.nodes.some(node => node.inputs.includes(name) || (subgraphsOf(node).length > 0 && namesRead(node).has(name)));

function isTraining(node: Node, graph: Graph): boolean {
  const name = node.inputs[2];
  if (!name) return false;
  const held = graph.initializers.get(name);
  return !held || held.bytes[0] !== 0;
}

/** A BatchNormalization without the statistics that old training graphs give out where nobody reads them. */
function withoutExtras(node: Node, original: Node, graph: Graph, count: (what: string) => void): Node {
  if (node.op !== 'BatchNormalization' || node.domain !== '' || node.outputs.length <= 1) return node;
  const isRead = original.outputs.slice(1).some(name => name && (reads(graph, name) || isOutput(graph, name)));
  const mode = node.attributes.get('training_mode');
  if (isRead || (mode?.kind === 'int' && mode.value === 1)) return node;
  count('statistics of BatchNormalization');
  return { ...node, outputs: node.outputs.slice(0, 1) };
}
const isOutput = (graph: Graph, name: string): boolean => graph.outputs.some(output => output.name === name);
