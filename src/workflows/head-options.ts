// How a head is trained, with every default in one place.

import { adam, adamw, linear, mlp, sgd, type Head, type Optimizer } from '../artifacts/index.js';
import { errors } from './errors.js';
import { keptSchedule, resolveKept, wantsEpochs, type KeptOptions } from './kept-options.js';
import { constant, cosine, oneCycle, warmUp, type Schedule } from '../training/index.js';

/** How a head is trained. */
export interface HeadOptions extends KeptOptions {
  /** `linear`, or `mlp`: hidden layers with Relu and dropout before it. @default 'linear' */
  readonly head?: 'linear' | 'mlp';
  /** Widths of an mlp's hidden layers. @default [256] */
  readonly hidden?: readonly number[];
  /** Probability with which a hidden element is dropped in training, 0 to below 1. @default 0.5 */
  readonly dropout?: number;
  /**
   * `lbfgs`: full-batch, linear heads only, its L2 strength chosen by cross-validation. The others walk epochs.
   * @default 'lbfgs' for linear, 'adamw' for mlp and where epochs are to be kept or averaged
   */
  readonly optimizer?: 'lbfgs' | 'adamw' | 'adam' | 'sgd';
  /** @default 40 */
  readonly epochs?: number;
  /** Pictures a step. @default 32 */
  readonly batch?: number;
  /** Learning rate at its peak. @default 0.001; 0.01 for sgd */
  readonly rate?: number;
  /** @default 'one-cycle' */
  readonly schedule?: 'constant' | 'cosine' | 'one-cycle';
  /** Steps in which the rate rises before the schedule begins. @default 0 */
  readonly warmUp?: number;
  /** Of sgd, 0 to below 1. @default 0.9 */
  readonly momentum?: number;
  /** Nesterov's momentum. @default false */
  readonly nesterov?: boolean;
  /** λ: decoupled for adamw, in the gradient for the others; matrices only. @default 0.01 for adamw, 0 for adam, 0.0005 for sgd */
  readonly weightDecay?: number;
  /** Half-life of the Polyak average of the weights, in epochs. @default 1 */
  readonly halfLife?: number;
  /** Epochs without a better validation loss after which training ends with the best. @default 10; 0, never, with snapshots or swa */
  readonly patience?: number;
  /** Share of the target spread over all classes, 0 to 1. @default 0 */
  readonly labelSmoothing?: number;
  /** `balanced`: each class weighs the same, however many pictures it has. @default 'none' */
  readonly classWeights?: 'none' | 'balanced';
  /** @default 0 */
  readonly seed?: number;
}

/** Every option with its value; the head and the optimizer as what artifacts take. */
export type ResolvedHead = Required<Omit<HeadOptions, 'head' | 'optimizer' | 'schedule'>> & {
  readonly name: 'linear' | 'mlp';
  readonly head: Head;
  readonly optimizerName: NonNullable<HeadOptions['optimizer']>;
  readonly optimizer: Optimizer;
  readonly scheduleName: ScheduleName;
  readonly schedule: Schedule;
};

/** `cosine-restarts` is that of snapshots. */
export type ScheduleName = NonNullable<HeadOptions['schedule']> | 'cosine-restarts';

/**
 * Fills in the defaults.
 *
 * @throws GRAFT_HEAD where options do not go together
 */
export function resolveHead(options: HeadOptions): ResolvedHead {
  const name = options.head ?? 'linear';
  const { hidden = [256], dropout = 0.5 } = options;
  // what only epochs have is a wish for epochs
  const isByEpochs = name !== 'linear' || wantsEpochs(options);
  const optimizerName = options.optimizer ?? (isByEpochs ? 'adamw' : 'lbfgs');
  if (optimizerName === 'lbfgs' && wantsEpochs(options))
    throw errors.HEAD({
      found: 'optimizer lbfgs with snapshots, swa or keep',
      wanted: 'adamw, adam or sgd: L-BFGS has no epochs',
    });
  if (optimizerName === 'lbfgs' && name !== 'linear')
    throw errors.HEAD({
      found: 'optimizer lbfgs with head mlp',
      wanted: 'adamw, adam or sgd: L-BFGS is for linear heads',
    });
  const epochs = options.epochs ?? 40;
  const { momentum = 0.9, nesterov = false } = options;
  return {
    name,
    head: name === 'linear' ? linear : mlp({ hidden, dropout }),
    hidden,
    dropout,
    optimizerName,
    ...resolveTraining(options, optimizerName, epochs),
    epochs,
    batch: options.batch ?? 32,
    rate: options.rate ?? (optimizerName === 'sgd' ? 0.01 : 0.001),
    momentum,
    nesterov,
    halfLife: options.halfLife ?? 1,
    labelSmoothing: options.labelSmoothing ?? 0,
    classWeights: options.classWeights ?? 'none',
    seed: options.seed ?? 0,
  };
}

/** The optimizer and the schedule that options name, of heads and of trunks alike. */
export function resolveTraining(
  { momentum = 0.9, nesterov = false, warmUp: rising = 0, ...options }: HeadOptions,
  optimizerName: NonNullable<HeadOptions['optimizer']>,
  epochs: number,
) {
  const weightDecay = options.weightDecay ?? { lbfgs: 0, adamw: 0.01, adam: 0, sgd: 0.0005 }[optimizerName];
  const optimizers = {
    lbfgs: () => sgd(),
    adamw: () => adamw({ weightDecay }),
    adam: () => adam({ weightDecay }),
    sgd: () => sgd({ momentum, nesterov, weightDecay }),
  };
  const kept = resolveKept(options);
  const asked = options.schedule ?? 'one-cycle';
  const plain = { constant, cosine: () => cosine(), 'one-cycle': () => oneCycle() }[asked]();
  const scheduleName: ScheduleName = kept.snapshots === 0 ? asked : 'cosine-restarts';
  return {
    weightDecay,
    optimizer: optimizers[optimizerName](),
    scheduleName,
    schedule: keptSchedule(rising > 0 ? warmUp(plain, rising) : plain, kept, { epochs, rising }),
    warmUp: rising,
    patience: kept.snapshots === 0 && kept.swa === 0 ? (options.patience ?? 10) : 0,
    ...kept,
  };
}
