// Full-batch training of a linear head: L-BFGS over the training graph, on standardised features, with an L2 penalty
// whose strength is chosen by cross-validation on the training pictures.
//   minimise  loss(W, b) + ‖W‖² / (2 · C · n)          C as in scikit-learn's LogisticRegression; the bias is free
// The weights that come back are those for the features as they are: W / deviation, b − W·mean / deviation.

import { elements, floats, Random, tensor, type Tensor } from '../base/index.js';
import type { Runtime, Session } from '../runtime/index.js';
import type { LabelledFeatures } from './labelled-features.js';
import { calibratedLoss } from './calibrated-loss.js';
import { lbfgs, type Evaluated } from './lbfgs.js';

export interface LogisticOptions {
  /** Values of C that are tried, from strong to weak. @default 10^-6 … 10^2 in half decades */
  readonly strengths?: readonly number[];
  /** Parts of the cross-validation; fewer where a class has fewer pictures. @default 5 */
  readonly folds?: number;
  /** @default 0 */
  readonly seed?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What cross-validation found for one strength. */
export interface StrengthFigures {
  readonly strength: number;
  /** Mean negative log-likelihood over held-out pictures at the temperature that suits them best. */
  readonly loss: number;
}

/** A fitted linear head. */
export interface LogisticFit {
  /** `head.weight` [classes, width] and `head.bias` [classes]. */
  readonly trained: Map<string, Tensor>;
  /** The chosen C. */
  readonly strength: number;
  readonly crossValidation: readonly StrengthFigures[];
  readonly iterations: number;
  /** Mean loss over the training pictures, without the penalty. */
  readonly loss: number;
}

const defaults = { folds: 5, seed: 0, strengths: Array.from({ length: 17 }, (_, i) => 10 ** (-6 + i / 2)) } as const;

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
  const { folds, seed, strengths } = { ...defaults, ...options };
  const { scaled, mean, deviation } = standardise(data);
  const { width } = data;
  const all = Array.from({ length: data.count }, (_, i) => i);
  const parts = foldsOf(data.labels, data.count, folds, new Random(seed).at('folds'));
  const size = classes * width + classes;

  const rows = (indices: readonly number[]) => ({
    features: runtime.tensor(tensor('float32', [indices.length, width], rowsOf(scaled, width, indices))),
    labels: runtime.tensor(labelRows(data.labels, indices)),
    count: indices.length,
  });
  type Rows = ReturnType<typeof rows>;
  interface Fold {
    readonly inside: Rows;
    readonly outside: Rows;
    /** Where the last strength ended: the next one begins there. */
    x: Float64Array;
  }
  const parameters = (x: Float64Array) => ({
    weight: runtime.tensor(tensor('float32', [classes, width], Float32Array.from(x.subarray(0, classes * width)))),
    bias: runtime.tensor(tensor('float32', [classes], Float32Array.from(x.subarray(classes * width)))),
  });
  const feeds = ({ features, labels }: Rows, x: Float64Array) => {
    const { weight, bias } = parameters(x);
    return new Map([
      ['features', features],
      ['labels', labels],
      ['head.weight', weight],
      ['head.bias', bias],
    ]);
  };
  const fetches = ['loss', 'head.weight_grad', 'head.bias_grad'];
  const objective =
    (at: Rows, strength: number) =>
    async (x: Float64Array): Promise<Evaluated> => {
      const results = await training.run(feeds(at, x), fetches);
      const [loss, dW, db] = await Promise.all(fetches.map(async name => floats(await results.get(name)!.read())));
      const gradient = new Float64Array(size);
      gradient.set(dW!);
      gradient.set(db!, classes * width);
      // Both penalty and loss are means over the pictures.
      const penalty = 1 / (strength * at.count);
      let value = loss![0]!;
      for (let i = 0; i < classes * width; i++) {
        value += 0.5 * penalty * x[i]! * x[i]!;
        gradient[i]! += penalty * x[i]!;
      }
      for (const result of results.values()) result.dispose();
      return { value, gradient };
    };
  const lossOf = async (at: Rows, x: Float64Array): Promise<number> => {
    const results = await evaluation.run(feeds(at, x), ['loss']);
    return floats(await results.get('loss')!.read())[0]!;
  };
  const logitsOf = async (at: Rows, x: Float64Array): Promise<Float32Array> => {
    const results = await evaluation.run(feeds(at, x), ['logits']);
    return floats(await results.get('logits')!.read()).slice();
  };
  const quick = { iterations: 100, gradientTolerance: 1e-4, valueTolerance: 1e-5 };
  const signal = options.signal ? { signal: options.signal } : {};

