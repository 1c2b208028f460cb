// The only place where nodes are born. A Builder hands out Values; finish() freezes what it holds into a Graph.
// Values are named here and nowhere else: fresh names never meet a name that the graph already has.

import { elementCount, elements, tensor, type ArrayType, type DataType, type Tensor } from '../base/index.js';
import { errors } from './errors.js';
import type { Attribute, Dim, Graph, Initializer, Model, Node, ValueInfo } from './model.js';

/** Contents are followed through shape arithmetic only for integers, and only up to this many of them. */
const longestKnown = 1024;

/** Floats only where there are so few: factors and halves that sizes go through. */
const fewFactors = 4;

/** The handle that everyone holds: a named value of a graph under construction. */
export class Value {
  #known: readonly Dim[] | undefined;
  constructor(
    readonly name: string,
    readonly type: DataType,
    readonly shape: readonly Dim[],
    readonly builder: Builder,
    /** The contents of a constant. */
    readonly data?: Tensor,
    known?: readonly Dim[],
  ) {
    this.#known = known;
  }

  /**
   * The numbers inside, as far as shape arithmetic could follow them; names stand for dimensions of inputs. Integers
   * beyond 2^53 are infinite: exporters write the largest int64 for "to the end".
   */
  get known(): readonly Dim[] | undefined {
    if (this.#known || !this.data) return this.#known;
    const count = elementCount(this.data.shape);
    if ((this.type === 'int64' || this.type === 'int32') && count <= longestKnown) this.#known = dimsIn(this.data);
    if ((this.type === 'float32' || this.type === 'float64') && count <= fewFactors)
      this.#known = Array.from(elements(this.data) as ArrayLike<number>);
    return this.#known;
  }
}

/** The integers of a constant; infinite where one is beyond 2^53 and so is no dimension. */
export const dimsIn = (data: Tensor): readonly number[] =>
  Array.from(elements(data) as ArrayLike<number | bigint>, one => {
    const found = Number(one);
    return Number.isSafeInteger(found) ? found : Math.sign(found) * Infinity;
  });

/** What an operator call hands to {@link Builder.append} about one output. */
export interface OutputType {
  readonly type: DataType;
  readonly shape: readonly Dim[];
  readonly known?: readonly Dim[];
}

/** A node as {@link Builder.append} takes it. */
export interface NewNode {
  readonly op: string;
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes?: ReadonlyMap<string, Attribute>;
  readonly outputs: readonly OutputType[];
  /** Names of the outputs, where the caller must keep them. */
  readonly names?: readonly string[];
}

/** Builds a graph node by node. `Builder.from(graph)` continues a graph whose values all have known types. */
export class Builder {
  readonly nodes: Node[] = [];
  readonly inputs: Value[] = [];
  readonly outputs: { readonly name: string; readonly value: Value }[] = [];
  readonly initializers = new Map<string, Initializer>();
  readonly #values = new Map<string, Value>();
  readonly #taken: Set<string>;
  readonly #scalars = new Map<string, Value>();
  readonly #counters = new Map<string, number>();

  /** With `outer`, the graph is the body of one of its nodes: names are fresh in both, and values can be captured. */
  constructor(
    readonly name = 'graph',
    outer?: Builder,
  ) {
    this.#taken = outer ? outer.#taken : new Set();
  }

  /** Continues a graph; its nodes and weights are shared, its lists copied. Values without a known type get none until asked. */
  static from(graph: Graph): Builder {
    const builder = new Builder(graph.name);
    for (const node of graph.nodes) {
      builder.nodes.push(node);
      for (const name of node.outputs) builder.#taken.add(name);
      builder.#taken.add(node.name);
    }
    for (const [name, data] of graph.initializers) builder.#hold(name, data);
    for (const info of graph.inputs)
      if (!graph.initializers.has(info.name)) builder.input(info.name, info.type ?? 'float32', info.shape ?? []);
    for (const info of [...graph.values.values(), ...graph.outputs])
      if (info.type && info.shape && !builder.#values.has(info.name))
        builder.#values.set(info.name, new Value(info.name, info.type, info.shape, builder));
    for (const output of graph.outputs) {
      const value = builder.#values.get(output.name);
      if (value) builder.outputs.push({ name: output.name, value });
    }
    return builder;
  }

  /** A value of the graph by its name. Throws GRAPH_NO_VALUE where there is none of known type. */
  value(name: string): Value {
    const value = this.#values.get(name);
    if (!value) throw errors.NO_VALUE({ name });
    return value;
  }

  /** Whether a value of this name is known here. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Every value of the graph that has a name here, in the order in which they came. */
  get values(): IterableIterator<Value> {
    return this.#values.values();
  }

  /** A new input. The name must be free. */
  input(name: string, type: DataType, shape: readonly Dim[]): Value {
    const value = this.#add(this.#claim(name), type, shape);
    this.inputs.push(value);
    return value;
  }

  /** A value of the outer graph, read from here under its own name. */
  capture(outer: Value): Value {
    return this.#values.get(outer.name) ?? this.#add(outer.name, outer.type, outer.shape, outer.data, outer.known);
  }

  /** A weight under its own name. */
  parameter(name: string, data: Initializer): Value {
    return this.#hold(this.#claim(name), data);
  }

  /** An unnamed constant: a tensor, or numbers of a type (default int64 for lists, float32 for one number). Scalars are shared. */
  constant(data: Tensor | number | readonly number[], type?: ArrayType, hint = 'constant'): Value {
    if (typeof data !== 'number' && !Array.isArray(data)) return this.#hold(this.fresh(hint), data as Tensor);
    const list = Array.isArray(data) ? (data as readonly number[]) : undefined;
    const kind = type ?? (list ? 'int64' : 'float32');
    const key = `${kind}:${list ? `[${list.join(',')}]` : Object.is(data, -0) ? '-0' : String(data)}`;
    let value = this.#scalars.get(key);
    if (!value) {
      value = this.#hold(this.fresh(hint), tensor(kind, list ? [list.length] : [], list ?? [data as number]));
      this.#scalars.set(key, value);
    }
    return value;
  }

  /** Adds a node and returns its outputs. Operators call this; nobody else needs to. */
  append(node: NewNode): Value[] {
    const hint = node.op.toLowerCase();
    const values = node.outputs.map((output, i) => {
      const wanted = node.names?.[i];
      return this.#add(
        wanted ? this.#claim(wanted) : this.fresh(hint),
        output.type,
        output.shape,
        undefined,
        output.known,
      );
    });
    this.nodes.push({
      op: node.op,
      domain: node.domain ?? '',
      name: node.name ?? values[0]?.name ?? this.fresh(hint),
      inputs: withoutTail(node.inputs.map(input => input?.name ?? '')),
      outputs: values.map(value => value.name),
      attributes: node.attributes ?? new Map(),
    });
    return values;
  }

