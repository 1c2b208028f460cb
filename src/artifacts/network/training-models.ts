// training_model: what the network is fed, labels, weights → loss, the network's outputs, `P_grad` of every weight P.
// eval_model: the same without gradients. Standard operators only; the batch stays a name.

import { Builder, embed, modelOf, type Dim, type Model, type Value } from '../../graph/index.js';
import { Reshape, type OperatorSet } from '../../operators/index.js';
import { errors } from '../errors.js';
import { gradientsOf } from '../gradients.js';
import { shareOf, valueOf, type Loss } from '../losses/loss.js';
import type { TrainableNetwork } from './network.js';

/**
 * One step's loss and gradients.
 *
 * @param operators what operators mean, yours among them
 * @returns inputs of the network, `labels`, weights under their names → `loss` [], the network's outputs, `P_grad`
 * @throws ARTIFACTS_LOGITS, ARTIFACTS_NO_PATH, ARTIFACTS_NAME_TAKEN, AUTODIFF_…
 */
export function networkTrainingModel(network: TrainableNetwork, loss: Loss, operators?: OperatorSet): Model {
  const { builder, parameters, made, logits, labels } = declare('training', network, loss);
  const classes = logits.shape[1] as number;
  const targets = loss.targets(labels, classes);
  const gradients = gradientsOf(loss, logits, targets, shareOf(logits, 0), parameters, operators);
  builder.output(valueOf(loss, logits, targets), 'loss');
  for (const name of network.outputs) builder.output(made.get(name)!, name);
  for (const { next } of network.statistics) builder.output(made.get(next)!, next);
  for (const name of parameters.keys()) {
    const gradient = gradients.get(name);
    if (!gradient) throw errors.NO_PATH({ name });
    builder.output(gradient, `${name}_grad`);
  }
  return modelOf(builder.finish());
}

/** Loss and outputs of the network as it is served. */
export function networkEvaluationModel(network: TrainableNetwork, loss: Loss): Model {
  const { builder, made, logits, labels } = declare('evaluation', network, loss);
  builder.output(valueOf(loss, logits, loss.targets(labels, logits.shape[1] as number)), 'loss');
  for (const name of network.outputs) builder.output(made.get(name)!, name);
  return modelOf(builder.finish());
}

/** The network in a new graph, with labels beside what it is fed. */
function declare(name: string, network: TrainableNetwork, loss: Loss) {
  const { graph, parameters: trained, statistics, inputs } = network;
  for (const reserved of ['labels', 'loss'])
    if ([...graph.inputs, ...graph.outputs].some(info => info.name === reserved))
      throw errors.NAME_TAKEN({ name: reserved });
  const builder = new Builder(name);
  // Values inside the network that have the names of new outputs give way.
  for (const reserved of ['loss', ...trained.map(({ name: of }) => `${of}_grad`)]) builder.fresh(reserved);
  const bindings = new Map<string, Value>();
  const enter = (of: string) => {
    const info = graph.inputs.find(input => input.name === of)!;
    bindings.set(of, builder.input(of, info.type ?? 'float32', info.shape ?? []));
  };
  for (const of of inputs) enter(of);
  // The batch of the labels is that of the pictures; the number of classes is known once the network stands.
  const batch = graph.inputs.find(info => info.name === inputs[0])?.shape?.[0] ?? 'batch';
  const declared = loss.labels(classesOf(network));
  const labels = builder.input('labels', declared.type, [batch, ...declared.shape.slice(1)]);
  for (const of of [...trained, ...statistics]) enter(of.name);
  const made = embed(builder, graph, bindings);
  const logits = flatLogits(made.get(network.logits)!);
  const parameters = new Map(trained.map(({ name: of }) => [of, bindings.get(of)!]));
  return { builder, parameters, made, logits, labels };
}

/** K */
export function classesOf({ graph, logits }: TrainableNetwork): number {
  const shape = graph.outputs.find(({ name }) => name === logits)?.shape;
  return classCount(logits, shape);
}

/** Logits [N, K, 1, …] as [N, K]. */
export function flatLogits(logits: Value): Value {
  const classes = classCount(logits.name, logits.shape);
  return logits.shape.length === 2 ? logits : Reshape(logits, [0, classes]);
}

function classCount(name: string, shape: readonly Dim[] | undefined): number {
  const classes = shape?.[1];
  if (!shape || shape.length < 2 || typeof classes !== 'number' || shape.slice(2).some(dim => dim !== 1))
    throw errors.LOGITS({ name, found: shape ? `[${shape.join(', ')}]` : 'of unknown shape' });
  return classes;
}
