// Full-batch training of a linear head: L-BFGS over the training graph, on standardised features, with an L2 penalty
// whose strength is chosen by cross-validation on the training pictures.
//   minimise  loss(W, b) + ‖W‖² / (2 · C · n)          C as in scikit-learn's LogisticRegression; the bias is free
// The weights that come back are those for the features as they are: W / deviation, b − W·mean / deviation.

import { floats, Random, tensor } from '../base/index.js';
import type { Runtime, Session } from '../runtime/index.js';
import { foldsOf } from './folds.js';
import { pictureCount, type LabelledFeatures } from './labelled-features.js';
import { calibratedLoss } from './calibrated-loss.js';
import { graphObjective, parameterFeeds } from './graph-objective.js';
import { lbfgs } from './lbfgs.js';
import {
  isPastValley,
  logisticDefaults,
  type LogisticFit,
  type LogisticOptions,
  type StrengthFigures,
} from './logistic-options.js';
import { standardise, unscaled } from './standardise.js';
import { rowsOf } from './walkers.js';

/**
 * Fits a linear head.
 *
 * @param training a session of the training graph of a linear head (`features`, `labels`, `head.weight`, `head.bias`
 *   → `loss`, gradients)
 * @param evaluation a session of its evaluation graph (→ `loss`, `logits`)
 */
export async function fitLogistic(
  runtime: Runtime,
  training: Session,
  evaluation: Session,
  data: LabelledFeatures,
  classes: number,
  options: LogisticOptions = {},
): Promise<LogisticFit> {
  const { folds, seed, strengths } = { ...logisticDefaults, ...options };
  const scaled = new Float32Array(data.features.length);
  const scale = standardise(data, scaled);
  const { width } = data;
  const standardised = tensor('float32', [data.count, width], scaled);
  const all = Array.from({ length: data.count }, (_, i) => i);
  const parts = foldsOf(data.labels, pictureCount(data), folds, new Random(seed).at('folds'));
  const size = classes * width + classes;

  const rows = (indices: readonly number[]) => ({
    features: runtime.tensor(rowsOf(standardised, indices)),
    labels: runtime.tensor(rowsOf(data.labels, indices)),
    count: indices.length,
  });
  type Rows = ReturnType<typeof rows>;
  interface Fold {
    readonly inside: Rows;
    readonly outside: Rows;
    /** Where the last strength ended: the next one begins there. */
    x: Float64Array;
  }
  const parameters = [
    { name: 'head.weight', shape: [classes, width] },
    { name: 'head.bias', shape: [classes] },
  ];
  const batch = ({ features, labels }: Rows) =>
    new Map([
      ['features', features],
      ['labels', labels],
    ]);
  const feeds = (at: Rows, x: Float64Array) => new Map([...batch(at), ...parameterFeeds(runtime, parameters, x)]);
  // Both penalty and loss are means over the pictures.
  const objective = (at: Rows, strength: number) =>
    graphObjective(runtime, training, parameters, batch(at), 1 / (strength * at.count));
  const lossOf = async (at: Rows, x: Float64Array): Promise<number> => {
    const results = await evaluation.run(feeds(at, x), ['loss']);
    return floats(await results.get('loss')!.read())[0]!;
  };
  const logitsOf = async (at: Rows, x: Float64Array): Promise<Float32Array> => {
    const results = await evaluation.run(feeds(at, x), ['logits']);
    return floats(await results.get('logits')!.read()).slice();
  };
  // The graph tells its loss in float32.
  const noise = 2 ** -23;
  const quick = { iterations: 100, gradientTolerance: 1e-4, valueTolerance: 1e-5, noise };
  const signal = options.signal ? { signal: options.signal } : {};

  const figures: StrengthFigures[] = [];
  if (parts.length > 1) {
    const held = parts.map((part): Fold => ({
      inside: rows(all.filter(i => !part.has(data.groups?.[i] ?? i))),
      outside: rows([...part]),
      x: new Float64Array(size),
    }));
    const heldLabels = rowsOf(
      data.labels,
      parts.flatMap(part => [...part]),
    );
    for (const [i, strength] of strengths.entries()) {
      const parted: Float32Array[] = [];
      for (const fold of held) {
        const found = await lbfgs(objective(fold.inside, strength), fold.x, { ...quick, ...signal });
        fold.x = found.x;
        parted.push(await logitsOf(fold.outside, found.x));
      }
      figures.push({ strength, loss: calibratedLoss(joined(parted), heldLabels) });
      options.onProgress?.(i + 1, strengths.length);
      if (isPastValley(figures) || options.signal?.aborted) break;
    }
  }
  const best = figures.reduce<StrengthFigures | undefined>((a, b) => (a && a.loss <= b.loss ? a : b), undefined);
  const strength = best?.strength ?? (strengths.length === 1 ? strengths[0]! : 1e-2);
  const whole = rows(all);
  const found = await lbfgs(objective(whole, strength), new Float64Array(size), {
    iterations: 500,
    gradientTolerance: 1e-6,
    valueTolerance: 1e-9,
    noise,
    ...signal,
  });
  return {
    trained: unscaled(found.x, classes, scale),
    strength,
    crossValidation: figures,
    iterations: found.iterations,
    loss: await lossOf(whole, found.x),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
