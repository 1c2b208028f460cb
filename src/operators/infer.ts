// Types, shapes and the integers of shape arithmetic for every value of a graph, node by node, by the operators' own
// rules. What a file says about a value is believed only where the rules do not know better.

import { GraftError } from '../base/index.js';
import {
  Builder,
  type Attribute,
  houseOpset,
  subgraphsOf,
  Value,
  type Dim,
  type Graph,
  type Node,
  type OutputType,
  type ValueFacts,
} from '../graph/index.js';
import { upgradeContext, upgradeNode } from './upgrade.js';
import { axisOf } from './dims.js';
import { inferOutputs, macsOf, type OperatorSet } from './define.js';

/** Facts of the values of a graph and of its sub-graphs, by name. */
export interface Inferred {
  readonly facts: ReadonlyMap<string, ValueFacts>;
  /** Nodes whose operator is unknown, or that refused their inputs. */
  readonly problems: readonly { readonly node: Node; readonly error?: GraftError }[];
  /** Multiply-accumulates per picture of each node that has any. */
  readonly macs: ReadonlyMap<Node, number>;
}

export interface InferOptions {
  /** The opset that the graph is written in; rules know the house's, older nodes are read through their upgrades. @default 20 */
  readonly opset?: number;
  /** Numbers for named dimensions, where the caller fixes them. */
  readonly dims?: ReadonlyMap<string, number>;
  /**
   * Another word on what a node gives, for a caller that is going to change the node; what follows is inferred from it.
   * `found` is what its rule says, undefined where it refuses.
   */
  readonly amend?: (
    node: Node,
    facts: ReadonlyMap<string, ValueFacts>,
    found: readonly OutputType[] | undefined,
  ) => readonly OutputType[] | undefined;
}

/**
 * Infers what can be known about every value.
 *
 * @example
 * const { facts } = inferShapes(model.graph, coreOperators);
 * facts.get('logits')?.shape; // ['N', 1000]
 */
export function inferShapes(
  graph: Graph,
  operators: OperatorSet,
  { opset = houseOpset, dims = new Map(), amend }: InferOptions = {},
): Inferred {
  const facts = new Map<string, ValueFacts>();
  const problems: { node: Node; error?: GraftError }[] = [];
  const macs = new Map<Node, number>();
  walk(graph, new Map());
  return { facts, problems, macs };

  function walk(inner: Graph, outer: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
    const builder = new Builder(inner.name);
    const values = new Map<string, Value>(outer);
    const set = (name: string, value: Value) => {
      values.set(name, value);
      const { known } = value;
      facts.set(name, { type: value.type, shape: value.shape, ...(known ? { known } : {}) });
    };
    for (const input of inner.inputs)
      if (input.type && !inner.initializers.has(input.name)) {
        if (input.shape) set(input.name, new Value(input.name, input.type, named(input.shape), builder));
        else facts.set(input.name, { type: input.type });
      }
    for (const [name, held] of inner.initializers) set(name, new Value(name, held.type, held.shape, builder, held));
    for (const sparse of inner.sparseInitializers)
      set(sparse.name, new Value(sparse.name, sparse.values.type, sparse.shape, builder));
    const declared = new Map([...inner.values, ...inner.outputs.map(output => [output.name, output] as const)]);
    for (const node of inner.nodes) {
      const bodies = subgraphsOf(node).map(body => ({ body, inside: walk(withBodyTypes(node, body, values), values) }));
      const given = inOurWords(node, values, builder, bodies);
      const outputs = amend ? amend(node, facts, given) : given;
      node.outputs.forEach((name, i) => {
        if (!name) return;
        const found = outputs?.[i];
        const said = declared.get(name);
        const held = node.op === 'Constant' && node.domain === '' ? node.attributes.get('value') : undefined;
        if (held?.kind === 'tensor') set(name, new Value(name, held.value.type, held.value.shape, builder, held.value));
        else if (found) {
          const shape = found.shape.map((dim, axis) =>
            better(dim, said?.shape?.length === found.shape.length ? said.shape[axis] : undefined),
          );
          set(name, new Value(name, found.type, shape, builder, undefined, found.known));
        } else if (said?.type && said.shape) set(name, new Value(name, said.type, named(said.shape), builder));
        else if (said?.type) facts.set(name, { type: said.type });
      });
    }
    return values;
  }

  function named(shape: readonly Dim[]): readonly Dim[] {
    return dims.size > 0 ? shape.map(dim => (typeof dim === 'string' ? (dims.get(dim) ?? dim) : dim)) : shape;
  }

  /** What a node of an older opset gives: its upgrade is worked out beside the graph, and thrown away. */
  function inOurWords(
    node: Node,
    values: ReadonlyMap<string, Value>,
    builder: Builder,
    bodies: readonly { body: Graph; inside: ReadonlyMap<string, Value> }[],
  ): readonly OutputType[] | undefined {
    if (opset >= houseOpset || bodies.length > 0) return outputsOf(node, values, bodies);
    const beside = new Map<string, Value>();
    const at = (name: string) => beside.get(name) ?? values.get(name);
    const context = upgradeContext(
      name => at(name) !== undefined,
      (name, data) => void beside.set(name, new Value(name, data.type, data.shape, builder, data)),
      at,
      name => at(name)?.known?.filter(dim => typeof dim === 'number'),
    );
    let upgraded: readonly Node[];
    try {
      upgraded = upgradeNode(node, opset, houseOpset, operators, context);
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      problems.push({ node, error });
      return undefined;
    }
    let outputs: readonly OutputType[] | undefined;
    for (const one of upgraded) {
      const seen =
        beside.size > 0
          ? new Map([...one.inputs].flatMap(name => (at(name) ? [[name, at(name)!] as const] : [])))
          : values;
      outputs = outputsOf(one, seen, []);
      if (one !== node && macs.has(one)) macs.set(node, (macs.get(node) ?? 0) + macs.get(one)!);
      one.outputs.forEach((name, i) => {
        const found = outputs?.[i];
        if (name && found) beside.set(name, new Value(name, found.type, found.shape, builder, undefined, found.known));
      });
    }
    return node.outputs.map(name => {
      const value = beside.get(name);
      return value
        ? { type: value.type, shape: value.shape, ...(value.known ? { known: value.known } : {}) }
        : undefined;
    }) as readonly OutputType[];
  }

  function outputsOf(
    node: Node,
    values: ReadonlyMap<string, Value>,
    bodies: readonly { body: Graph; inside: ReadonlyMap<string, Value> }[],
  ): readonly OutputType[] | undefined {
    if (bodies.length > 0) return controlOutputs(node, bodies);
    const operator = operators.get(node.domain, node.op);
    if (!operator) {
      problems.push({ node });
      return undefined;
    }
    const inputs = node.inputs.map(name => (name ? values.get(name) : undefined));
    if (node.inputs.some((name, i) => name && !inputs[i])) return undefined;
    try {
      const outputs = inferOutputs(operator, inputs, node.attributes, node.outputs.length);
      const count = macsOf(operator, inputs, node.attributes, outputs);
      if (count) macs.set(node, count);
      return outputs;
    } catch (error) {
      if (error instanceof GraftError) problems.push({ node, error });
      else if (error instanceof TypeError || error instanceof RangeError) problems.push({ node });
      else throw error;
      return undefined;
    }
  }
}

