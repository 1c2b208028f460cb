// What ONNX Runtime's training can do with gradients, as data, and the same as an optimizer of ours: every parameter
// decays there, biases too, and none has a rate of its own. optimizer_model holds exactly one optimizer node:
//   learning_rate float[1], step int64[1], params, gradients, first_order_moments[, second_order_moments] → updated_flag

import {
  houseIrVersion,
  houseOpset,
  type Attribute,
  type Model,
  type Node,
  type ValueInfo,
} from '../../graph/index.js';
import { adamw } from '../optimizers/adam.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { sgd } from '../optimizers/sgd.js';
import { transformersAdamW } from '../optimizers/transformers-adamw.js';
import { errors } from './errors.js';

/** AdamW, in one of two forms. */
export interface OrtAdamW {
  readonly name: 'adamw';
  /** `torch`: torch.optim.AdamW (adam_mode 0); `transformers`: what generate_artifacts writes (1). @default 'torch' */
  readonly form?: 'torch' | 'transformers';
  /** @default 0.9 */
  readonly beta1?: number;
  /** @default 0.999 */
  readonly beta2?: number;
  /** @default 1e-8 */
  readonly epsilon?: number;
  /** Of every parameter; 0 is Adam. @default 0.01 */
  readonly weightDecay?: number;
}

/** Plain descent: no momentum, no decay. */
export interface OrtSgd {
  readonly name: 'sgd';
}

/** What ONNX Runtime's training updates parameters with. */
export type OrtOptimizer = OrtAdamW | OrtSgd;

const defaults = { form: 'torch', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 } as const;

/** Whether there are moments beside the parameters, and their names in a checkpoint. */
export const momentsOf = ({ name }: OrtOptimizer): readonly string[] =>
  name === 'adamw' ? ['momentum0', 'momentum1'] : [];

/** The same optimizer as our own graphs have it. */
export function ownOptimizer(optimizer: OrtOptimizer): Optimizer {
  if (optimizer.name === 'sgd') return sgd({ momentum: 0 });
  const { name: _, form, ...options } = { ...defaults, ...optimizer };
  return (form === 'torch' ? adamw : transformersAdamW)({ ...options, decayed: 'all' });
}

/**
 * optimizer_model of ONNX Runtime's training.
 *
 * @param options `clip`: largest global L2 norm of the gradients
 * @throws ORT_TRAINING_OPTIMIZER for values that the node cannot have
 */
export function ortOptimizerModel(optimizer: OrtOptimizer, { clip }: { readonly clip?: number } = {}): Model {
  const isAdam = optimizer.name === 'adamw';
  const names = ['params', 'gradients', 'first_order_moments', ...(isAdam ? ['second_order_moments'] : [])];
  const inputs: ValueInfo[] = [
    { name: 'learning_rate', type: 'float32', shape: [1] },
    { name: 'step', type: 'int64', shape: [1] },
    ...names.map(name => ({ name, typeBytes: sequenceOfFloats })),
  ];
  const gradients = clip === undefined ? 'gradients' : 'clipped_gradients';
  const nodes: Node[] = [];
  if (clip !== undefined) {
    if (!(clip > 0)) throw errors.OPTIMIZER({ reason: `a clip of ${clip}` });
    nodes.push(node('InplaceClipGradNorm', ['gradients'], gradients, { max_norm: float(clip) }));
  }
  const moments = names.slice(2);
  nodes.push(
    isAdam
      ? node(
          'AdamWOptimizer',
          ['learning_rate', 'step', 'params', gradients, ...moments],
          flag,
          adamAttributes(optimizer),
        )
      : node('SGDOptimizerV2', ['learning_rate', 'params', gradients], flag, {}),
  );
  return {
    irVersion: houseIrVersion,
    opsets: new Map([
      ['', houseOpset],
      ['com.microsoft', 1],
    ]),
    graph: {
      name: 'optimizer',
      inputs,
      // Declared [1], SGD's is refused by every runtime: it infers a scalar.
      outputs: [{ name: flag, type: 'bool', shape: isAdam ? [1] : [] }],
      nodes,
      initializers: new Map(),
      sparseInitializers: [],
      values: new Map(),
    },
    functions: [],
    producerName: 'onnx-graft',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    doc: '',
    metadata: new Map(),
  };
}

const flag = 'updated_flag';
/** TypeProto {sequence_type {elem_type {tensor_type {elem_type: FLOAT}}}} */
const sequenceOfFloats = Uint8Array.of(0x22, 6, 0x0a, 4, 0x0a, 2, 8, 1);

const float = (value: number): Attribute => ({ kind: 'float', value });

function adamAttributes(optimizer: OrtAdamW): Readonly<Record<string, Attribute>> {
  const { form, beta1, beta2, epsilon, weightDecay } = { ...defaults, ...optimizer };
  for (const [name, value] of Object.entries({ beta1, beta2 }))
    if (!(value >= 0 && value < 1)) throw errors.OPTIMIZER({ reason: `AdamW with ${name} ${value}` });
  if (!(epsilon >= 0 && weightDecay >= 0))
    throw errors.OPTIMIZER({ reason: `AdamW with epsilon ${epsilon} and decay ${weightDecay}` });
  return {
    alpha: float(beta1),
    beta: float(beta2),
    epsilon: float(epsilon),
    weight_decay: float(weightDecay),
    adam_mode: { kind: 'int', value: form === 'torch' ? 0 : 1 },
    correct_bias: { kind: 'int', value: 1 },
  };
}

const node = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>>,
): Node => ({
  op,
  domain: 'com.microsoft',
  name: op,
  inputs,
  outputs: [output],
  attributes: new Map(Object.entries(attributes)),
});
