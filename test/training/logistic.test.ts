// Linear heads that are fitted at once, against Newton's method in float64 on the same problem, written here.

import test from 'ava';
import { elements, floats, tensor } from '../../src/base/index.js';
import { crossEntropy, linear, sgd, sigmoidCrossEntropy, type Loss } from '../../src/artifacts/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { fitLogistic, type LabelledFeatures, type LogisticOptions } from '../../src/training/index.js';
import { artifactsOf, bitsOf, blobs, severalLabels } from './heads.js';

const runtime = nodeRuntime();

async function fit(
  data: LabelledFeatures,
  classes: number,
  options: LogisticOptions = {},
  loss: Loss = crossEntropy(),
) {
  const { artifacts } = artifactsOf({ features: data.width, classes, head: linear, loss, optimizer: sgd() });
  const training = await runtime.open(artifacts.training);
  const evaluation = await runtime.open(artifacts.evaluation);
  try {
    return await fitLogistic(runtime, training, evaluation, data, classes, options);
  } finally {
    await training.close();
    await evaluation.close();
  }
}

/** Solves a · x = b by elimination with pivots. */
function solve(a: number[][], b: readonly number[]): number[] {
  const rows = a.map((row, i) => [...row, b[i]!]);
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    const pivot = rows.reduce((at, row, j) => (j > i && Math.abs(row[i]!) > Math.abs(rows[at]![i]!) ? j : at), i);
    [rows[i], rows[pivot]] = [rows[pivot]!, rows[i]!];
    for (let j = i + 1; j < n; j++) {
      const factor = rows[j]![i]! / rows[i]![i]!;
      for (let k = i; k <= n; k++) rows[j]![k]! -= factor * rows[i]![k]!;
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    const known = x.reduce((sum, value, k) => (k > i ? sum + rows[i]![k]! * value : sum), 0);
    x[i] = (rows[i]![n]! - known) / rows[i]![i]!;
  }
  return x;
}

/** Features of mean 0 and deviation 1 with a 1 behind them, in float64. */
function standardised({ features, count, width }: LabelledFeatures) {
  const column = (j: number) => Array.from({ length: count }, (_, i) => features[i * width + j]!);
  const mean = Array.from({ length: width }, (_, j) => column(j).reduce((a, b) => a + b) / count);
  const deviation = mean.map((m, j) => Math.sqrt(column(j).reduce((sum, x) => sum + (x - m) ** 2, 0) / count));
  const row = (i: number) => [...mean.map((m, j) => (features[i * width + j]! - m) / deviation[j]!), 1];
  return { rows: Array.from({ length: count }, (_, i) => row(i)), mean, deviation };
}

/** A fit in float64: (1/n) Σ loss + ‖W‖² / (2 C n) over standardised features, its minimum and its gradient anywhere. */
class Reference {
  readonly #rows: number[][];
  readonly #mean: number[];
  readonly #deviation: number[];
  readonly #size: number;

  constructor(
    readonly data: LabelledFeatures,
    readonly strength: number,
    readonly targets: readonly (readonly number[])[],
    readonly kind: 'softmax' | 'sigmoid',
  ) {
    const { rows, mean, deviation } = standardised(data);
    this.#rows = rows;
    this.#mean = mean;
    this.#deviation = deviation;
    this.#size = data.width + 1;
  }

