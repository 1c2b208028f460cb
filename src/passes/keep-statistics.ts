// The running statistics of BatchNormInternal, which onnxruntime's training moves in place while it trains: where they
// are inputs of the training graph, what they become is an output, next.<name>.

import type { Graph, Model, Node } from '../graph/index.js';
import { pass } from './pass.js';
import { errors } from './training-errors.js';
import { namesOf } from './walk.js';

/** Which inputs of a training graph are statistics that move: name to the node that moves it and the output that says so. */
function moving(graph: Graph): Map<string, { readonly node: Node; readonly output: number }> {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const found = new Map<string, { readonly node: Node; readonly output: number }>();
  for (const node of graph.nodes) {
    const mode = node.attributes.get('training_mode');
    if (node.op !== 'BatchNormInternal' || (mode?.kind === 'int' && mode.value === 0)) continue;
    for (const [input, output] of [[3, 1], [4, 2]] as const) {
      const name = node.inputs[input] ?? '';
      if (inputs.has(name)) found.set(name, { node, output });
    }
  }
  return found;
} // prettier-ignore

/** The names of the statistics that training moves. */
export const movingStatistics = (graph: Graph): ReadonlySet<string> => new Set(moving(graph).keys());

/** Makes outputs of what statistics become. */
export const keepStatistics = pass('keep-statistics', (model, tell) => {
  const { graph } = model;
  const found = moving(graph);
  if (found.size === 0) return model;
  const taken = namesOf(graph);
  const renamed = new Map<string, string>();
  const outputs = [...graph.outputs];
  const whole = new Map<Node, string[]>();
  for (const [name, { node, output }] of found) {
    const next = `next.${name}`;
    if (taken.has(next)) throw errors.NAME_TAKEN({ name: next });
    const own = whole.get(node) ?? Array.from({ length: Math.max(5, node.outputs.length) }, (_, i) => node.outputs[i] ?? ''); // prettier-ignore
    if (own[output]) renamed.set(own[output], next);
    own[output] = next;
    whole.set(node, own);
    const { typeBytes: _, ...info } = graph.inputs.find(input => input.name === name)!;
    outputs.push({ ...info, name: next });
  }
  tell(`made outputs of ${found.size} running statistics`);
  const nodes = graph.nodes.map(node => ({
    ...node,
    inputs: node.inputs.map(name => renamed.get(name) ?? name),
    outputs: whole.get(node) ?? node.outputs,
  }));
  const next: Model = { ...model, graph: { ...graph, nodes, outputs } };
  return next;
});
