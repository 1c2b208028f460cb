// Where gradients can and cannot pass, before a single one is built. A gradient passes from an output of a node to an
// input where both are floats and the operator has a rule for the input, or a lowering; `'none'` ends the way quietly.

import type { DataType } from '../base/index.js';
import { mainInputsOf, namesRead, subgraphsOf, type Graph, type Node, type ValueInfo } from '../graph/index.js';
import { bare, coreOperators, type AnyOperator, type OperatorSet } from '../operators/index.js';

/** A node that lies between what should train and what it should train for, and that no gradient passes. */
export interface Blocker {
  readonly node: string;
  readonly operator: string;
  /** The input by which it cannot be differentiated, as its operator calls it. */
  readonly input: string;
  /** It holds graphs of its own: If, Loop or Scan. */
  readonly isControlFlow: boolean;
}

export interface TrainableOptions {
  /** Names of the values that should train. @default every float initializer */
  readonly parameters?: Iterable<string>;
  /** Names of what they should train for. @default every output of the graph */
  readonly outputs?: Iterable<string>;
}

/** What stands in the way of training, and from where on nothing does. */
export interface Trainable {
  /** In the order of the graph; none where everything is trainable. */
  readonly blockers: readonly Blocker[];
  /**
   * The first value that everything later depends on the inputs through, and after which nothing blocks. Not set where
   * nothing blocks at all, where no such value is, or where no constant after it could be trained.
   */
  readonly after?: string;
}

/**
 * Says which nodes no gradient passes, and the nearest cut after which everything is trainable.
 *
 * @param graph a graph in the house's opset
 * @example
 * const { blockers, after } = trainableFrom(model.graph);
 * blockers[0]?.operator; // 'QuantizeLinear'
 */
export function trainableFrom(
  graph: Graph,
  operators: OperatorSet = coreOperators,
  { parameters, outputs = graph.outputs.map(({ name }) => name) }: TrainableOptions = {},
): Trainable {
  const types = typesOf(graph);
  const isFloat = (name: string) => isFloatType(types.get(name));
  const from = new Set(parameters ?? [...graph.initializers.keys()].filter(isFloat));
  const wanted = [...outputs];
  const blocked = blockersOf(graph.nodes, from, wanted, operators, isFloat);
  const blockers = blocked.map(({ blocker }) => blocker);
  if (blockers.length === 0) return { blockers };
  // Whatever stands on the way of the pictures lies before the cut; what stands on the way of a weight alone (one that
  // is rounded, say) before everything that reads it. The later the cut, the less is left: halving finds the first.
  const { cuts, carried } = cutsOf(graph, from, wanted);
  const onWay = (node: Node) => node.outputs.some(name => carried.has(name));
  const stops = new Set(blocked.flatMap(({ at }) => (onWay(at) ? [at] : [])));
  const laterThan = (at: number) => graph.nodes.filter((node, i) => i > at || !onWay(node));
  const isFree = ({ at }: { readonly at: number }) => {
    const later = laterThan(at);
    return !later.some(node => stops.has(node)) && blockersOf(later, from, wanted, operators, isFloat).length === 0;
  };
  let [low, high] = [0, cuts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isFree(cuts[middle]!)) high = middle;
    else low = middle + 1;
  }
  const after = cuts[low];
  if (!after) return { blockers };
  const could = new Set([...from, ...[...graph.initializers.keys()].filter(isFloat)]);
  const reached = pathOf(laterThan(after.at), could, operators, isFloat);
  return wanted.some(name => reached.has(name)) ? { blockers, after: after.value } : { blockers };
}

/** Whether a gradient can be of this type; where a type is not known it may be. */
export const isFloatType = (type: DataType | undefined): boolean =>
  type === undefined || /^b?float(16|32|64)$/.test(type);

/** The nodes between `from` and `outputs` that cannot be differentiated. */
export function blockersOf(
  nodes: readonly Node[],
  from: ReadonlySet<string>,
  outputs: Iterable<string>,
  operators: OperatorSet,
  isFloat: (name: string) => boolean,
): { readonly blocker: Blocker; readonly at: Node }[] {
  const path = pathOf(nodes, from, operators, isFloat);
  const needed = new Set(outputs);
  const found: { blocker: Blocker; at: Node }[] = [];
  for (const node of [...nodes].reverse()) {
    const operator = operators.get(node.domain, node.op);
    if (!givenBy(node, operator).some(name => needed.has(name) && path.has(name))) continue;
    const isControlFlow = subgraphsOf(node).length > 0;
    for (const { name, declared, rule } of readBy(node, operator)) {
      if (!path.has(name) || rule === 'none') continue;
      needed.add(name);
      if (rule === undefined && found.at(-1)?.at !== node)
        found.push({ blocker: { node: node.name, operator: node.op, input: declared, isControlFlow }, at: node });
    }
  }
  return found.reverse();
}

