// A network exported for one picture at a time becomes one for any number: the first dimension of its inputs gets a
// name, and what states the old number follows it: targets of Reshape, sizes of Resize and Expand, and constants that
// Concat puts beside the values of each picture, such as a class token. Shapes are inferred along the way with the name
// in them, so that it is known where each value holds the batch: in front, times the windows of a picture, or behind
// its tokens. What was inferred from the old number is inferred again.

import { elementCount, integers, tensor } from '../base/index.js';
import {
  houseOpset,
  mainInputsOf,
  type Dim,
  type Graph,
  type Initializer,
  type Model,
  type Node,
  type OutputType,
  type ValueFacts,
  type ValueInfo,
} from '../graph/index.js';
import { coreOperators, inferShapes } from '../operators/index.js';
import { placeOfBatch, sizeBeside } from './batch-place.js';
import { constantOf } from './constants-to-initializers.js';
import { pass } from './pass.js';
import { freshNames } from './walk.js';

/** The name that the batch gets. */
export const batchName = 'N';

/** Makes a fixed batch a name, and a fixed batch of unknown name the house's own. */
export const symbolicBatch = pass('symbolic-batch', (model, tell) => {
  const main = mainInputsOf(model.graph);
  const fixed = main.filter(({ shape }) => typeof shape?.[0] === 'number' || shape?.[0] === '');
  if (fixed.length === 0 || fixed.length < main.length) return model;
  const sizes = new Set(fixed.map(({ shape }) => shape![0]));
  const size = sizes.size === 1 ? [...sizes][0]! : '';
  if (sizes.size !== 1 || (typeof size === 'number' && size !== 1)) return model;
  const names = new Set(fixed.map(({ name }) => name));
  const open = (info: ValueInfo): ValueInfo => {
    const { typeBytes: _, ...rest } = info;
    return { ...rest, shape: [batchName, ...info.shape!.slice(1)] };
  };
  const opset = model.opsets.get('') ?? houseOpset;
  const before = inferShapes(model.graph, coreOperators, { opset }).facts;
  const opened: Graph = {
    ...model.graph,
    inputs: model.graph.inputs.map(input => (names.has(input.name) ? open(input) : input)),
    outputs: model.graph.outputs.map(withoutShape),
    values: new Map([...model.graph.values].map(([name, info]) => [name, withoutShape(info)])),
  };
  const { graph, counts } =
    typeof size === 'number'
      ? new Following(opened, before).followed(opset)
      : { graph: opened, counts: new Map<string, number>() };
  const said = [...counts].map(([op, count]) => `${count} ${op}`).join(' and ');
  tell(`made the batch of ${[...names].join(', ')} a name${said ? ` and let ${said} follow it` : ''}`);
  const next: Model = { ...model, graph };
  return next;
});

const withoutShape = (info: ValueInfo): ValueInfo => {
  const { shape: _, typeBytes, ...rest } = info;
  return info.type ? rest : { ...rest, ...(typeBytes ? { typeBytes } : {}) };
};

type Facts = ReadonlyMap<string, ValueFacts>;

/** One walk over an opened graph in which nodes that state the old batch are written anew. */
class Following {
  readonly #initializers: Map<string, Initializer>;
  readonly #constants: Map<string, Initializer>;
  readonly #fresh: (hint: string) => string;
  /** What stands in the place of a node that follows. */
  readonly #instead = new Map<Node, readonly Node[]>();

  constructor(
    readonly graph: Graph,
    /** Types, shapes and integers while the batch was one. */
    readonly before: Facts,
  ) {
    this.#initializers = new Map(graph.initializers);
    this.#fresh = freshNames(graph);
    this.#constants = new Map(graph.initializers);
    for (const node of graph.nodes) {
      const held = constantOf(node);
      if (held) this.#constants.set(node.outputs[0]!, held);
    }
  }