/** What If, Loop and Scan give, from the outputs of their bodies. */
function controlOutputs(
  { op, attributes, outputs }: Node,
  bodies: readonly { body: Graph; inside: ReadonlyMap<string, Value> }[],
): readonly OutputType[] | undefined {
  const results = bodies.map(({ body, inside }) => body.outputs.map(({ name }) => inside.get(name)));
  const [first, second] = results;
  if (!first || first.some(value => !value)) return undefined;
  if (op === 'If')
    return first.map((value, i) => {
      const other = second?.[i];
      const sameRank = !other || other.shape.length === value!.shape.length;
      if (!sameRank) return undefined;
      return {
        type: value!.type,
        shape: value!.shape.map((dim, axis) => (!other || other.shape[axis] === dim ? dim : '')),
      };
    }) as OutputType[];
  const scans = attributes.get('num_scan_inputs');
  const carried =
    op === 'Loop'
      ? bodies[0]!.body.inputs.length - 2
      : bodies[0]!.body.inputs.length - (scans?.kind === 'int' ? scans.value : 0);
  const made = op === 'Loop' ? first.slice(1) : first;
  if (made.length < outputs.length) return undefined;
  const axes = listOf(attributes.get('scan_output_axes'));
  return made.map((value, i) => {
    if (i < carried) return { type: value!.type, shape: value!.shape };
    const shape = [...value!.shape];
    shape.splice(axisOf(axes[i - carried] ?? 0, shape.length + 1), 0, '');
    return { type: value!.type, shape };
  });
}

/** A body whose inputs take the types of what enters, where the file leaves them out. Scanned inputs lose their axis. */
function withBodyTypes(node: Node, body: Graph, values: ReadonlyMap<string, Value>): Graph {
  if (node.op !== 'Scan' && node.op !== 'Loop') return body;
  const scans = node.attributes.get('num_scan_inputs');
  const carried =
    node.op === 'Loop' ? node.inputs.length : node.inputs.length - (scans?.kind === 'int' ? scans.value : 0);
  const axes = listOf(node.attributes.get('scan_input_axes'));
  const scanned = (i: number, entering: Value) => axisOf(axes[i] ?? 0, entering.shape.length);
  const inputs = body.inputs.map((input, i) => {
    if (input.type && input.shape) return input;
    if (node.op === 'Loop' && i < 2)
      return { ...input, type: i === 0 ? ('int64' as const) : ('bool' as const), shape: [] };
    const entering = values.get(node.inputs[i] ?? '');
    if (!entering) return input;
    return {
      ...input,
      type: entering.type,
      shape: i < carried ? entering.shape : entering.shape.filter((_, axis) => axis !== scanned(i - carried, entering)),
    };
  });
  return { ...body, inputs };
}

const listOf = (attribute: Attribute | undefined): readonly number[] =>
  attribute?.kind === 'ints' ? attribute.value : [];

/** The more exact of two dimensions; numbers win, then what the rules found. */
const better = (found: Dim, said: Dim | undefined): Dim =>
  typeof found === 'number' || said === undefined || said === ''
    ? found
    : typeof said === 'number' || found === ''
      ? said
      : found;
