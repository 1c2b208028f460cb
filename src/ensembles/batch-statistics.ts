// The stored statistics of BatchNormalization: which they are, a network that tells those of each batch instead, and a
// network with others in their place. In training mode with momentum 0 the operator gives
//   mean_b = mean of the batch, variance_b = its population variance (ONNX's definition: divided by the count),
// normalises by them, and so every layer behind sees what it would see in training, as torch's update_bn runs it.

import type { Tensor } from '../base/index.js';
import {
  houseOpset,
  namesRead,
  subgraphsOf,
  type Attribute,
  type Graph,
  type Model,
  type Node,
  type ValueInfo,
} from '../graph/index.js';
import { dropUnused, upgradeTo } from '../passes/index.js';

/** The stored statistics of a layer. */
export interface BatchStatistics {
  /** What the BatchNormalization gives: the name of its first output. */
  readonly layer: string;
  /** Names of the initializers [C]. */
  readonly mean: string;
  readonly variance: string;
}

/** The layers of BatchNormalization with stored statistics, in the order of the graph; none where it is folded away. */
export const batchStatistics = (graph: Graph): BatchStatistics[] => layersOf(graph).map(({ statistics }) => statistics);

interface Layer {
  readonly node: Node;
  readonly statistics: BatchStatistics;
}

function layersOf(graph: Graph): Layer[] {
  // Exporters that store equal tensors once read them through Identity.
  const copies = new Map(
    graph.nodes.flatMap(({ op, domain, inputs, outputs }) =>
      op === 'Identity' && domain === '' ? [[outputs[0]!, inputs[0]!] as const] : [],
    ),
  );
  const stored = (name = ''): string | undefined => {
    let at = name;
    for (let next = copies.get(at); next !== undefined; next = copies.get(at)) at = next;
    return graph.initializers.has(at) ? at : undefined;
  };
  return graph.nodes.flatMap(node => {
    if (node.op !== 'BatchNormalization' || node.domain !== '' || isOne(node.attributes.get('training_mode')))
      return [];
    const [mean, variance] = [stored(node.inputs[3]), stored(node.inputs[4])];
    if (mean === undefined || variance === undefined) return [];
    return [{ node, statistics: { layer: node.outputs[0]!, mean, variance } }];
  });
}

const isOne = (attribute: Attribute | undefined): boolean => attribute?.kind === 'int' && attribute.value === 1;

/** A layer and the outputs that tell of its batch. */
export interface MeasuredLayer extends BatchStatistics {
  readonly outputs: {
    /** [C] */
    readonly mean: string;
    /** [C], the population variance. */
    readonly variance: string;
    /** int64 []: numbers that the layer reads, of all channels. */
    readonly size: string;
  };
}

/** A network that tells the statistics of its batch. */
export interface MeasuringNetwork {
  readonly model: Model;
  readonly layers: readonly MeasuredLayer[];
}

/**
 * Lets layers normalise by their batch and tell its statistics; the model has no other outputs.
 *
 * @param layers those that do; the others keep what is stored. @default all
 * @throws UPGRADE_… where the model is older than opset 14 and cannot be made newer
 */
export function measuringNetwork(given: Model, layers?: readonly string[]): MeasuringNetwork {
  // below opset 14 the operator has no training mode; names of values stay
  const model = (given.opsets.get('') ?? 0) < 14 ? upgradeTo(houseOpset)(given) : given;
  const { graph } = model;
  const chosen = new Map(
    layersOf(graph)
      .filter(({ statistics }) => !layers || layers.includes(statistics.layer))
      .map(({ node, statistics }) => [node, statistics]),
  );
  const fresh = freshNames(graph);
  const measured: MeasuredLayer[] = [];
  const outputs: ValueInfo[] = [];
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const statistics = chosen.get(node);
    if (!statistics) return [node];
    const told = {
      mean: fresh(`${statistics.mean}.batch`),
      variance: fresh(`${statistics.variance}.batch`),
      size: fresh(`${statistics.mean}.size`),
    };
    measured.push({ ...statistics, outputs: told });
    for (const [name, stored] of [
      [told.mean, statistics.mean],
      [told.variance, statistics.variance],
    ] as const) {
      const { type, shape } = graph.initializers.get(stored)!;
      outputs.push({ name, type, shape });
    }
    outputs.push({ name: told.size, type: 'int64', shape: [] });
    const attributes = new Map<string, Attribute>([
      ...node.attributes,
      ['training_mode', { kind: 'int', value: 1 }],
      ['momentum', { kind: 'float', value: 0 }],
    ]);
    const size: Node = {
      op: 'Size',
      domain: '',
      name: fresh(`${statistics.layer}/size`),
      inputs: [node.inputs[0]!],
      outputs: [told.size],
      attributes: new Map(),
    };
    return [{ ...node, attributes, outputs: [node.outputs[0]!, told.mean, told.variance] }, size];
  });
  // Values that were outputs are inner ones now, or of no use.
  const values = new Map([...graph.values, ...graph.outputs.map(info => [info.name, info] as const)]);
  return { model: dropUnused({ ...model, graph: { ...graph, nodes, outputs, values } }), layers: measured };
}

/** New statistics of a layer; of the type and shape of those that are there. */
export interface NewStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** The network with other statistics, by the name of the layer. Layers that shared theirs get their own. */
export function withStatistics(model: Model, found: ReadonlyMap<string, NewStatistics>): Model {
  const { graph } = model;
  const readers = readersOf(graph);
  const layers = new Map(layersOf(graph).map(({ node, statistics }) => [node, statistics]));
  const initializers = new Map(graph.initializers);
  const fresh = freshNames(graph);
  const nodes = graph.nodes.map(node => {
    const statistics = layers.get(node);
    const next = statistics && found.get(statistics.layer);
    if (!next) return node;
    const place = (position: 3 | 4, stored: string, data: Tensor): string => {
      const isOwn = node.inputs[position] === stored && readers.get(stored) === 1;
      const name = isOwn ? stored : fresh(`${statistics.layer}.${position === 3 ? 'mean' : 'variance'}`);
      initializers.set(name, data);
      return name;
    };
    const names = [place(3, statistics.mean, next.mean), place(4, statistics.variance, next.variance)];
    return { ...node, inputs: [...node.inputs.slice(0, 3), ...names] };
  });
  return { ...model, graph: { ...graph, nodes, initializers } };
}

/** How often each name is read; by graphs inside nodes once a node. */
function readersOf(graph: Graph): Map<string, number> {
  const readers = new Map<string, number>();
  const count = (name: string) => readers.set(name, (readers.get(name) ?? 0) + 1);
  for (const node of graph.nodes) {
    node.inputs.forEach(count);
    for (const name of namesRead(node)) if (!node.inputs.includes(name)) count(name);
  }
  for (const { name } of graph.outputs) count(name);
  return readers;
}

/** Gives names that nothing in the graph or inside its nodes has, made from hints. */
function freshNames(graph: Graph): (hint: string) => string {
  const taken = new Set<string>();
  const pending = [graph];
  for (let one = pending.pop(); one; one = pending.pop()) {
    for (const name of [...one.initializers.keys(), ...one.inputs.map(({ name }) => name)]) taken.add(name);
    for (const node of one.nodes) {
      for (const name of [node.name, ...node.outputs]) taken.add(name);
      pending.push(...subgraphsOf(node));
    }
  }
  return hint => {
    let name = hint;
    for (let n = 1; taken.has(name); n++) name = `${hint}_${n}`;
    taken.add(name);
    return name;
  };
}
