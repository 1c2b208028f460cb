// One model cut into several that, run one after the other, give what it gave. The pieces keep the names of nodes
// and values, share the weights by reference, and have the values of the cuts as inputs and outputs; `join` puts
// them together again. Shape arithmetic that would reach behind a cut is read again from the shape of the cut.

import { tensor, type ArrayType } from '../base/index.js';
import {
  dimSource,
  feedsOf,
  mainInputsOf,
  namesRead,
  sliceOf,
  type Attribute,
  type Dim,
  type Graph,
  type Initializer,
  type Model,
  type Node,
  type ValueFacts,
  type ValueInfo,
} from '../graph/index.js';
import { errors } from './split-errors.js';

type FactsByName = ReadonlyMap<string, ValueFacts>;

/**
 * Cuts a model: `[['features']]` gives the part up to the value `features` and the part after it.
 *
 * @param cuts one list of value names per cut, in any order; the pieces come in the order of the network
 * @param facts types, shapes and known integers of values, for cuts that the model gives no type for and for shape
 *   arithmetic across a cut
 * @throws SPLIT_LEAKS with the nodes of a path that goes around the cut; SPLIT_NO_VALUE, SPLIT_NOTHING, SPLIT_TYPE
 * @example
 * const [featurizer, head] = split(model, [['features']], facts);
 */
export function split(model: Model, cuts: readonly (readonly string[])[], facts: FactsByName = new Map()): Model[] {
  const { graph } = model;
  const position = new Map<string, number>();
  graph.nodes.forEach((node, at) => node.outputs.forEach(name => position.set(name, at)));
  for (const name of cuts.flat()) check(graph, name, position);
  const depth = (cut: readonly string[]) => Math.max(...cut.map(name => position.get(name)!));
  const ordered = cuts.map(cut => [...new Set(cut)]).sort((a, b) => depth(a) - depth(b));
  const outputs = graph.outputs.map(({ name }) => name);
  return Array.from({ length: ordered.length + 1 }, (_, i) => {
    const piece = pieceOf(graph, ordered[i - 1], ordered[i] ?? outputs, facts);
    return { ...model, graph: { ...piece, name: `${graph.name || 'graph'} ${i + 1} of ${ordered.length + 1}` } };
  });
}

/**
 * Puts the pieces of a split together: values of one name are one value. With the pieces of {@link split} in order,
 * the result has the nodes, weights, inputs and outputs of the model that was split.
 */
export function join(parts: readonly Model[]): Model {
  const [first, last] = [parts[0]!, parts.at(-1)!];
  const made = new Set<string>();
  const nodes: Node[] = [];
  const inputs = new Map<string, ValueInfo>();
  const initializers = new Map<string, Initializer>();
  const values = new Map<string, ValueInfo>();
  for (const { graph } of parts) {
    for (const input of graph.inputs)
      if (!made.has(input.name) && !inputs.has(input.name)) inputs.set(input.name, input);
    for (const [name, data] of graph.initializers) if (!made.has(name)) initializers.set(name, data);
    for (const info of graph.values.values()) values.set(info.name, info);
    for (const info of graph.outputs) values.set(info.name, info);
    for (const node of graph.nodes) {
      // A node that two pieces compute each for itself is one node.
      if (node.outputs.some(name => made.has(name))) continue;
      nodes.push(node);
      for (const name of node.outputs) if (name) made.add(name);
    }
  }
  for (const { name } of [...last.graph.outputs, ...inputs.values()]) values.delete(name);
  const whole: Graph = {
    ...first.graph,
    name: first.graph.name.replace(/ 1 of \d+$/, ''),
    inputs: [...inputs.values()],
    outputs: last.graph.outputs,
    nodes,
    initializers,
    sparseInitializers: [
      ...new Map(parts.flatMap(({ graph }) => graph.sparseInitializers.map(one => [one.name, one]))).values(),
    ],
    values,
  };
  // What a piece read again from the shape of a cut is not needed where the original is back.
  const needed = sliceOf(
    whole,
    whole.outputs.map(({ name }) => name),
  );
  return {
    ...first,
    graph: {
      ...whole,
      nodes: needed.nodes,
      initializers: new Map([...initializers].filter(([name]) => needed.sources.has(name))),
    },
  };
}