  followed(opset: number) {
    const own = new Set(this.graph.nodes);
    inferShapes(this.graph, coreOperators, {
      opset,
      amend: (node, facts, found) =>
        node.domain === '' && own.has(node) ? (this.#follow(node, facts, found) ?? found) : found,
    });
    const counts = new Map<string, number>();
    const nodes = this.graph.nodes.flatMap(node => {
      const instead = this.#instead.get(node);
      if (instead) counts.set(node.op, (counts.get(node.op) ?? 0) + 1);
      return instead ?? [node];
    });
    return { graph: { ...this.graph, nodes, initializers: this.#initializers }, counts };
  }

  /** What a node gives once it follows the batch; undefined where it stays as it is. */
  #follow(node: Node, facts: Facts, found: readonly OutputType[] | undefined): readonly OutputType[] | undefined {
    if (node.op === 'Concat') return this.#concat(node, facts);
    const [input, second] = node.inputs;
    const shape = facts.get(input ?? '')?.shape;
    const place = shape && placeOfBatch(shape, batchName);
    if (!input || !place) return undefined;
    if (node.op === 'Gather') return this.#gather(node, shape);
    if (node.op === 'Reshape') return this.#reshape(node, shape, facts, found);
    if (node.op === 'Expand') return this.#expand(node, shape, this.#stated(second, facts));
    if (node.op !== 'Resize' || place.axis !== 0 || node.attributes.has('axes')) return undefined;
    const sizes = this.#stated(node.inputs[3], facts);
    if (!sizes || sizes[0] !== place.times) return undefined;
    const name = this.#fresh(`${node.outputs[0]}/sizes`);
    this.#instead.set(node, [
      ...this.#sizesOf(input, 0, sizes, name),
      { ...node, inputs: [...node.inputs.slice(0, 3), name] },
    ]);
    return this.#given(node, [shape[0]!, ...sizes.slice(1)]);
  }

