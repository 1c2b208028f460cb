// A network that is trained: its graph with the trained weights as inputs, where its logits are, and what of it is not
// a weight but changes with every step (the stored statistics of a BatchNormalization that trains).

import { elementCount, tensor, type Tensor } from '../../base/index.js';
import { feedsOf, type Graph, type Initializer, type Model, type Node } from '../../graph/index.js';
import { errors } from '../errors.js';
import type { RowParameter } from '../row-state.js';

/** A weight that trains, as it is before the first step. */
export interface NetworkParameter extends RowParameter {
  readonly initial: Tensor;
}

/** What a step replaces without a gradient: `name` by the graph's output `next`. */
export interface NetworkStatistic {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Tensor;
  readonly next: string;
}

/** A network ready for training. */
export interface TrainableNetwork {
  /** Inputs: what is fed, then every trained weight and statistic. Outputs: the network's own, the logits, statistics. */
  readonly graph: Graph;
  /** What is fed, by name. */
  readonly inputs: readonly string[];
  readonly parameters: readonly NetworkParameter[];
  readonly statistics: readonly NetworkStatistic[];
  /** The value that the loss reads, [N, K] or [N, K, 1, …]. */
  readonly logits: string;
  /** The network's own outputs, by name. */
  readonly outputs: readonly string[];
}

/** Options of {@link trainableNetwork}. */
export interface TrainableNetworkOptions {
  /** Names of the weights that train. */
  readonly trainable: Iterable<string>;
  /**
   * The value that the loss reads.
   * @default the first output, before a Softmax or LogSoftmax at the end
   */
  readonly logits?: string;
  /** Learning rate of a weight as a share of the run's. @default 1 for all */
  readonly factors?: ReadonlyMap<string, number>;
}

/**
 * Makes the weights of a network that train its inputs.
 *
 * @param model in the house's dialect, types and shapes known
 * @throws ARTIFACTS_NO_WEIGHT where a name is no float32 weight of the network
 * @example
 * const network = trainableNetwork(model, { trainable: ['fc.weight', 'fc.bias'] });
 */
export function trainableNetwork(
  { graph }: Model,
  { trainable, logits = logitsOf(graph), factors = new Map() }: TrainableNetworkOptions,
): TrainableNetwork {
  const names = new Set(trainable);
  const parameters = [...names].map((name): NetworkParameter => {
    const initial = graph.initializers.get(name);
    if (initial?.type !== 'float32') throw errors.NO_WEIGHT({ name, found: initial?.type ?? 'nothing' });
    const factor = factors.get(name);
    return { name, shape: initial.shape, initial: bare(initial), ...(factor === undefined ? {} : { factor }) };
  });
  const feeds = feedsOf(graph);
  const outputs = graph.outputs.map(({ name }) => name);
  const extra = outputs.includes(logits) ? [] : [graph.values.get(logits)!];
  return {
    graph: {
      ...graph,
      inputs: [...feeds, ...parameters.map(({ name, shape }) => ({ name, type: 'float32' as const, shape }))],
      initializers: new Map([...graph.initializers].filter(([name]) => !names.has(name))),
      outputs: [...graph.outputs, ...extra],
      values: new Map([...graph.values].filter(([name]) => name !== logits)),
    },
    inputs: feeds.map(({ name }) => name),
    parameters,
    statistics: [],
    logits,
    outputs,
  };
}

/** Operators that only write their input in another shape. */
const shapers = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Dropout']);
/**
 * The first output, or what goes into the activation that makes it, where the loss brings that itself.
 *
 * @param activations such as Softmax
 */
export function logitsOf(graph: Graph, activations: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax'])): string {
  const producers = new Map<string, Node>(graph.nodes.flatMap(node => node.outputs.map(name => [name, node] as const)));
  const output = graph.outputs[0]!.name;
  let name = output;
  for (let node = producers.get(name); node; node = producers.get(name)) {
    name = node.inputs[0]!;
    if (activations.has(node.op)) return name;
    if (!shapers.has(node.op)) break;
  }
  return output;
}

/** The state before the first step: the weights, their averages, zero moments, statistics. */
export function networkState(
  { parameters, statistics }: TrainableNetwork,
  slots: readonly string[],
): Map<string, Tensor> {
  const state = new Map<string, Tensor>();
  for (const { name, shape, initial } of parameters) {
    const zeros = () => tensor('float32', shape, new Float32Array(elementCount(shape)));
    state.set(name, initial);
    for (const slot of slots) state.set(`${name}.${slot}`, slot === 'average' ? initial : zeros());
  }
  for (const { name, initial } of statistics) state.set(name, initial);
  return state;
}

const bare = ({ type, shape, bytes }: Initializer): Tensor => ({ type, shape, bytes });
