// Who makes and who reads every value of a graph, what descends from its inputs, and the shapes of its weights:
// the questions that every finder asks. Made once per graph.

import { integers } from '../base/index.js';
import { feedsOf, namesRead, type Dim, type Graph, type Node } from '../graph/index.js';
import type { FactsByName } from './cuts.js';

/** Answers about one graph. */
export interface Wiring {
  readonly graph: Graph;
  readonly facts: FactsByName;
  /** The node that makes a value. */
  producer(name: string): Node | undefined;
  readers(name: string): readonly Node[];
  /** Whether a value descends from an input that must be fed. */
  isData(name: string): boolean;
  /** The inputs of a node that descend from the network's inputs. */
  dataInputs(node: Node): readonly string[];
  /** Shape as far as it is known: from inference, the file, or the way a weight is made. */
  shape(name: string): readonly Dim[] | undefined;
  /** The integers of a constant: an initializer or a Constant node. */
  integers(name: string | undefined): readonly number[] | undefined;
}

export function wiringOf(graph: Graph, facts: FactsByName = new Map()): Wiring {
  const producers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  const data = new Set(feedsOf(graph).map(({ name }) => name));
  for (const node of graph.nodes) {
    let isData = false;
    for (const name of namesRead(node)) {
      isData ||= data.has(name);
      const list = readers.get(name);
      if (list) list.push(node);
      else readers.set(name, [node]);
    }
    for (const name of node.outputs) {
      producers.set(name, node);
      if (isData && name) data.add(name);
    }
  }
  const declared = new Map([...graph.inputs, ...graph.outputs].map(info => [info.name, info.shape]));
  const tensorOf = (name: string) => {
    const held = graph.initializers.get(name);
    if (held) return held;
    const made = producers.get(name);
    const value = made?.op === 'Constant' ? made.attributes.get('value') : undefined;
    return value?.kind === 'tensor' ? value.value : undefined;
  };
  const wiring: Wiring = {
    graph,
    facts,
    producer: name => producers.get(name),
    readers: name => readers.get(name) ?? [],
    isData: name => data.has(name),
    dataInputs: node => node.inputs.filter(name => data.has(name)),
    shape: name =>
      facts.get(name)?.shape ??
      graph.values.get(name)?.shape ??
      declared.get(name) ??
      weightShape(name, producers, n => tensorOf(n)?.shape),
    integers: name => {
      const held = name === undefined ? undefined : tensorOf(name);
      return held && (held.type === 'int64' || held.type === 'int32') ? integers(held) : undefined;
    },
  };
  return wiring;
}

/** The shape of a weight seen through what exporters put around one: Identity, Cast, DequantizeLinear, Transpose. */
function weightShape(
  name: string,
  producers: ReadonlyMap<string, Node>,
  held: (name: string) => readonly number[] | undefined,
): readonly Dim[] | undefined {
  const perms: (readonly number[] | undefined)[] = [];
  let at = name;
  for (let shape = held(at); ; shape = held(at)) {
    if (shape)
      return perms.reduceRight<readonly number[]>(
        (dims, perm) => (perm ? perm.map(i => dims[i]!) : [...dims].reverse()),
        shape,
      );
    const node = producers.get(at);
    if (!node || !['Identity', 'Cast', 'DequantizeLinear', 'QuantizeLinear', 'Transpose'].includes(node.op))
      return undefined;
    if (node.op === 'Transpose') {
      const perm = node.attributes.get('perm');
      perms.push(perm?.kind === 'ints' ? perm.value : undefined);
    }
    at = node.inputs[0]!;
  }
}

/** An integer attribute of a node, or its default. */
export function intOf(node: Node, name: string, otherwise: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'int' ? attribute.value : otherwise;
}

/** A list of integers that is an attribute of a node, or since a later opset one of its inputs. */
export function intsOf(wiring: Wiring, node: Node, name: string, input?: number): readonly number[] | undefined {
  const attribute = node.attributes.get(name);
  if (attribute?.kind === 'ints') return attribute.value;
  return input === undefined ? undefined : wiring.integers(node.inputs[input]);
}
