// Whether two graphs are the same network: walked from their outputs backwards, pair by pair. Operators, attributes and
// wiring count; names of nodes and inner values, the order of nodes, and what no output needs do not. Weights are the
// same where their names are: their values are not looked at.

import type { Attribute, Graph, Node, ValueInfo } from '../graph/index.js';
import { isEqualBytes, isEqualTensor } from './mix-tensors.js';

/** Where two networks part. */
export interface Mismatch {
  /** A weight, a node, an input or an output. */
  readonly name: string;
  readonly reason: string;
}

interface Scope {
  readonly graph: Graph;
  readonly outer?: Scope;
  readonly producers: ReadonlyMap<string, { readonly node: Node; readonly output: number }>;
  readonly inputs: ReadonlyMap<string, number>;
}

type Source =
  | { readonly kind: 'node'; readonly node: Node; readonly output: number; readonly scope: Scope }
  | { readonly kind: 'input'; readonly position: number; readonly scope: Scope }
  | { readonly kind: 'weight' | 'sparse'; readonly name: string; readonly scope: Scope }
  | { readonly kind: 'nothing' };

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly inA: Scope;
  readonly inB: Scope;
  readonly reader: string;
}

/**
 * Compares two graphs.
 *
 * @param outputs what is compared; by default all, of which both must have the same
 * @returns where they part, or the weights that both read
 */
export function sameStructure(
  a: Graph,
  b: Graph,
  outputs?: readonly string[],
): Mismatch | { readonly weights: ReadonlySet<string> } {
  const [inA, inB] = [scopeOf(a), scopeOf(b)];
  const names = (graph: Graph) => graph.outputs.map(({ name }) => name);
  for (const name of outputs ?? [...names(a), ...names(b)])
    if (!names(a).includes(name) || !names(b).includes(name)) return { name, reason: 'is not an output of both' };
  const scopes = new Map<Scope, Scope>([[inA, inB]]);
  const nodes = new Map<Node, Node>();
  const weights = new Set<string>();
  const pending: Pair[] = (outputs ?? names(a)).map(name => ({ a: name, b: name, inA, inB, reader: name })).reverse();
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    const [x, y] = [sourceOf(pair.a, pair.inA), sourceOf(pair.b, pair.inB)];
    const reason = differenceOf(x, y, scopes, nodes);
    if (reason !== undefined) return { name: reason.at ?? pair.reader, reason: reason.why };
    if (x.kind === 'weight' && x.scope === inA) weights.add(x.name);
    if (x.kind !== 'node' || y.kind !== 'node' || nodes.has(x.node)) continue;
    nodes.set(x.node, y.node);
    const reader = nameOf(x.node);
    const inner = innerPairs(x, y, scopes);
    if (typeof inner === 'string') return { name: reader, reason: inner };
    const further = Array.from({ length: Math.max(x.node.inputs.length, y.node.inputs.length) }, (_, i): Pair => {
      const [one, other] = [x.node.inputs[i] ?? '', y.node.inputs[i] ?? ''];
      return { a: one, b: other, inA: x.scope, inB: y.scope, reader };
    });
    pending.push(...[...further, ...inner.map(one => ({ ...one, reader }))].reverse());
  }
  return { weights };
}

function scopeOf(graph: Graph, outer?: Scope): Scope {
  const producers = new Map<string, { node: Node; output: number }>();
  for (const node of graph.nodes) node.outputs.forEach((name, output) => name && producers.set(name, { node, output }));
  const inputs = new Map(graph.inputs.map(({ name }, position) => [name, position]));
  return { graph, producers, inputs, ...(outer ? { outer } : {}) };
}

/** Where a value comes from, here or in a graph around. */
function sourceOf(name: string, from: Scope): Source {
  if (name === '') return { kind: 'nothing' };
  for (let scope: Scope | undefined = from; scope; scope = scope.outer) {
    const made = scope.producers.get(name);
    if (made) return { kind: 'node', ...made, scope };
    if (scope.graph.initializers.has(name)) return { kind: 'weight', name, scope };
    if (scope.graph.sparseInitializers.some(one => one.name === name)) return { kind: 'sparse', name, scope };
    const position = scope.inputs.get(name);
    if (position !== undefined) return { kind: 'input', position, scope };
  }
  return { kind: 'nothing' };
}

const nameOf = ({ name, outputs, op }: Node): string => name || outputs.find(Boolean) || op;
const told = (source: Source): string =>
  source.kind === 'node' ? source.node.op : source.kind === 'weight' ? source.name : source.kind;