  const figures: StrengthFigures[] = [];
  if (parts.length > 1) {
    const held = parts.map((part): Fold => ({
      inside: rows(all.filter(i => !part.has(i))),
      outside: rows([...part]),
      x: new Float64Array(size),
    }));
    const heldLabels = labelRows(
      data.labels,
      parts.flatMap(part => [...part]),
    );
    let worse = 0;
    for (const [i, strength] of strengths.entries()) {
      const parted: Float32Array[] = [];
      for (const fold of held) {
        const found = await lbfgs(objective(fold.inside, strength), fold.x, { ...quick, ...signal });
        fold.x = found.x;
        parted.push(await logitsOf(fold.outside, found.x));
      }
      figures.push({ strength, loss: calibratedLoss(joined(parted), heldLabels) });
      options.onProgress?.(i + 1, strengths.length);
      // The path goes from strong to weak: past its valley nothing is to be found.
      const best = Math.min(...figures.map(({ loss }) => loss));
      worse = figures.at(-1)!.loss > best ? worse + 1 : 0;
      if (worse >= 3 || options.signal?.aborted) break;
    }
  }
  const best = figures.reduce<StrengthFigures | undefined>((a, b) => (a && a.loss <= b.loss ? a : b), undefined);
  const strength = best?.strength ?? 1e-2;
  const whole = rows(all);
  const found = await lbfgs(objective(whole, strength), new Float64Array(size), {
    iterations: 500,
    gradientTolerance: 1e-6,
    valueTolerance: 1e-9,
    ...signal,
  });
  return {
    trained: unscaled(found.x, classes, mean, deviation),
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

/** Features of mean 0 and deviation 1; constant ones stay at 0. */
function standardise({ features, count, width }: LabelledFeatures) {
  const mean = new Float64Array(width);
  const deviation = new Float64Array(width);
  for (let i = 0; i < features.length; i++) mean[i % width]! += features[i]! / count;
  for (let i = 0; i < features.length; i++) deviation[i % width]! += (features[i]! - mean[i % width]!) ** 2 / count;
  for (let j = 0; j < width; j++) deviation[j] = Math.sqrt(deviation[j]!) > 1e-8 ? Math.sqrt(deviation[j]!) : Infinity;
  const scaled = new Float32Array(features.length);
  for (let i = 0; i < features.length; i++) scaled[i] = (features[i]! - mean[i % width]!) / deviation[i % width]!;
  return { scaled, mean, deviation };
}

function unscaled(x: Float64Array, classes: number, mean: Float64Array, deviation: Float64Array): Map<string, Tensor> {
  const width = mean.length;
  const weight = new Float32Array(classes * width);
  const bias = new Float32Array(classes);
  for (let k = 0; k < classes; k++) {
    let shift = x[classes * width + k]!;
    for (let j = 0; j < width; j++) {
      const w = x[k * width + j]! / deviation[j]!;
      weight[k * width + j] = w;
      shift -= w * mean[j]!;
    }
    bias[k] = shift;
  }
  return new Map([
    ['head.weight', tensor('float32', [classes, width], weight)],
    ['head.bias', tensor('float32', [classes], bias)],
  ]);
}

function rowsOf(data: Float32Array, width: number, indices: readonly number[]): Float32Array {
  const rows = new Float32Array(indices.length * width);
  indices.forEach((from, to) => rows.set(data.subarray(from * width, (from + 1) * width), to * width));
  return rows;
}

function labelRows(labels: Tensor, indices: readonly number[]): Tensor {
  if (labels.type === 'int64') {
    const all = elements(labels) as BigInt64Array;
    return tensor(
      'int64',
      [indices.length],
      BigInt64Array.from(indices, i => all[i]!),
    );
  }
  const classes = labels.shape[1]!;
  return tensor('float32', [indices.length, classes], rowsOf(floats(labels), classes, indices));
}

/** Parts with every class in each, in shares as in the whole; several labels are dealt out as they come. */
function foldsOf(labels: Tensor, count: number, folds: number, random: Random): Set<number>[] {
  const groups = new Map<bigint, number[]>();
  const single = labels.type === 'int64' ? (elements(labels) as BigInt64Array) : undefined;
  for (const i of random.permutation(count)) {
    const label = single?.[i] ?? 0n;
    const group = groups.get(label);
    if (group) group.push(i);
    else groups.set(label, [i]);
  }
  const smallest = Math.min(...[...groups.values()].map(group => group.length));
  const wanted = Math.min(folds, smallest);
  if (wanted < 2) return [];
  const parts = Array.from({ length: wanted }, () => new Set<number>());
  let next = 0;
  for (const group of groups.values()) for (const i of group) parts[next++ % wanted]!.add(i);
  return parts;
}
