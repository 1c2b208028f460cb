// From features to a trained head: the graphs of the run, and who walks them. A linear head without further wishes is
// fitted full-batch (L-BFGS, strength by cross-validation).

import type { Tensor } from '../base/index.js';
import { crossEntropy, linear, sgd, sigmoidCrossEntropy, trainHead, type Head } from '../artifacts/index.js';
import { encodeModel } from '../codec/index.js';
import type { Runtime } from '../runtime/index.js';
import { fitLogistic, type StrengthFigures } from '../training/index.js';
import type { Progress } from './progress.js';
import type { SplitFeatures } from './set-features.js';

/** How a head is trained. */
export interface HeadOptions {
  /** Share of the target spread over all classes, 0 to 1. @default 0 */
  readonly labelSmoothing?: number;
  /** `balanced`: each class weighs the same, however many pictures it has. @default 'none' */
  readonly classWeights?: 'none' | 'balanced';
  /** @default 0 */
  readonly seed?: number;
}

/** A trained head and how it came about. */
export interface FittedHead {
  readonly head: Head;
  readonly name: string;
  readonly trained: ReadonlyMap<string, Tensor>;
  /** What cross-validation said of each strength, strong to weak. */
  readonly crossValidation: readonly StrengthFigures[];
  readonly strength: number;
  readonly trainLoss: number;
}

/** Trains the head of a set's features. */
export async function fitHead(
  runtime: Runtime,
  train: SplitFeatures,
  { classes, task }: { readonly classes: number; readonly task: 'single' | 'multi-label' },
  options: HeadOptions & { readonly onProgress?: (at: Progress) => void; readonly signal?: AbortSignal } = {},
): Promise<FittedHead> {
  const { labelSmoothing = 0, classWeights = 'none', seed = 0, onProgress, signal } = options;
  const weights = classWeights === 'balanced' && task === 'single' ? balancedWeights(train, classes) : undefined;
  const loss =
    task === 'single'
      ? crossEntropy({ labelSmoothing, ...(weights ? { classWeights: weights } : {}) })
      : sigmoidCrossEntropy({ labelSmoothing });
  const artifacts = trainHead({ features: train.width, classes, head: linear, loss, optimizer: sgd() });
  const training = await runtime.open(encodeModel(artifacts.training));
  const evaluation = await runtime.open(encodeModel(artifacts.evaluation));
  try {
    const fit = await fitLogistic(runtime, training, evaluation, train, classes, {
      seed,
      ...(signal ? { signal } : {}),
      onProgress: (done, total) => onProgress?.({ what: 'choosing the strength', done, total }),
    });
    const { trained, crossValidation, strength } = fit;
    return { head: linear, name: 'linear', trained, crossValidation, strength, trainLoss: fit.loss };
  } finally {
    await training.close();
    await evaluation.close();
  }
}

/** n / (K · n_k) */
function balancedWeights({ labels, count }: SplitFeatures, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of new BigInt64Array(new Uint8Array(labels.bytes).buffer)) counts[Number(label)]!++;
  return counts.map(n => count / (classes * Math.max(1, n)));
}
