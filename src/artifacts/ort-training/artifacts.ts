// The plain training graph in the form that ONNX Runtime's on-device training loads (1.17 to 1.19):
//   training_model   what is fed, labels, parameters, frozen parameters, `P_grad.accumulation.buffer`, lazy_reset_grad
//                    → loss, outputs, `P_grad.accumulation.out`; one InPlaceAccumulatorV2 a parameter
//   eval_model       what is fed, labels, the same parameters in the same order → loss, outputs
//   optimizer_model  one node over sequences (optimizer.ts)
// Everything but these nodes is standard: no kernel of a training build is needed for any gradient.

import type { Tensor } from '../../base/index.js';
import { feedsOf, type Graph, type Initializer, type Model, type Node, type ValueInfo } from '../../graph/index.js';
import type { Loss } from '../losses/loss.js';
import type { TrainableNetwork } from '../network/network.js';
import { networkEvaluationModel, networkTrainingModel } from '../network/training-models.js';
import { errors } from './errors.js';
import { ortOptimizerModel, type OrtOptimizer } from './optimizer.js';

/** Runtimes with on-device training: the checkpoint that each takes and the newest dialect that it loads. */
export const ortRuntimes = {
  '1.17': { checkpointVersion: 1, irVersion: 9, opset: 20 },
  '1.18': { checkpointVersion: 2, irVersion: 10, opset: 21 },
  '1.19': { checkpointVersion: 2, irVersion: 10, opset: 21 },
} as const;

/** A release of ONNX Runtime with on-device training. */
export type OrtRuntime = keyof typeof ortRuntimes;

/** Options of {@link ortTrainingArtifacts}. */
export interface OrtTrainingOptions {
  /** The plain training graph: what is fed, `labels`, parameters → `loss`, outputs, `P_grad`. */
  readonly training: Model;
  /** The plain evaluation graph: the same inputs → `loss`, outputs. */
  readonly evaluation: Model;
  /** The parameters that train, by name, as they are before the first step. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Weights of the graphs that become frozen parameters of the checkpoint. @default none: they stay in the graphs */
  readonly frozen?: Iterable<string>;
  readonly optimizer: OrtOptimizer;
  /** Largest global L2 norm of the gradients; larger ones are scaled down to it. @default none */
  readonly clip?: number;
  /** @default '1.19' */
  readonly runtime?: OrtRuntime;
}

/** What ONNX Runtime's training is given. */
export interface OrtTrainingArtifacts {
  readonly training: Model;
  readonly evaluation: Model;
  readonly optimizer: Model;
  /** The checkpoint's parameters, by name, in the order of the inputs. */
  readonly trainable: ReadonlyMap<string, Tensor>;
  readonly frozen: ReadonlyMap<string, Tensor>;
  readonly checkpointVersion: 1 | 2;
}

/** Endings by which the runtime knows gradients: a user's input must not have them. */
const endings = ['_grad', '_grad.accumulation.buffer', '_grad.accumulation.out'];
const resetFlag = 'lazy_reset_grad';

/**
 * Brings plain training and evaluation graphs into ONNX Runtime's form.
 *
 * @throws ORT_TRAINING_NAME, ORT_TRAINING_MODEL, ORT_TRAINING_STATISTICS, ORT_TRAINING_OPTIMIZER, ORT_TRAINING_VERSION
 * @example
 * const artifacts = ortTrainingArtifacts({
 *   training: networkTrainingModel(network, loss),
 *   evaluation: networkEvaluationModel(network, loss),
 *   parameters: new Map(network.parameters.map(({ name, initial }) => [name, initial])),
 *   optimizer: { name: 'adamw' },
 * });
 */
export function ortTrainingArtifacts(options: OrtTrainingOptions): OrtTrainingArtifacts {
  const { training, evaluation, parameters, frozen: names = [], optimizer, clip, runtime = '1.19' } = options;
  const frozen = frozenOf([training.graph, evaluation.graph], [...names]);
  return {
    training: withAccumulators(withParameters(training, parameters, frozen, runtime), [...parameters.keys()]),
    evaluation: withParameters(evaluation, parameters, frozen, runtime),
    optimizer: ortOptimizerModel(optimizer, clip === undefined ? {} : { clip }),
    trainable: parameters,
    frozen,
    checkpointVersion: ortRuntimes[runtime].checkpointVersion,
  };
}

/** Options of {@link ortNetworkArtifacts}. */
export interface OrtNetworkOptions extends Omit<OrtTrainingOptions, 'training' | 'evaluation' | 'parameters'> {
  readonly loss: Loss;
}

/**
 * The same of a network that trains.
 *
 * @throws ORT_TRAINING_STATISTICS where it changes statistics; ORT_TRAINING_OPTIMIZER where weights have rates of their
 *   own; what {@link ortTrainingArtifacts} and the plain graphs throw
 * @example
 * ortNetworkArtifacts(network, { loss: crossEntropy(), optimizer: { name: 'adamw' }, runtime: '1.17' });
 */
