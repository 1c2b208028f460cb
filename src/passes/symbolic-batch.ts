// A network exported for one picture at a time becomes one for any number: the first dimension of its inputs gets a
// name, and the constants of Reshape and Expand that state the old number follow it. What was inferred from the old
// number is dropped, to be inferred again.

import { integers, tensor, type Tensor } from '../base/index.js';
import {
  houseOpset,
  mainInputsOf,
  type Dim,
  type Graph,
  type Initializer,
  type Model,
  type ValueInfo,
} from '../graph/index.js';
import { coreOperators, inferShapes } from '../operators/index.js';
import { constantOf } from './constants-to-initializers.js';
import { pass } from './pass.js';

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
  const { graph: followed, count } = followReshapes(graph, before, size);
  graph = followed;
  tell(`made the batch of ${[...names].join(', ')} a name${count > 0 ? ` and let ${count} Reshape follow it` : ''}`);
  const next: Model = { ...model, graph };
  return next;
});

const withoutShape = (info: ValueInfo): ValueInfo => {
  const { shape: _, typeBytes, ...rest } = info;
  return info.type ? rest : { ...rest, ...(typeBytes ? { typeBytes } : {}) };
};

/** A Reshape to [1, …] of a value whose batch is open becomes one to [0, …] or, where ranks differ, [-1, …]. */
function followReshapes(graph: Graph, before: ReadonlyMap<string, { shape?: readonly Dim[] }>, size: Dim) {
  const initializers = new Map<string, Initializer>(graph.initializers);
  const constants = new Map<string, Tensor>(initializers);
  for (const node of graph.nodes) {
    const held = constantOf(node);
    if (held) constants.set(node.outputs[0]!, held);
  }
  const varies = batchValues(graph);
  let count = 0;
  const nodes = graph.nodes.map(node => {
    if (node.op !== 'Reshape' || node.domain !== '' || !varies.has(node.inputs[0]!)) return node;
    const held = constants.get(node.inputs[1] ?? '');
    if (!held) return node;
    const target = integers(held);
    const from = before.get(node.inputs[0]!)?.shape;
    if (typeof size !== 'number' || target[0] !== size || from?.[0] !== size) return node;
    const at = target.includes(-1) ? 0 : -1;
    const name = `${node.inputs[1]}/batch`;
    initializers.set(name, tensor('int64', [target.length], [at, ...target.slice(1)]));
    count++;
    return { ...node, inputs: [node.inputs[0]!, name, ...node.inputs.slice(2)] };
  });
  return { graph: { ...graph, nodes, initializers }, count };
}

/** Values that depend on the pictures. */
function batchValues(graph: Graph): Set<string> {
  const varies = new Set(mainInputsOf(graph).map(({ name }) => name));
  for (const node of graph.nodes)
    if (node.inputs.some(name => varies.has(name))) for (const name of node.outputs) varies.add(name);
  return varies;
}
