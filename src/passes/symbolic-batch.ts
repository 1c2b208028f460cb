// A network exported for one picture at a time becomes one for any number: the first dimension of its inputs gets a
// name, and what states the old number follows it: targets of Reshape, sizes of Resize, and constants that Concat puts
// beside the values of each picture, such as a class token. What was inferred from the old number is inferred again.

import { integers, tensor, type Tensor } from '../base/index.js';
import {
  houseOpset,
  mainInputsOf,
  type Dim,
  type Graph,
  type Initializer,
  type Model,
  type Node,
  type ValueInfo,
} from '../graph/index.js';
import { coreOperators, inferShapes } from '../operators/index.js';
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
  const before = inferShapes(model.graph, coreOperators, { opset: model.opsets.get('') ?? houseOpset }).facts;
  let graph: Graph = {
    ...model.graph,
    inputs: model.graph.inputs.map(input => (names.has(input.name) ? open(input) : input)),
    outputs: model.graph.outputs.map(withoutShape),
    values: new Map([...model.graph.values].map(([name, info]) => [name, withoutShape(info)])),
  };
  const { graph: followed, counts } = followBatch(graph, before, size);
  graph = followed;
  const said = [...counts].map(([op, count]) => `${count} ${op}`).join(' and ');
  tell(`made the batch of ${[...names].join(', ')} a name${said ? ` and let ${said} follow it` : ''}`);
  const next: Model = { ...model, graph };
  return next;
});

const withoutShape = (info: ValueInfo): ValueInfo => {
  const { shape: _, typeBytes, ...rest } = info;
  return info.type ? rest : { ...rest, ...(typeBytes ? { typeBytes } : {}) };
};

type Shapes = ReadonlyMap<string, { readonly shape?: readonly Dim[] }>;

/** Lets nodes that state the old batch follow the open one. */
function followBatch(graph: Graph, before: Shapes, size: Dim) {
  const counts = new Map<string, number>();
  if (typeof size !== 'number') return { graph, counts };
  const initializers = new Map<string, Initializer>(graph.initializers);
  const constants = new Map<string, Tensor>(initializers);
  for (const node of graph.nodes) {
    const held = constantOf(node);
    if (held) constants.set(node.outputs[0]!, held);
  }
  const varies = batchValues(graph);
  const isOpen = (name: string) => varies.has(name) && before.get(name)?.shape?.[0] === size;
  const fresh = freshNames(graph);
  const hold = (hint: string, values: readonly number[]) => {
    const name = fresh(hint);
    initializers.set(name, tensor('int64', [values.length], values));
    return name;
  };
  /** Nodes that make `[batch of value, …rest]` under a name. */
  const sizesOf = (value: string, rest: readonly number[], name: string): Node[] => {
    const [shape, batch] = [fresh(`${name}/shape`), fresh(`${name}/batch`)];
    return [
      made('Shape', [value], shape),
      made('Gather', [shape, hold(`${name}/first`, [0])], batch),
      made('Concat', [batch, hold(`${name}/rest`, rest)], name, new Map([['axis', { kind: 'int', value: 0 }]])),
    ];
  };
  const follow = (node: Node): readonly Node[] => {
    const input = node.inputs[0]!;
    if (node.op === 'Reshape' && isOpen(input)) {
      // [1, …] becomes [0, …] beside a -1, and [-1, …] where the sizes are all said
      const held = constants.get(node.inputs[1] ?? '');
      const target = held ? integers(held) : [];
      const allowZero = node.attributes.get('allowzero');
      const isLiteral = allowZero?.kind === 'int' && allowZero.value !== 0;
      if (target[0] !== size || (isLiteral && target.includes(-1))) return [node];
      const name = hold(`${node.inputs[1]}/batch`, [target.includes(-1) ? 0 : -1, ...target.slice(1)]);
      return [{ ...node, inputs: [input, name, ...node.inputs.slice(2)] }];
    }
    if (node.op === 'Resize' && isOpen(input) && !node.attributes.has('axes')) {
      const held = constants.get(node.inputs[3] ?? '');
      if (held?.type !== 'int64' || integers(held)[0] !== size) return [node];
      const name = fresh(`${node.outputs[0]}/sizes`);
      return [
        ...sizesOf(input, integers(held).slice(1), name),
        { ...node, inputs: [...node.inputs.slice(0, 3), name] },
      ];
    }
    const axis = node.attributes.get('axis');
    const open = node.inputs.find(isOpen);
    if (node.op === 'Concat' && open && axis?.kind === 'int' && axis.value !== 0) {
      const first: Node[] = [];
      const inputs = node.inputs.map((name, i) => {
        const shape = before.get(name)?.shape;
        if (varies.has(name) || shape?.[0] !== size || axis.value + shape.length === 0) return name;
        const repeated = fresh(`${node.outputs[0]}/repeated${i}`);
        const sizes = fresh(`${repeated}/sizes`);
        const ones = shape.slice(1).map(() => 1);
        first.push(...sizesOf(open, ones, sizes), made('Expand', [name, sizes], repeated));
        return repeated;
      });
      return first.length > 0 ? [...first, { ...node, inputs }] : [node];
    }
    return [node];
  };
  const nodes = graph.nodes.flatMap(node => {
    if (node.domain !== '') return [node];
    const followed = follow(node);
    if (followed[0] !== node) counts.set(node.op, (counts.get(node.op) ?? 0) + 1);
    return followed;
  });
  return { graph: { ...graph, nodes, initializers }, counts };
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

/** Values that depend on the pictures. */
function batchValues(graph: Graph): Set<string> {
  const varies = new Set(mainInputsOf(graph).map(({ name }) => name));
  for (const node of graph.nodes)
    if (node.inputs.some(name => varies.has(name))) for (const name of node.outputs) varies.add(name);
  return varies;
}