export function ortNetworkArtifacts(
  network: TrainableNetwork,
  { loss, ...options }: OrtNetworkOptions,
): OrtTrainingArtifacts {
  const [changing] = network.statistics;
  if (changing) throw errors.STATISTICS({ name: changing.name });
  const slowed = network.parameters.find(({ factor = 1 }) => factor !== 1);
  if (slowed) throw errors.OPTIMIZER({ reason: `one with a rate of its own for ${slowed.name}` });
  return ortTrainingArtifacts({
    ...options,
    training: networkTrainingModel(network, loss),
    evaluation: networkEvaluationModel(network, loss),
    parameters: new Map(network.parameters.map(({ name, initial }) => [name, initial])),
  });
}

/** The weights that become frozen parameters: those of either graph. */
function frozenOf(graphs: readonly Graph[], names: readonly string[]): Map<string, Initializer> {
  const frozen = new Map<string, Initializer>();
  for (const name of names) {
    const held = graphs.map(({ initializers }) => initializers.get(name)).find(Boolean);
    if (!held) throw errors.MODEL({ name, reason: 'no weight of the graphs has this name' });
    frozen.set(name, held);
  }
  return frozen;
}

/** Inputs in the runtime's order: what is fed, parameters, frozen parameters; the two parts are those of both graphs. */
function withParameters(
  model: Model,
  parameters: ReadonlyMap<string, Tensor>,
  frozen: ReadonlyMap<string, Tensor>,
  runtime: OrtRuntime,
): Model {
  checkVersion(model, runtime);
  const { graph } = model;
  const declared = new Map(feedsOf(graph).map(info => [info.name, info]));
  const fed = [...declared.values()].filter(({ name }) => !parameters.has(name));
  for (const { name } of fed) {
    const ending = endings.find(end => name.endsWith(end));
    if (ending) throw errors.NAME({ name, reason: `an input that ends in ${ending} is taken for a gradient` });
    if (name === resetFlag) throw errors.NAME({ name, reason: 'the runtime feeds an input of this name itself' });
  }
  const trainable = [...parameters].map(([name, { type, shape }]): ValueInfo => {
    const info = declared.get(name);
    if (!info) throw errors.MODEL({ name, reason: 'it is no input' });
    if (type !== 'float32') throw errors.MODEL({ name, reason: `it is ${type}, the runtime trains float32` });
    if (info.shape?.join() !== shape.join())
      throw errors.MODEL({
        name,
        reason: `it is [${shape.join(', ')}], the input is [${info.shape?.join(', ') ?? ''}]`,
      });
    return { name, type, shape };
  });
  const still = [...frozen].map(([name, { type, shape }]): ValueInfo => ({ name, type, shape }));
  return {
    ...model,
    graph: {
      ...graph,
      inputs: [...fed, ...trainable, ...still],
      initializers: new Map([...graph.initializers].filter(([name]) => !frozen.has(name))),
    },
  };
}

function checkVersion({ irVersion, opsets }: Model, runtime: OrtRuntime): void {
  const limits = ortRuntimes[runtime];
  const opset = opsets.get('') ?? 0;
  if (irVersion > limits.irVersion)
    throw errors.VERSION({ runtime, what: 'IR versions', found: irVersion, limit: limits.irVersion });
  if (opset > limits.opset) throw errors.VERSION({ runtime, what: 'opsets', found: opset, limit: limits.opset });
}

/** Each gradient goes into its accumulator instead of out. */
function withAccumulators(model: Model, parameters: readonly string[]): Model {
  const { graph } = model;
  const outputs = new Map(graph.outputs.map(info => [info.name, info]));
  const gradients = parameters.map(name => {
    const info = outputs.get(`${name}_grad`);
    if (!info) throw errors.MODEL({ name, reason: `there is no output ${name}_grad` });
    outputs.delete(info.name);
    return info;
  });
  const results = [...outputs.values()];
  const [loss] = results;
  if (loss?.type !== 'float32' || loss.shape?.length !== 0)
    throw errors.MODEL({ name: loss?.name ?? '', reason: 'the first output must be the loss, a float32 scalar' });
  for (const { name } of results)
    if (endings.some(end => name.endsWith(end)))
      throw errors.NAME({ name, reason: 'an output with this ending is taken for a gradient and is not given out' });
  const taken = new Set([...graph.nodes.flatMap(node => node.outputs), ...graph.inputs.map(({ name }) => name)]);
  const claim = (name: string) => {
    if (taken.has(name)) throw errors.NAME({ name, reason: 'the runtime uses this name itself' });
    return name;
  };
  claim(resetFlag);
  const buffers = gradients.map(info => ({ ...info, name: claim(`${info.name}.accumulation.buffer`) }));
  const flags = gradients.map((info): ValueInfo => ({
    name: claim(`${info.name}.accumulation.out`),
    type: 'bool',
    shape: [1],
  }));
  const nodes = gradients.map((info, i): Node => ({
    op: 'InPlaceAccumulatorV2',
    domain: 'com.microsoft',
    name: `GradientAccumulator${i}`,
    inputs: [buffers[i]!.name, info.name, resetFlag],
    outputs: [flags[i]!.name],
    attributes: new Map(),
  }));
  return {
    ...model,
    opsets: new Map([...model.opsets, ['com.microsoft', 1]]),
    graph: {
      ...graph,
      inputs: [...graph.inputs, ...buffers, { name: resetFlag, type: 'bool', shape: [1] }],
      outputs: [...results, ...flags],
      nodes: [...graph.nodes, ...nodes],
      values: new Map([...graph.values, ...gradients.map(info => [info.name, info] as const)]),
    },
  };
}