/** Why two sources are not the same; nodes by themselves, what they read comes after. */
function differenceOf(
  x: Source,
  y: Source,
  scopes: ReadonlyMap<Scope, Scope>,
  nodes: ReadonlyMap<Node, Node>,
): { readonly at?: string; readonly why: string } | undefined {
  if (x.kind !== y.kind) return { why: `reads ${told(x)} in one and ${told(y)} in the other` };
  if (x.kind === 'nothing' || y.kind === 'nothing') return undefined;
  if (scopes.get(x.scope) !== y.scope) return { why: 'is wired differently' };
  if (x.kind === 'node' && y.kind === 'node') {
    if (x.node.op !== y.node.op || x.node.domain !== y.node.domain)
      return { at: nameOf(x.node), why: `is ${x.node.op} in one and ${y.node.op} in the other` };
    const before = nodes.get(x.node);
    if (x.output !== y.output || (before && before !== y.node))
      return { at: nameOf(x.node), why: 'is wired differently' };
    const key = differentAttribute(x.node, y.node);
    return key === undefined ? undefined : { at: nameOf(x.node), why: `differs in ${key}` };
  }
  if (x.kind === 'input' && y.kind === 'input') {
    const [one, other] = [x.scope.graph.inputs[x.position]!, y.scope.graph.inputs[y.position]!];
    const isSame = x.scope.outer ? x.position === y.position : isSameInput(one, other);
    return isSame
      ? undefined
      : { at: one.name, why: `is ${inputText(one)} in one and ${inputText(other)} in the other` };
  }
  if (x.kind === 'weight' && y.kind === 'weight') return differentWeight(x, y);
  if (x.kind === 'sparse' && y.kind === 'sparse') {
    const [one, other] = [x, y].map(({ name, scope }) => scope.graph.sparseInitializers.find(of => of.name === name)!);
    const isSame =
      isEqualTensor(one!.values, other!.values) &&
      isEqualTensor(one!.indices, other!.indices) &&
      one!.shape.join() === other!.shape.join();
    return isSame ? undefined : { at: x.name, why: 'is sparse and differs' };
  }
  return undefined;
}

function differentWeight(
  x: Extract<Source, { kind: 'weight' | 'sparse' }>,
  y: Extract<Source, { kind: 'weight' | 'sparse' }>,
): { readonly at: string; readonly why: string } | undefined {
  const [one, other] = [x.scope.graph.initializers.get(x.name)!, y.scope.graph.initializers.get(y.name)!];
  if (x.scope.outer)
    return isEqualTensor(one, other) ? undefined : { at: x.name, why: 'differs and lies inside a branch or loop' };
  if (x.name !== y.name) return { at: x.name, why: `is called ${y.name} in the other` };
  return differentKind(x.name, one, other);
}

/** Types and shapes that differ. */
export function differentKind(
  name: string,
  one: { readonly type: string; readonly shape: readonly number[] },
  other: { readonly type: string; readonly shape: readonly number[] },
): { readonly at: string; readonly why: string } | undefined {
  const text = ({ type, shape }: typeof one) => `${type}[${shape.join(',')}]`;
  return text(one) === text(other)
    ? undefined
    : { at: name, why: `is ${text(one)} in one and ${text(other)} in the other` };
}

const inputText = ({ name, type, shape }: ValueInfo): string => `${name} ${type ?? '?'}[${shape?.join(',') ?? '?'}]`;
const isSameInput = (a: ValueInfo, b: ValueInfo): boolean => inputText(a) === inputText(b);

/** The attribute in which two nodes differ; graphs are compared by what they compute, elsewhere. */
function differentAttribute(a: Node, b: Node): string | undefined {
  for (const key of new Set([...a.attributes.keys(), ...b.attributes.keys()])) {
    const [x, y] = [a.attributes.get(key), b.attributes.get(key)];
    if (!x || !y || !isEqualAttribute(x, y)) return key;
  }
  return undefined;
}

function isEqualAttribute(x: Attribute, y: Attribute): boolean {
  if (x.kind !== y.kind) return false;
  if (x.kind === 'graph' || x.kind === 'graphs') return true;
  if (x.kind === 'tensor' && y.kind === 'tensor') return isEqualTensor(x.value, y.value);
  if (x.kind === 'tensors' && y.kind === 'tensors')
    return x.value.length === y.value.length && x.value.every((one, i) => isEqualTensor(one, y.value[i]!));
  if (x.kind === 'sparse' && y.kind === 'sparse')
    return isEqualTensor(x.value.values, y.value.values) && isEqualTensor(x.value.indices, y.value.indices);
  if (x.kind === 'other' && y.kind === 'other') return isEqualBytes(x.raw, y.raw);
  return JSON.stringify(x.value) === JSON.stringify(y.value);
}

/** The outputs of the graphs inside two nodes, paired; or why they cannot be. */
function innerPairs(
  x: Extract<Source, { kind: 'node' }>,
  y: Extract<Source, { kind: 'node' }>,
  scopes: Map<Scope, Scope>,
): string | Omit<Pair, 'reader'>[] {
  const pairs: Omit<Pair, 'reader'>[] = [];
  for (const [key, one] of x.node.attributes) {
    const other = y.node.attributes.get(key)!;
    const graphs = (at: Attribute) => (at.kind === 'graph' ? [at.value] : at.kind === 'graphs' ? at.value : []);
    const [left, right] = [graphs(one), graphs(other)];
    if (left.length !== right.length) return `differs in ${key}`;
    for (const [i, graph] of left.entries()) {
      const twin = right[i]!;
      if (graph.outputs.length !== twin.outputs.length || graph.inputs.length !== twin.inputs.length)
        return `differs in ${key}`;
      const [inA, inB] = [scopeOf(graph, x.scope), scopeOf(twin, y.scope)];
      scopes.set(inA, inB);
      graph.outputs.forEach(({ name }, o) => pairs.push({ a: name, b: twin.outputs[o]!.name, inA, inB }));
    }
  }
  return pairs;
}
