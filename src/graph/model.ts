// The model as data: immutable, lossless, close to ONNX's own protobuf messages (onnx.proto, IR 3 to 13).
// Names are strings and every collection keyed by a name is a Map: names come from files and may be anything.
// `extra` holds the protobuf fields that this house does not model, written back as they were read.

import type { DataType, Tensor } from '../base/index.js';

/** A dimension: a number, a name such as `'batch'`, or `''` where nothing is known. */
export type Dim = number | string;

/** A tensor held by name in a graph; `extra` keeps its documentation and metadata. */
export interface Initializer extends Tensor {
  readonly extra?: Uint8Array;
}

/** A COO sparse tensor: `values` [n] at `indices` [n] (flat) or [n, rank] of a tensor of shape `shape`. */
export interface SparseTensor {
  readonly name: string;
  readonly values: Tensor;
  readonly indices: Tensor;
  readonly shape: readonly number[];
  readonly extra?: Uint8Array;
}

/** What a graph says about a value. `type` is missing where it is unknown or not a tensor. */
export interface ValueInfo {
  readonly name: string;
  readonly type?: DataType;
  /** Missing where even the rank is unknown. */
  readonly shape?: readonly Dim[];
  /** The TypeProto as it was read; written back instead of type and shape. Dropped by whoever changes them. */
  readonly typeBytes?: Uint8Array;
  readonly extra?: Uint8Array;
}

/** An attribute. Integers beyond 2^53 are saturated in `value` and kept exactly in `raw`, the message as it was read. */
export type Attribute = { readonly raw?: Uint8Array } & (
  | { readonly kind: 'int' | 'float'; readonly value: number }
  | { readonly kind: 'ints' | 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Initializer }
  | { readonly kind: 'tensors'; readonly value: readonly Initializer[] }
  | { readonly kind: 'sparse'; readonly value: SparseTensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  /** Types, sparse tensor lists and whatever comes later: kept as bytes. */
  | { readonly kind: 'other'; readonly value: undefined; readonly raw: Uint8Array }
  /** Inside a function: the attribute of this name of the call. `of` is the declared kind. */
  | { readonly kind: 'reference'; readonly value: string; readonly of: number }
);

/** An operator applied to values, all by name; `''` stands for an optional input or output that is absent. */
export interface Node {
  readonly op: string;
  /** `''` is ONNX's own domain (`ai.onnx` is read as `''`). */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly overload?: string;
  readonly extra?: Uint8Array;
}

/** Nodes in topological order, with the values that enter, leave and lie in it. */
export interface Graph {
  readonly name: string;
  /** Declared inputs; before IR 4 the initializers are listed here too. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Initializer>;
  readonly sparseInitializers: readonly SparseTensor[];
  /** Types and shapes of inner values, as far as they are known. */
  readonly values: ReadonlyMap<string, ValueInfo>;
  readonly extra?: Uint8Array;
}

/** A model-local function. */
export interface LocalFunction {
  readonly domain: string;
  readonly name: string;
  readonly overload?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Names of attributes without a default. */
  readonly attributes: readonly string[];
  readonly defaults: ReadonlyMap<string, Attribute>;
  readonly nodes: readonly Node[];
  readonly opsets: ReadonlyMap<string, number>;
  readonly values: ReadonlyMap<string, ValueInfo>;
  readonly extra?: Uint8Array;
}

/** A whole ONNX model. */
export interface Model {
  readonly irVersion: number;
  /** Domain to version; `''` is ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: Graph;
  readonly functions: readonly LocalFunction[];
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  readonly doc: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly extra?: Uint8Array;
}

/** The one dialect inside the house: the newest that every onnxruntime from 1.17 on loads. */
export const houseOpset = 20;
export const houseIrVersion = 9;

/** A new model of the house's dialect around a graph. */
export function modelOf(graph: Graph, metadata: ReadonlyMap<string, string> = new Map()): Model {
  return {
    irVersion: houseIrVersion,
    opsets: new Map([['', houseOpset]]),
    graph,
    functions: [],
    producerName: 'onnx-graft',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    doc: '',
    metadata,
  };
}

/** The inputs that a caller must feed: declared inputs that are not initializers. */
export const feedsOf = (graph: Graph): readonly ValueInfo[] =>
  graph.inputs.filter(input => !graph.initializers.has(input.name));

/** The sub-graphs of a node (If, Loop, Scan). */
export function subgraphsOf(node: Node): readonly Graph[] {
  const graphs: Graph[] = [];
  for (const attribute of node.attributes.values()) {
    if (attribute.kind === 'graph') graphs.push(attribute.value);
    else if (attribute.kind === 'graphs') graphs.push(...attribute.value);
  }
  return graphs;
}
