// Nodes that depend on weights alone are computed once, by onnxruntime, and become weights. What would grow the file
// stays a node, and so does quantization: its weights are small on purpose.

import { byteLength } from '../base/index.js';
import { encodeModel } from '../codec/index.js';
import { checkFolding } from '../inspect/index.js';
import { namesRead, subgraphsOf, type Initializer, type Model, type Node } from '../graph/index.js';
import type { Runtime } from '../runtime/index.js';
import { runOnce } from './compare.js';

/** The name under which the door tells of it. */
export const foldConstantsName = 'fold-constants';

/** Random nodes give something else each time; quantized weights stay as they are. */
const kept = /^(Random|Bernoulli|Multinomial|QuantizeLinear|DequantizeLinear|DynamicQuantize|Sequence|Optional)/;
/** Growth that is not worth a node. */
const fewBytes = 4096;

/** Computes what depends on weights alone; `tell` is called where something was. The rest is left to drop-unused. */
export async function foldConstants(model: Model, runtime: Runtime, tell: (what: string) => void): Promise<Model> {
  const { graph } = model;
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const constant = new Set(graph.initializers.keys());
  for (const { name } of graph.inputs) constant.delete(name);
  const foldable: Node[] = [];
  for (const node of graph.nodes) {
    const isPlain = node.domain === '' && !kept.test(node.op) && subgraphsOf(node).length === 0;
    if (!isPlain || !node.inputs.every(name => !name || constant.has(name))) continue;
    if (node.outputs.some(name => outputs.has(name))) continue;
    foldable.push(node);
    for (const name of node.outputs) if (name) constant.add(name);
  }
  if (foldable.length === 0) return model;

  const made = new Set(foldable.flatMap(node => node.outputs.filter(Boolean)));
  const computed = new Set(foldable);
  const rest = graph.nodes.filter(node => !computed.has(node));
  const wanted = new Set(rest.flatMap(node => [...namesRead(node)]).filter(name => made.has(name)));
  if (wanted.size === 0) return model;
  const alone: Model = {
    ...model,
    graph: { ...graph, inputs: [], outputs: [...wanted].map(name => ({ name })), nodes: foldable, values: new Map() },
  };
  checkFolding(alone);
  const found = await runOnce(runtime, encodeModel(alone), new Map(), { optimization: 'disabled' });

  const folded = new Map<string, Initializer>();
  for (const node of foldable) {
    const results = node.outputs.filter(name => wanted.has(name)).map(name => [name, found.get(name)!] as const);
    const grown = results.reduce((sum, [, { type, shape }]) => sum + byteLength(type, shape), 0);
    const read = [...sourcesOf(node, foldable)].map(name => graph.initializers.get(name));
    const had = read.reduce((sum, one) => sum + (one ? byteLength(one.type, one.shape) : 0), 0);
    if (grown <= had + fewBytes) for (const [name, value] of results) folded.set(name, value);
  }
  const nodes = graph.nodes.filter(
    node => !node.outputs.some(name => folded.has(name)) || !allIn(node, folded, wanted),
  );
  const count = graph.nodes.length - nodes.length;
  if (count === 0) return model;
  tell(
    `computed ${count} ${count === 1 ? 'node' : 'nodes'} that ${count === 1 ? 'depends' : 'depend'} on weights alone`,
  );
  const values = new Map([...graph.values].filter(([name]) => !folded.has(name)));
  return { ...model, graph: { ...graph, nodes, initializers: new Map([...graph.initializers, ...folded]), values } };
}

/** Whether every output that somebody reads was computed. */
const allIn = (node: Node, folded: ReadonlyMap<string, Initializer>, wanted: ReadonlySet<string>): boolean =>
  node.outputs.every(name => !wanted.has(name) || folded.has(name));

/** The weights behind a node. */
function sourcesOf(node: Node, nodes: readonly Node[]): Set<string> {
  const needed = new Set(node.inputs);
  for (const one of [...nodes].reverse())
    if (one.outputs.some(name => needed.has(name))) for (const name of one.inputs) needed.add(name);
  return needed;
}
