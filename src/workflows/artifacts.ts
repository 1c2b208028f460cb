// graft artifacts: everything that anyone's own training loop needs of a network, as files: a graph that gives loss and
// gradients, one that gives loss and outputs, one that updates the weights, one that does many steps in one run.

import {
  adam,
  adamw,
  crossEntropy,
  logitsOf,
  meanAbsoluteError,
  meanSquaredError,
  networkEvaluationModel,
  networkState,
  networkStepsModel,
  networkTrainingModel,
  optimizerModel,
  ortNetworkArtifacts,
  sgd,
  sigmoidCrossEntropy,
  trainableNetwork,
  type Loss,
  type Optimizer,
  type OrtOptimizer,
  type OrtRuntime,
} from '../artifacts/index.js';
import { verify } from '../graph/index.js';
import type { OperatorSet } from '../operators/index.js';
import { openTrainable } from './open-trainable.js';
import { writeOrtArtifacts } from './ort-state.js';
import { writePlainArtifacts } from './plain-artifacts.js';
import { unfrozen } from './unfreeze.js';

/** Losses by name, as PyTorch means them: the mean over the batch, or over all elements. */
const losses: Readonly<Record<LossName, { readonly make: () => Loss; readonly brings: readonly string[] }>> = {
  'cross-entropy': { make: () => crossEntropy(), brings: ['Softmax', 'LogSoftmax'] },
  mse: { make: () => meanSquaredError(), brings: [] },
  'bce-with-logits': { make: () => sigmoidCrossEntropy({ over: 'mean' }), brings: ['Sigmoid'] },
  l1: { make: () => meanAbsoluteError(), brings: [] },
};
export type LossName = 'cross-entropy' | 'mse' | 'bce-with-logits' | 'l1';

const optimizers: Readonly<Record<'adamw' | 'adam' | 'sgd', () => Optimizer>> = {
  adamw: () => adamw(),
  adam: () => adam(),
  sgd: () => sgd(),
};

/** The same as onnxruntime's training has them: Adam is AdamW that shrinks nothing. */
const ortOptimizers: Readonly<Record<'adamw' | 'adam' | 'sgd', OrtOptimizer>> = {
  adamw: { name: 'adamw' },
  adam: { name: 'adamw', weightDecay: 0 },
  sgd: { name: 'sgd' },
};

/** Options of {@link artifacts}. */
export interface ArtifactsOptions {
  /** The folder that is written. */
  readonly out: string;
  /** `all`, `last:2`, a cut (`block3` or a value's name: what lies behind it trains), or names of weights. @default 'all' */
  readonly unfreeze?: string | readonly string[];
  /** The loss; a Softmax (or Sigmoid) at the network's end becomes part of it. @default 'cross-entropy' */
  readonly loss?: LossName;
  /** @default 'adamw' */
  readonly optimizer?: 'adamw' | 'adam' | 'sgd';
  /**
   * `plain`: standard operators, for any onnxruntime. `ort-training`: what onnxruntime's own on-device training loads,
   * with its operators for accumulation and update.
   * @default 'plain'
   */
  readonly target?: 'plain' | 'ort-training';
  /** Of `ort-training`: the version of onnxruntime that trains. @default '1.19' */
  readonly ort?: OrtRuntime;
  /** Pictures a step of `epoch_model.onnx`; the other graphs take any number. @default 16 */
  readonly batch?: number;
  /** Height and width where the network leaves them open. */
  readonly size?: number;
  /** What operators mean, yours among them: `coreOperators.with(mine)`. @default coreOperators */
  readonly operators?: OperatorSet;
  /** Write over a folder that is there. @default false */
  readonly force?: boolean;
}

/** What was written. */
export interface ArtifactsResult {
  readonly folder: string;
  readonly files: readonly string[];
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /** The value that the loss reads. */
  readonly logits: string;
}

/**
 * Writes the training artifacts of a network.
 *
 * @throws GRAFT_UNFREEZE, ARTIFACTS_…, AUTODIFF_NO_GRADIENT with the nearest cut behind which everything trains; ONNX_…
 * @example
 * await artifacts('squeezenet1.1.onnx', { out: 'artifacts', unfreeze: 'last:1', loss: 'cross-entropy' });
 */
export async function artifacts(path: string, options: ArtifactsOptions): Promise<ArtifactsResult> {
  const { out, unfreeze = 'all', optimizer: optimizerName = 'adamw', batch = 16, operators, force = false } = options;
  const loss = losses[options.loss ?? 'cross-entropy'];
  const optimizer = optimizers[optimizerName]();
  const { model, inspection } = openTrainable(path, options);
  const { names } = unfrozen(model, unfreeze, inspection);
  const logits = logitsOf(model.graph, new Set(loss.brings));
  const network = trainableNetwork(model, { trainable: names, logits });
  const { parameters } = network;
  const told = { folder: out, parameters: parameters.map(({ name, shape }) => ({ name, shape })), logits };
  if (options.target === 'ort-training') {
    const { ort = '1.19' } = options;
    const trained = ortNetworkArtifacts(network, {
      loss: loss.make(),
      optimizer: ortOptimizers[optimizerName],
      runtime: ort,
    });
    return { ...told, files: await writeOrtArtifacts(out, trained, { force }) };
  }
  const slots = [...optimizer.slots, 'average'];
  const state = networkState(network, slots);
  const graphs = {
    training: networkTrainingModel(network, loss.make(), operators),
    evaluation: networkEvaluationModel(network, loss.make()),
    optimizer: optimizerModel({ optimizer }, parameters, slots),
    epoch: networkStepsModel(network, { loss: loss.make(), optimizer, batch, ...(operators ? { operators } : {}) }),
  };
  for (const graph of Object.values(graphs)) verify(graph);
  const said = { state, parameters, loss: loss.make().name, optimizerName, extra: { logits, batch } };
  const files = await writePlainArtifacts(out, { ...graphs, ...said }, { force });
  return { ...told, files };
}