  /** Takes over a node as it is; `types` tells what is known of its outputs. For passes that copy graphs. */
  adopt(node: Node, types: (name: string) => (ValueInfo & { readonly known?: readonly Dim[] }) | undefined): void {
    this.nodes.push(node);
    this.#taken.add(node.name);
    for (const name of node.outputs) {
      if (!name) continue;
      const info = types(name);
      if (info?.type && info.shape) this.#add(this.#claim(name), info.type, info.shape, undefined, info.known);
      else this.#taken.add(name);
    }
  }

  /** Whether a name is free here and in the graphs around. */
  isFree(name: string): boolean {
    return !this.#taken.has(name) && !this.#values.has(name);
  }

  /** Marks a value as output, under its own name or another (an Identity is added where the names differ). */
  output(value: Value, name = value.name): Value {
    const isSource = this.initializers.has(value.name) || this.inputs.includes(value);
    const renamed =
      name === value.name && !isSource
        ? value
        : this.append({
            op: 'Identity',
            inputs: [value],
            outputs: [{ type: value.type, shape: value.shape }],
            names: [name],
          })[0]!;
    this.outputs.push({ name, value: renamed });
    return renamed;
  }

  /** A name that nothing in this graph has, made from a hint. */
  fresh(hint: string): string {
    let n = this.#counters.get(hint) ?? 0;
    let name: string;
    do name = n === 0 ? hint : `${hint}_${n}`;
    while ((n++, this.#taken.has(name)));
    this.#counters.set(hint, n);
    this.#taken.add(name);
    return name;
  }

  /** Freezes the graph: nodes that no output needs and weights that no node needs are left out. */
  finish(): Graph {
    const needed = new Set(this.outputs.map(output => output.value.name));
    const nodes: Node[] = [];
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i]!;
      if (!node.outputs.some(name => needed.has(name))) continue;
      nodes.push(node);
      for (const name of namesRead(node)) needed.add(name);
    }
    nodes.reverse();
    const made = new Set(nodes.flatMap(node => node.outputs));
    const values = new Map<string, ValueInfo>();
    for (const value of this.#values.values())
      if (made.has(value.name)) values.set(value.name, { name: value.name, type: value.type, shape: value.shape });
    for (const output of this.outputs) values.delete(output.value.name);
    return {
      name: this.name,
      inputs: this.inputs.map(({ name, type, shape }) => ({ name, type, shape })),
      outputs: this.outputs.map(({ value: { name, type, shape } }) => ({ name, type, shape })),
      nodes,
      initializers: new Map([...this.initializers].filter(([name]) => needed.has(name))),
      sparseInitializers: [],
      values,
    };
  }

  #hold(name: string, data: Initializer): Value {
    this.#taken.add(name);
    this.initializers.set(name, data);
    return this.#add(name, data.type, data.shape, data);
  }

  #add(name: string, type: DataType, shape: readonly Dim[], data?: Tensor, known?: readonly Dim[]): Value {
    const value = new Value(name, type, shape, this, data, known);
    this.#values.set(name, value);
    return value;
  }

  #claim(name: string): string {
    if (this.#values.has(name)) throw errors.NAME_TAKEN({ name });
    this.#taken.add(name);
    return name;
  }
}

/** Every name that a node reads: its inputs and what its sub-graphs capture from outside. */
export function namesRead(node: Node): Set<string> {
  const names = new Set(node.inputs.filter(Boolean));
  const pending: Graph[] = [];
  const queue = (of: Node) => {
    for (const attribute of of.attributes.values()) {
      if (attribute.kind === 'graph') pending.push(attribute.value);
      else if (attribute.kind === 'graphs') pending.push(...attribute.value);
    }
  };
  queue(node);
  // A name made inside a sub-graph is not captured; shadowing is refused at the door, so one flat set is enough.
  const inner = new Set<string>();
  const read = new Set<string>();
  for (let graph = pending.pop(); graph; graph = pending.pop()) {
    for (const input of graph.inputs) inner.add(input.name);
    for (const name of graph.initializers.keys()) inner.add(name);
    for (const of of graph.nodes) {
      for (const name of of.outputs) inner.add(name);
      for (const name of of.inputs) if (name) read.add(name);
      queue(of);
    }
    for (const output of graph.outputs) read.add(output.name);
  }
  for (const name of read) if (!inner.has(name)) names.add(name);
  return names;
}

const withoutTail = (names: string[]): string[] => {
  let end = names.length;
  while (end > 0 && !names[end - 1]) end--;
  return names.slice(0, end);
};

/** Replaces the graph of a model. */
export const withGraph = (model: Model, graph: Graph): Model => (graph === model.graph ? model : { ...model, graph });