/**
 * The names of what depends on `from` in a way that could be differentiated, and of `from` itself. A rule leads to
 * floats only: what becomes whole numbers by a known operator ends there. Through an operator without a rule anything
 * may come (QuantizeLinear gives whole numbers that stand for floats), so that it is seen to stand in the way.
 */
export function pathOf(
  nodes: readonly Node[],
  from: ReadonlySet<string>,
  operators: OperatorSet,
  isFloat: (name: string) => boolean,
): Set<string> {
  const path = new Set(from);
  for (const node of nodes) {
    const operator = operators.get(node.domain, node.op);
    const rules = readBy(node, operator).flatMap(({ name, rule }) => (path.has(name) ? [rule] : []));
    const isOpen = rules.includes(undefined);
    if (isOpen || rules.includes('rule'))
      for (const name of givenBy(node, operator)) if (isOpen || isFloat(name)) path.add(name);
  }
  return path;
}

/** The outputs of a node that a gradient could come back by. */
const givenBy = (node: Node, operator: AnyOperator | undefined): readonly string[] =>
  node.outputs.filter((name, i) => name && !isDetached(operator, i));

/** Whether no gradient passes output `i` of an operator. */
export function isDetached(operator: AnyOperator | undefined, i: number): boolean {
  const declared = (operator?.spec.outputs as readonly string[] | undefined)?.[i];
  const detached = operator?.spec.detached as readonly string[] | undefined;
  return declared !== undefined && detached?.includes(bare(declared)) === true;
}

/** Everything that a node reads, with what its operator has for it: a rule (or a lowering), `'none'`, or nothing. */
function readBy(node: Node, operator: AnyOperator | undefined) {
  const declared = operator?.spec.inputs as readonly string[] | undefined;
  const own = node.inputs.map((name, i) => {
    const called = declared?.[i] ?? (declared?.at(-1)?.startsWith('...') ? declared.at(-1)! : undefined);
    const key = called === undefined ? name : bare(called);
    return { name, declared: key, rule: ruleOf(operator, key) };
  });
  const captured = [...namesRead(node)].filter(name => !node.inputs.includes(name));
  return [...own, ...captured.map(name => ({ name, declared: name, rule: undefined }))];
}

function ruleOf(operator: AnyOperator | undefined, input: string): 'rule' | 'none' | undefined {
  if (!operator) return undefined;
  const { gradient, lower } = operator.spec;
  if (!gradient) return lower ? 'rule' : undefined;
  const rule = (gradient as Readonly<Record<string, unknown>>)[input];
  return rule === undefined ? undefined : rule === 'none' ? 'none' : 'rule';
}

/** The values that alone carry what comes from the main inputs to what comes later, in the order of the graph. */
function cutsOf(graph: Graph, parameters: ReadonlySet<string>, outputs: readonly string[]) {
  const inputs = graph.inputs.filter(({ name }) => !parameters.has(name));
  const carried = new Set(mainInputsOf({ ...graph, inputs }).map(({ name }) => name));
  const reads = graph.nodes.map(node => [...namesRead(node)]);
  graph.nodes.forEach((node, i) => {
    if (reads[i]!.some(name => carried.has(name))) for (const name of node.outputs) if (name) carried.add(name);
  });
  // the place of the last node on the way to the outputs that reads a value
  const last = new Map(outputs.map(name => [name, Infinity]));
  for (let i = graph.nodes.length - 1; i >= 0; i--)
    if (graph.nodes[i]!.outputs.some(name => last.has(name)))
      for (const name of reads[i]!) if (!last.has(name)) last.set(name, i);
  const alive = new Set([...carried].filter(name => inputs.some(input => input.name === name) && last.has(name)));
  const cuts = graph.nodes.flatMap(({ outputs: made }, at) => {
    for (const name of alive) if (last.get(name)! <= at) alive.delete(name);
    const born = made.filter(name => carried.has(name) && (last.get(name) ?? -1) > at);
    for (const name of born) alive.add(name);
    return alive.size === 1 && born.length === 1 ? [{ value: born[0]!, at }] : [];
  });
  return { cuts, carried };
}

/** What is known of the types of a graph's values. */
function typesOf({ inputs, outputs, values, initializers }: Graph): Map<string, DataType | undefined> {
  const infos: readonly ValueInfo[] = [...inputs, ...values.values(), ...outputs];
  const types = new Map<string, DataType | undefined>(infos.map(({ name, type }) => [name, type]));
  for (const [name, { type }] of initializers) types.set(name, type);
  return types;
}
