// The same fit as fitLogistic, computed here in float64 without any graph: for where no runtime is at hand, and for few
// pictures of many features, where it works in the space that the pictures span (row-space.ts). The whole path of
// cross-validation shares that space: the parts are rows of it.

import { elements, floats, Random, tensor, type Tensor } from '../base/index.js';
import { calibratedLoss } from './calibrated-loss.js';
import { foldsOf } from './folds.js';
import { checkLabelled, pictureCount, type LabelledFeatures } from './labelled-features.js';
import { lbfgsNow, type LbfgsOptions } from './lbfgs.js';
import { linearLogits, linearLoss, linearObjective, type Rows } from './linear-objective.js';
import {
  isPastValley,
  logisticDefaults,
  type LogisticFit,
  type LogisticOptions,
  type StrengthFigures,
} from './logistic-options.js';
import { rowSpace } from './row-space.js';
import { standardise, unscaled } from './standardise.js';

/** What may be asked of a fit that is computed here. */
export interface SolveOptions extends LogisticOptions {
  /** What a picture of each class weighs; one label a picture only. @default 1 each */
  readonly classWeights?: readonly number[];
}

/**
 * Fits a linear head: L-BFGS on standardised features, penalty ‖W‖² / (2 · C · n), the strength C by cross-validation.
 * Between strengths it lets the event loop turn.
 *
 * @param data features and labels; of several labels the loss is sigmoid cross-entropy, summed over the classes
 * @throws `TRAINING_DATA`
 * @example
 * const { trained, strength } = await solveLogistic(train, 5);
 */
export async function solveLogistic(
  data: LabelledFeatures,
  classes: number,
  options: SolveOptions = {},
): Promise<LogisticFit> {
  checkLabelled('train', data);
  const { folds, seed, strengths, signal, onProgress } = { ...logisticDefaults, ...options };
  const { count, width } = data;
  const matrix = new Float64Array(count * width);
  const scale = standardise(data, matrix);
  const space = count < width ? rowSpace(matrix, count, width) : undefined;
  const rows: Rows = {
    matrix: space?.coordinates ?? matrix,
    width: space?.rank ?? width,
    classes,
    ...truthOf(data, options.classWeights),
  };
  const fit = (chosen: Uint32Array, strength: number, start: Float64Array, how: LbfgsOptions) =>
    lbfgsNow(linearObjective(rows, chosen, 1 / (strength * chosen.length)), start, {
      ...how,
      ...(signal ? { signal } : {}),
    });
  const size = classes * (rows.width + 1);
  const all = Uint32Array.from({ length: count }, (_, i) => i);

  const figures: StrengthFigures[] = [];
  const pictures = pictureCount(data);
  const judged = firstLabels(data.labels, pictures);
  const parts = foldsOf(data.labels, pictures, folds, new Random(seed).at('folds'));
  const held = parts.map((part): Fold => ({
    inside: all.filter(i => !part.has(data.groups?.[i] ?? i)),
    outside: Uint32Array.from(part),
    x: new Float64Array(size),
  }));
  for (const [i, strength] of (held.length > 1 ? strengths : []).entries()) {
    const logits = new Float32Array(pictures * classes);
    for (const fold of held) {
      fold.x = fit(fold.inside, strength, fold.x, { iterations: 100, gradientTolerance: 1e-4, valueTolerance: 1e-5 }).x;
      const found = linearLogits(rows, fold.outside, fold.x);
      fold.outside.forEach((row, j) => logits.set(found.subarray(j * classes, (j + 1) * classes), row * classes));
    }
    figures.push({ strength, loss: calibratedLoss(logits, judged) });
    onProgress?.(i + 1, strengths.length);
    await new Promise<void>(resolve => setTimeout(resolve, 0));
    if (isPastValley(figures) || signal?.aborted) break;
  }
  const best = figures.reduce<StrengthFigures | undefined>((a, b) => (a && a.loss <= b.loss ? a : b), undefined);
  const strength = best?.strength ?? (strengths.length === 1 ? strengths[0]! : 1e-2);
  const found = fit(all, strength, new Float64Array(size), {
    iterations: 500,
    gradientTolerance: 1e-7,
    valueTolerance: 1e-12,
  });
  return {
    trained: unscaled(wide(found.x), classes, scale),
    strength,
    crossValidation: figures,
    iterations: found.iterations,
    loss: linearLoss(rows, all, found.x),
  };

  /** Weights over the features, then biases. */
  function wide(x: Float64Array): Float64Array {
    if (!space) return x;
    const weights = space.back(x.subarray(0, classes * space.rank), classes);
    const all = new Float64Array(weights.length + classes);
    all.set(weights);
    all.set(x.subarray(classes * space.rank), weights.length);
    return all;
  }
}

/** Rows of a part and the others. */
interface Fold {
  readonly inside: Uint32Array;
  readonly outside: Uint32Array;
  /** Where the last strength ended: the next one begins there. */
  x: Float64Array;
}

/** The labels of the first rows. */
function firstLabels(labels: Tensor, count: number): Tensor {
  if (labels.shape[0] === count) return labels;
  if (labels.type === 'int64') return tensor('int64', [count], (elements(labels) as BigInt64Array).slice(0, count));
  const classes = labels.shape[1]!;
  return tensor('float32', [count, classes], floats(labels).slice(0, count * classes));
}

function truthOf({ labels, count }: LabelledFeatures, classWeights: readonly number[] | undefined) {
  if (labels.type !== 'int64')
    return { labels: Float64Array.from(floats(labels)), isSeveral: true, weights: new Float64Array(count).fill(1) };
  const single = Float64Array.from(elements(labels) as BigInt64Array, Number);
  return { labels: single, isSeveral: false, weights: single.map(label => classWeights?.[label] ?? 1) };
}
