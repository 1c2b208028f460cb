// BatchNormalization that trains: in a step it normalises by the pictures of its batch, and its stored statistics move
// towards theirs, stored ← momentum · stored + (1 − momentum) · batch (ONNX's momentum; PyTorch's is 1 − it).

import type { Attribute, Graph, Node, ValueInfo } from '../../graph/index.js';
import type { NetworkStatistic, TrainableNetwork } from './network.js';

/**
 * Lets the BatchNormalization of a network train. The graph is for steps only: what is served keeps the stored
 * statistics, which the steps give as `statistics`.
 *
 * @returns the same network where it has none
 */
export function trainBatchNorm(network: TrainableNetwork): TrainableNetwork {
  const { graph } = network;
  const readers = new Map<string, number>();
  for (const node of graph.nodes) for (const name of node.inputs) readers.set(name, (readers.get(name) ?? 0) + 1);
  const taken = new Set([...graph.initializers.keys(), ...graph.nodes.flatMap(node => node.outputs)]);
  const statistics: NetworkStatistic[] = [];
  const nodes = graph.nodes.map((node): Node => {
    const stored = node.op === 'BatchNormalization' && node.domain === '' ? node.inputs.slice(3, 5) : [];
    const found = stored.map(name => graph.initializers.get(name));
    if (stored.length !== 2 || found.some(data => data?.type !== 'float32')) return node;
    // Statistics that two layers share would be moved by both.
    if (stored.some(name => readers.get(name) !== 1) || isTraining(node)) return node;
    const next = stored.map(name => {
      let free = `${name}.next`;
      while (taken.has(free)) free += '_';
      taken.add(free);
      return free;
    });
    stored.forEach((name, i) => {
      const { type, shape, bytes } = found[i]!;
      statistics.push({ name, shape, initial: { type, shape, bytes }, next: next[i]! });
    });
    const attributes = new Map<string, Attribute>([...node.attributes, ['training_mode', { kind: 'int', value: 1 }]]);
    return { ...node, attributes, outputs: [node.outputs[0]!, ...next] };
  });
  if (statistics.length === 0) return network;
  const info = (name: string, { shape }: NetworkStatistic): ValueInfo => ({ name, type: 'float32', shape });
  const moved = new Set(statistics.map(({ name }) => name));
  const trained: Graph = {
    ...graph,
    nodes,
    inputs: [...graph.inputs, ...statistics.map(one => info(one.name, one))],
    outputs: [...graph.outputs, ...statistics.map(one => info(one.next, one))],
    initializers: new Map([...graph.initializers].filter(([name]) => !moved.has(name))),
  };
  return { ...network, graph: trained, statistics };
}

function isTraining({ attributes }: Node): boolean {
  const mode = attributes.get('training_mode');
  return mode?.kind === 'int' && mode.value === 1;
}