function check(graph: Graph, name: string, position: ReadonlyMap<string, number>): void {
  if (position.has(name)) return;
  const isThere = graph.initializers.has(name) || graph.inputs.some(input => input.name === name);
  if (isThere) throw errors.NOTHING({ name, kind: graph.initializers.has(name) ? 'a weight' : 'an input' });
  throw errors.NO_VALUE({ name });
}

function pieceOf(graph: Graph, from: readonly string[] | undefined, to: readonly string[], facts: FactsByName): Graph {
  const stops = new Set(from);
  const infos = infosOf(graph, facts);
  const side = sideInputs(graph);
  // Without a cut before it, nothing is out of reach.
  const reach = from ? taintedBy(graph, stops) : new Set<string>();
  // What was inferred tells more than a file may: `768*batch` where that says an unnamed size.
  const readable = [...stops, ...side].map(name => [name, facts.get(name)?.shape ?? infos.get(name)?.shape] as const);
  const again = new Map<string, readonly Dim[]>();
  for (const name of reach) {
    const known = facts.get(name)?.known;
    const isReadable = (dim: Dim) =>
      typeof dim === 'number' ? Number.isSafeInteger(dim) : dimSource(dim, readable) !== undefined;
    if (known?.every(isReadable) && !to.includes(name) && isInteger(infos.get(name)))
      if (known.every(dim => typeof dim === 'number') || (infos.get(name)?.shape?.length ?? 2) <= 1)
        again.set(name, known);
  }
  const { nodes, sources } = sliceOf(graph, to, new Set([...stops, ...again.keys()]));
  if (from) {
    const main = mainInputsOf(graph).map(({ name }) => name);
    if (main.some(name => sources.has(name)))
      throw errors.LEAKS({ cut: from, path: leakingPath(nodes, main, new Set(to)) });
  }
  const rebuilt = new Rebuilder(graph, readable);
  for (const [name, known] of again) if (sources.has(name)) rebuilt.add(infos.get(name)!, known);
  const made = new Set(nodes.flatMap(node => node.outputs));
  const typed = (name: string): ValueInfo => {
    const info = infos.get(name);
    if (!info?.type && !info?.typeBytes) throw errors.TYPE({ name });
    return info;
  };
  const inputs = [
    ...(from ?? []).filter(name => sources.has(name)).map(typed),
    ...graph.inputs.filter(({ name }) => sources.has(name) && !stops.has(name)),
  ];
  const initializers = new Map([...graph.initializers].filter(([name]) => sources.has(name)));
  for (const [name, data] of rebuilt.initializers) initializers.set(name, data);
  return {
    ...graph,
    inputs,
    outputs: to.map(name => graph.outputs.find(output => output.name === name) ?? typed(name)),
    nodes: [...rebuilt.nodes, ...nodes.map(node => withoutStops(node, stops, rebuilt))],
    initializers,
    sparseInitializers: graph.sparseInitializers.filter(({ name }) => sources.has(name)),
    values: new Map([...graph.values].filter(([name]) => made.has(name) && !stops.has(name) && !to.includes(name))),
  };
}

/** What is known of every value, the model's own word first. */
function infosOf(graph: Graph, facts: FactsByName): ReadonlyMap<string, ValueInfo> {
  const infos = new Map<string, ValueInfo>();
  for (const [name, { type, shape }] of facts)
    infos.set(name, { name, ...(type ? { type } : {}), ...(shape ? { shape } : {}) });
  for (const info of [...graph.values.values(), ...graph.inputs, ...graph.outputs])
    if (info.typeBytes || (info.type && (info.shape ?? !infos.get(info.name)?.shape))) infos.set(info.name, info);
  return infos;
}

const isInteger = (info: ValueInfo | undefined): boolean => info?.type === 'int64' || info?.type === 'int32';

/** Inputs that are no pictures: every piece may have them. */
function sideInputs(graph: Graph): string[] {
  const main = new Set(mainInputsOf(graph));
  return feedsOf(graph)
    .filter(input => !main.has(input))
    .map(({ name }) => name);
}

/** What descends from the main inputs without passing a stop. */
function taintedBy(graph: Graph, stops: ReadonlySet<string>): Set<string> {
  const tainted = new Set(mainInputsOf(graph).map(({ name }) => name));
  for (const node of graph.nodes) {
    let isTainted = false;
    for (const name of namesRead(node)) isTainted ||= tainted.has(name);
    if (isTainted) for (const name of node.outputs) if (name && !stops.has(name)) tainted.add(name);
  }
  return tainted;
}