  /** Newton's method. A ridge of 1e-12 settles what softmax leaves open. */
  minimum() {
    let x = new Array<number>(this.targets[0]!.length * this.#size).fill(0);
    for (let turn = 0; turn < 50; turn++) {
      const { gradient, hessian } = this.#derivatives(x);
      if (largest(gradient) < 1e-13) break;
      hessian.forEach((row, i) => (row[i]! += 1e-12));
      const step = solve(hessian, gradient);
      x = x.map((value, at) => value - step[at]!);
    }
    const weights = this.targets[0]!.map((_, k) =>
      this.#deviation.map((deviation, j) => x[k * this.#size + j]! / deviation),
    );
    const biases = weights.map((row, k) => x[(k + 1) * this.#size - 1]! - dot(row, this.#mean));
    return { weight: weights.flat(), bias: biases };
  }

  /** The largest element of the gradient at weights for the features as they are. */
  slopeAt(weight: ArrayLike<number>, bias: ArrayLike<number>): number {
    const { width } = this.data;
    const x = this.targets[0]!.flatMap((_, k) => {
      const row = this.#mean.map((__, j) => weight[k * width + j]!);
      return [...row.map((w, j) => w * this.#deviation[j]!), bias[k]! + dot(row, this.#mean)];
    });
    return largest(this.#derivatives(x).gradient);
  }

  /** p_k (δ_kl − p_l) is the slope of softmax, δ_kl p_k (1 − p_k) that of sigmoid. */
  #derivatives(x: readonly number[]) {
    const { count, width } = this.data;
    const size = this.#size;
    const penalty = (at: number) => (at % size < width ? 1 / (this.strength * count) : 0);
    const gradient = x.map((value, at) => penalty(at) * value);
    const hessian = x.map((_, a) => x.map((__, b) => (a === b ? penalty(a) : 0)));
    this.#rows.forEach((row, i) => {
      const target = this.targets[i]!;
      const z = target.map((_, k) => dot(row, x.slice(k * size, (k + 1) * size)));
      const total = z.reduce((sum, value) => sum + Math.exp(value), 0);
      const p = z.map(value => (this.kind === 'softmax' ? Math.exp(value) / total : 1 / (1 + Math.exp(-value))));
      for (const [k, pk] of p.entries())
        for (let j = 0; j < size; j++) {
          gradient[k * size + j]! += ((pk - target[k]!) * row[j]!) / count;
          for (const [l, pl] of p.entries()) {
            const slope = this.kind === 'softmax' ? pk * (Number(k === l) - pl) : Number(k === l) * pk * (1 - pk);
            for (let m = 0; m < size; m++) hessian[k * size + j]![l * size + m]! += (slope * row[j]! * row[m]!) / count;
          }
        }
    });
    return { gradient, hessian };
  }
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const largest = (a: readonly number[]) => Math.max(...a.map(Math.abs));
const oneHot = ({ labels }: LabelledFeatures, classes: number) =>
  Array.from(elements(labels) as BigInt64Array, label =>
    Array.from({ length: classes }, (_, k) => Number(k === Number(label))),
  );
const apart = (a: ArrayLike<number>, b: readonly number[]) => Math.max(...b.map((value, i) => Math.abs(value - a[i]!)));

for (const strength of [0.01, 1, 30])
  test(`softmax: the weights are those of Newton’s method, C = ${strength}`, async t => {
    const data = blobs(36, 4, 3, 5, 2);
    const found = await fit(data, 3, { strengths: [strength] });
    const reference = new Reference(data, strength, oneHot(data, 3), 'softmax');
    const wanted = reference.minimum();
    t.true(reference.slopeAt(wanted.weight, wanted.bias) < 1e-12);
    const [w, b] = ['head.weight', 'head.bias'].map(name => floats(found.trained.get(name)!));
    // The graph tells its loss, about ln 3, in float32: values nearer than 2^-23 of it are equal, and near the minimum
    // slope² / (2 · curvature) is what the value lies above it. Softmax's curvature is at most ½ Σ of the squares of a
    // row's features, on average ½ (width + 1); the penalty's is 1 / (C n).
    const curvature = (data.width + 1) / 2 + 1 / (strength * data.count);
    t.true(reference.slopeAt(w!, b!) < Math.sqrt(2 * curvature * 2 ** -23 * Math.log(3)));
    t.is(found.strength, strength);
    // Measured: 1e-4 and 3.4e-4 at most.
    t.true(apart(w!, wanted.weight) < 5e-4);
    t.true(apart(b!, wanted.bias) < 5e-4);
    // The loss that is told is that of the weights on the features as they are.
    const [weight, bias] = [wanted.weight, wanted.bias];
    const labels = elements(data.labels) as BigInt64Array;
    let loss = 0;
    for (let i = 0; i < data.count; i++) {
      const logit = (k: number) =>
        bias[k]! + data.features.subarray(i * 4, i * 4 + 4).reduce((sum, x, j) => sum + x * weight[k * 4 + j]!, 0);
      const total = [0, 1, 2].reduce((sum, k) => sum + Math.exp(logit(k)), 0);
      loss -= (logit(Number(labels[i])) - Math.log(total)) / data.count;
    }
    t.true(Math.abs(found.loss - loss) < 1e-4);
  });

test('sigmoid: the weights are those of Newton’s method for each class', async t => {
  const data = severalLabels(blobs(40, 3, 2, 6, 2), 2);
  const found = await fit(data, 3, { strengths: [0.5] }, sigmoidCrossEntropy());
  const values = floats(data.labels);
  const targets = Array.from({ length: 40 }, (_, i) => [...values.subarray(i * 3, i * 3 + 3)]);
  const reference = new Reference(data, 0.5, targets, 'sigmoid');
  const wanted = reference.minimum();
  t.true(reference.slopeAt(wanted.weight, wanted.bias) < 1e-12);
  t.true(apart(floats(found.trained.get('head.weight')!), wanted.weight) < 5e-4);
  t.true(apart(floats(found.trained.get('head.bias')!), wanted.bias) < 5e-4);
});

test('the strength is the one with the least loss on held-out pictures', async t => {
  const strengths = [1e-4, 1e-2, 1, 100, 1e4, 1e6, 1e8];
  const noisy = await fit(blobs(45, 8, 3, 8, 3), 3, { strengths });
  const told = noisy.crossValidation;
  t.true(told.length >= 2 && told.length <= strengths.length);
  t.deepEqual(
    told.map(({ strength }) => strength),
    strengths.slice(0, told.length),
  );
  const least = Math.min(...told.map(({ loss }) => loss));
  t.is(noisy.strength, told.find(({ loss }) => loss === least)!.strength);
});

test('the scale of features and their origin do not matter; what says nothing weighs nothing', async t => {
  const data = blobs(60, 4, 3, 9);
  const options = { strengths: [0.1] };
  const plain = await fit(data, 3, options);
  const moved = await fit({ ...data, features: data.features.map(x => 64 * x + 32) }, 3, options);
  const weight = floats(plain.trained.get('head.weight')!);
  t.true(apart(floats(moved.trained.get('head.weight')!).map(w => 64 * w), [...weight]) < 1e-3); // prettier-ignore
  const wide = new Float32Array(60 * 5).fill(7);
  for (let i = 0; i < 60; i++) wide.set(data.features.subarray(i * 4, i * 4 + 4), i * 5);
  const constant = floats((await fit({ ...data, features: wide, width: 5 }, 3, options)).trained.get('head.weight')!);
  for (let k = 0; k < 3; k++) {
    t.is(constant[k * 5 + 4], 0);
    t.true(apart(constant.subarray(k * 5, k * 5 + 4), [...weight.subarray(k * 4, k * 4 + 4)]) < 1e-3);
  }
});

test('the same seed gives the same bits, and says how far it is', async t => {
  const data = blobs(45, 5, 3, 10, 2);
  const told: string[] = [];
  const strengths = [1e-3, 1e-1];
  const first = await fit(data, 3, { seed: 4, strengths, onProgress: (done, total) => told.push(`${done}/${total}`) });
  const second = await fit(data, 3, { seed: 4, strengths });
  t.deepEqual(bitsOf(second.trained), bitsOf(first.trained));
  t.deepEqual(second.crossValidation, first.crossValidation);
  t.deepEqual(told, ['1/2', '2/2']);
});

test('a class of one picture cannot be held out: no strength is tried, one that is given is taken', async t => {
  const data = blobs(21, 3, 2, 11);
  const labels = BigInt64Array.from({ length: 21 }, (_, i) => BigInt(i % 2));
  labels[20] = 2n;
  const found = await fit({ ...data, labels: tensor('int64', [21], labels) }, 3);
  t.deepEqual(found.crossValidation, []);
  t.true(found.strength > 0);
  const asked = await fit({ ...data, labels: tensor('int64', [21], labels) }, 3, { strengths: [5] });
  t.is(asked.strength, 5);
});