  /** A target that fits one picture only gets a -1 where its batch lies. */
  #reshape(node: Node, from: readonly Dim[], facts: Facts, found: readonly OutputType[] | undefined) {
    const target = this.#stated(node.inputs[1], facts);
    const to = this.before.get(node.outputs[0]!)?.shape;
    if (!target) return undefined;
    if (!to?.every(dim => typeof dim === 'number')) return this.#leading(node, from, target, found);
    const place = sizeBeside(from, to, batchName);
    if (!place) return undefined;
    const said = found?.[0]?.shape[place.axis];
    const batch: Dim = place.times === 1 ? batchName : `${place.times}*${batchName}`;
    if (said === batch) return undefined;
    const shape = to.map((dim, axis): Dim => (axis === place.axis ? batch : dim));
    // 0 repeats a size of the input, which the batch of one picture may not state.
    const open = to.map((dim, axis) => (axis === place.axis ? -1 : dim));
    const name = this.#hold(`${node.inputs[1]}/batch`, open);
    this.#instead.set(node, [{ ...node, inputs: [node.inputs[0]!, name, ...node.inputs.slice(2)] }]);
    return this.#given(node, shape);
  }

  /** Where other sizes are open too: a leading one follows a leading batch. */
  #leading(node: Node, from: readonly Dim[], target: readonly number[], found: readonly OutputType[] | undefined) {
    const isZeroSize = target.includes(0) && node.attributes.has('allowzero');
    if (from[0] !== batchName || target[0] !== 1 || isZeroSize) return undefined;
    const name = this.#hold(`${node.inputs[1]}/batch`, [target.includes(-1) ? 0 : -1, ...target.slice(1)]);
    const attributes = new Map([...node.attributes].filter(([key]) => key !== 'allowzero'));
    this.#instead.set(node, [{ ...node, inputs: [node.inputs[0]!, name, ...node.inputs.slice(2)], attributes }]);
    const shape = found?.[0]?.shape;
    return shape && this.#given(node, [batchName, ...shape.slice(1)]);
  }

  /** PyTorch's as_strided picks all elements of a flat picture in order: a Reshape in other words. */
  #gather(node: Node, from: readonly Dim[]): readonly OutputType[] | undefined {
    const [input, second] = node.inputs as [string, string];
    const indices = this.#constants.get(second);
    const place = placeOfBatch(from, batchName);
    if (!indices || !place || from.length !== 1 || elementCount(indices.shape) !== place.times) return undefined;
    const at = sizeBeside(from, indices.shape, batchName);
    if (!at || !integers(indices).every((index, i) => index === i)) return undefined;
    const open = indices.shape.map((dim, axis) => (axis === at.axis ? -1 : dim));
    const inputs = [input, this.#hold(`${second}/batch`, open)];
    this.#instead.set(node, [{ ...node, op: 'Reshape', inputs, attributes: new Map() }]);
    return this.#given(
      node,
      indices.shape.map((dim, axis) => (axis !== at.axis ? dim : dim === 1 ? batchName : `${dim}*${batchName}`)),
    );
  }

  /** Sizes that repeat what the value has already are left to it. */
  #expand(node: Node, from: readonly Dim[], sizes: readonly number[] | undefined) {
    const place = placeOfBatch(from, batchName);
    if (!sizes || !place) return undefined;
    const at = place.axis + sizes.length - from.length;
    if (at < 0 || sizes[at] === 1 || sizes[at] !== place.times) return undefined;
    const name = this.#hold(
      `${node.inputs[1]}/batch`,
      sizes.map((size, axis) => (axis === at ? 1 : size)),
    );
    this.#instead.set(node, [{ ...node, inputs: [node.inputs[0]!, name] }]);
    const to = this.before.get(node.outputs[0]!)?.shape;
    return to && this.#given(node, to.map((dim, axis) => (axis === at + to.length - sizes.length ? from[place.axis]! : dim))); // prettier-ignore
  }

  /** What is the same for all pictures, such as a class token, is repeated for each. */
  #concat(node: Node, facts: Facts): readonly OutputType[] | undefined {
    const said = node.attributes.get('axis');
    const [open, place] = node.inputs
      .map(name => [name, placeOfBatch(facts.get(name)?.shape ?? [], batchName)] as const)
      .find(([, at]) => at) ?? [''];
    const shape = facts.get(open)?.shape;
    const along = said?.kind === 'int' ? said.value : 0;
    if (!place || !shape || place.axis === (along < 0 ? along + shape.length : along)) return undefined;
    const first: Node[] = [];
    const inputs = node.inputs.map((name, i) => {
      const own = facts.get(name)?.shape;
      if (own?.length !== shape.length || own[place.axis] !== place.times) return name;
      if (place.times !== 1) return name;
      const repeated = this.#fresh(`${node.outputs[0]}/repeated${i}`);
      const sizes = this.#fresh(`${repeated}/sizes`);
      const ones = own.map(() => 1);
      first.push(...this.#sizesOf(open, place.axis, ones, sizes), made('Expand', [name, sizes], repeated));
      return repeated;
    });
    if (first.length === 0) return undefined;
    this.#instead.set(node, [...first, { ...node, inputs }]);
    const to = this.before.get(node.outputs[0]!)?.shape;
    return to && this.#given(node, to.map((dim, axis) => (axis === place.axis ? batchName : dim))); // prettier-ignore
  }

  /** Sizes that stay what they are: constants, and what is put together of constants. */
  #stated(name: string | undefined, facts: Facts): readonly number[] | undefined {
    const known = facts.get(name ?? '')?.known;
    return known?.every(dim => Number.isSafeInteger(dim)) ? (known as readonly number[]) : undefined;
  }

  #given(node: Node, shape: readonly Dim[]): readonly OutputType[] | undefined {
    const type = this.before.get(node.outputs[0]!)?.type;
    return type && [{ type, shape }];
  }

  #hold(hint: string, values: readonly number[]): string {
    const name = this.#fresh(hint);
    this.#initializers.set(name, tensor('int64', [values.length], values));
    return name;
  }

  /** Nodes that make `sizes` under a name, with the size of `value` along `axis` in its place. */
  #sizesOf(value: string, axis: number, sizes: readonly number[], name: string): Node[] {
    const [shape, batch] = [this.#fresh(`${name}/shape`), this.#fresh(`${name}/batch`)];
    const parts = [sizes.slice(0, axis), sizes.slice(axis + 1)].map(part =>
      part.length > 0 ? [this.#hold(`${name}/rest`, part)] : [],
    );
    return [
      made('Shape', [value], shape),
      made('Gather', [shape, this.#hold(`${name}/axis`, [axis])], batch),
      made('Concat', [...parts[0]!, batch, ...parts[1]!], name, new Map([['axis', { kind: 'int', value: 0 }]])),
    ];
  }
}

const made = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Node['attributes'] = new Map(),
): Node => ({
  op,
  domain: '',
  name: output,
  inputs,
  outputs: [output],
  attributes,
});