/** The shortest way from a main input to a target inside a slice, as the names of its nodes. */
function leakingPath(nodes: readonly Node[], main: readonly string[], targets: ReadonlySet<string>): string[] {
  const way = new Map<string, { readonly node?: Node; readonly from?: string; readonly length: number }>();
  for (const name of main) way.set(name, { length: 0 });
  let end: string | undefined;
  for (const node of nodes) {
    let best: string | undefined;
    for (const name of namesRead(node))
      if (way.has(name) && (best === undefined || way.get(name)!.length < way.get(best)!.length)) best = name;
    if (best === undefined) continue;
    const length = way.get(best)!.length + 1;
    for (const name of node.outputs) {
      if (!name) continue;
      way.set(name, { node, from: best, length });
      if (targets.has(name) && (end === undefined || length < way.get(end)!.length)) end = name;
    }
  }
  const path: string[] = [];
  for (let at = end; at !== undefined; at = way.get(at)!.from) {
    const { node } = way.get(at)!;
    path.push(node ? node.name || `${node.op} → ${at}` : at);
  }
  return path.reverse();
}

/** Makes values of shape arithmetic again, under their own names, from the shapes of a cut. */
class Rebuilder {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Initializer>();
  readonly #taken: Set<string>;
  readonly #sources: readonly (readonly [string, readonly Dim[] | undefined])[];

  constructor(graph: Graph, sources: readonly (readonly [string, readonly Dim[] | undefined])[]) {
    this.#sources = sources;
    this.#taken = new Set([...graph.initializers.keys(), ...graph.inputs.map(({ name }) => name)]);
    for (const node of graph.nodes) for (const name of [...namesRead(node), ...node.outputs]) this.#taken.add(name);
  }

  fresh(hint: string): string {
    let name = hint;
    for (let n = 1; this.#taken.has(name); n++) name = `${hint}_${n}`;
    this.#taken.add(name);
    return name;
  }

  /** `known` as the value that `info` tells of: integers of rank 0 or 1, or numbers of any rank. */
  add(info: ValueInfo, known: readonly Dim[]): void {
    const type = info.type as ArrayType;
    const shape = info.shape as readonly number[] | undefined;
    if (known.every(dim => typeof dim === 'number')) {
      this.initializers.set(info.name, tensor(type, shape ?? [known.length], known));
      return;
    }
    const isScalar = shape?.length === 0;
    const parts = known.map(dim => this.#dim(dim, isScalar ? [] : [1]));
    const isInt64 = type === 'int64';
    const whole = isInt64 ? info.name : this.fresh(`${info.name}_int64`);
    if (parts.length === 1) this.#emit('Identity', parts, new Map(), whole);
    else this.#emit('Concat', parts, new Map([['axis', { kind: 'int', value: 0 }]]), whole);
    if (!isInt64) this.#emit('Cast', [whole], new Map([['to', { kind: 'int', value: 6 }]]), info.name);
  }

  #dim(dim: Dim, shape: readonly number[]): string {
    if (typeof dim === 'number') return this.#constant([dim], shape);
    const { value, axis, times, over } = dimSource(dim, this.#sources)!;
    const dims = this.#emit('Shape', [value]);
    let at = this.#emit('Gather', [dims, this.#constant([axis], shape)]);
    if (times !== 1) at = this.#emit('Mul', [at, this.#constant([times], shape)]);
    if (over !== 1) at = this.#emit('Div', [at, this.#constant([over], shape)]);
    return at;
  }

  #constant(values: readonly number[], shape: readonly number[]): string {
    const name = this.fresh('dim');
    this.initializers.set(name, tensor('int64', shape, values));
    return name;
  }

  #emit(
    op: string,
    inputs: readonly string[],
    attributes: ReadonlyMap<string, Attribute> = new Map(),
    output = this.fresh(op.toLowerCase()),
  ): string {
    this.nodes.push({ op, domain: '', name: this.fresh(`${output}_again`), inputs, outputs: [output], attributes });
    return output;
  }
}

/** A node that also makes a value which the cut brings: the second one gets a name that nobody reads. */
function withoutStops(node: Node, stops: ReadonlySet<string>, rebuilt: Rebuilder): Node {
  if (!node.outputs.some(name => stops.has(name))) return node;
  return { ...node, outputs: node.outputs.map(name => (stops.has(name) ? rebuilt.fresh(`${name}_unused`) : name)) };
}
