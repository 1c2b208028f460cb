// Logistic regression that is computed here: its gradient is the slope of its value, its optimum is one, few pictures of
// many features give the weights that plain coordinates give, and all of it agrees with the fit through a graph.

import test from 'ava';
import { elements, floats, Random, tensor } from '../../src/base/index.js';
import { crossEntropy, linear, sgd, sigmoidCrossEntropy, type Loss } from '../../src/artifacts/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import {
  fitLogistic,
  graphObjective,
  lbfgs,
  lbfgsNow,
  packed,
  solveLogistic,
  unpacked,
  type LabelledFeatures,
} from '../../src/training/index.js';
import { linearLogits, linearLoss, linearObjective, type Rows } from '../../src/training/linear-objective.js';
import { rowSpace } from '../../src/training/row-space.js';
import { artifactsOf, bitsOf, blobs, severalLabels } from './heads.js';

const runtime = nodeRuntime();
const rowsOf = ({ features, count, width, labels }: LabelledFeatures, classes: number): Rows => {
  const isSeveral = labels.type === 'float32';
  return {
    matrix: Float64Array.from(features),
    width,
    classes,
    labels: isSeveral
      ? Float64Array.from(floats(labels))
      : Float64Array.from(elements(labels) as BigInt64Array, Number),
    isSeveral,
    weights: Float64Array.from({ length: count }, (_, i) => 1 + (i % 3)),
  };
};
const all = (count: number) => Uint32Array.from({ length: count }, (_, i) => i);
const largest = (a: Float64Array) => Math.max(...a.map(Math.abs));

for (const [name, rows] of [
  ['softmax', rowsOf(blobs(13, 5, 3, 1), 3)],
  ['sigmoid', rowsOf(severalLabels(blobs(13, 5, 3, 1), 3), 4)],
] as const) {
  const size = rows.classes * (rows.width + 1);
  const random = new Random(name);
  const x = Float64Array.from({ length: size }, () => random.normal());

  test(`${name}: the gradient is the central difference of the value`, t => {
    // Whole blocks of four, blocks that are not full, rows given twice.
    for (const chosen of [all(12), all(13), Uint32Array.of(4), Uint32Array.of(7, 7, 1, 0, 12, 3)]) {
      const objective = linearObjective(rows, chosen, 0.3);
      const { gradient } = objective(x);
      for (let i = 0; i < size; i++) {
        const at = (change: number) => objective(x.map((value, j) => (j === i ? value + change : value))).value;
        // Step 1e-5: truncation ~1e-10, rounding ~1e-11.
        t.true(Math.abs((at(1e-5) - at(-1e-5)) / 2e-5 - gradient[i]!) < 1e-8);
      }
    }
  });

  test(`${name}: the value is what its formula says`, t => {
    const chosen = Uint32Array.of(3, 0, 11, 5, 6);
    const logits = linearLogits(rows, chosen, x);
    let sum = 0;
    let total = 0;
    chosen.forEach((row, r) => {
      const z = logits.subarray(r * rows.classes, (r + 1) * rows.classes);
      const loss = rows.isSeveral
        ? z.reduce((s, value, k) => s + Math.log(1 + Math.exp(value)) - rows.labels[row * rows.classes + k]! * value, 0)
        : Math.log(z.reduce((s, value) => s + Math.exp(value), 0)) - z[rows.labels[row]!]!;
      sum += rows.weights[row]! * loss;
      total += rows.weights[row]!;
    });
    t.true(Math.abs(linearLoss(rows, chosen, x) - sum / total) < 1e-6); // float32 logits
    const squares = x.subarray(0, rows.classes * rows.width).reduce((s, w) => s + w * w, 0);
    const { value } = linearObjective(rows, chosen, 0.3)(x);
    t.true(Math.abs(value - linearLoss(rows, chosen, x) - 0.15 * squares) < 1e-12);
  });

  test(`${name}: at the optimum nothing slopes`, t => {
    const objective = linearObjective(rows, all(13), 0.01);
    const found = lbfgsNow(objective, new Float64Array(size), { gradientTolerance: 1e-9, valueTolerance: 0 });
    t.is(found.reason, 'gradient');
    t.true(largest(objective(found.x).gradient) < 1e-6);
  });
}

test('logits as large as floats go give no NaN', t => {
  for (const rows of [rowsOf(blobs(8, 2, 2, 1), 2), rowsOf(severalLabels(blobs(8, 2, 2, 1), 2), 3)]) {
    const { value, gradient } = linearObjective(rows, all(8), 0)(new Float64Array(rows.classes * 3).fill(1e8));
    t.true(Number.isFinite(value));
    t.true(gradient.every(Number.isFinite));
  }
});

test('the span of few rows: the same products, the same weights', t => {
  const { features } = blobs(9, 30, 3, 4);
  const matrix = Float64Array.from(features);
  // Rows 3 and 7 are one, row 8 a sum of others: rank 7.
  matrix.copyWithin(7 * 30, 3 * 30, 4 * 30);
  for (let j = 0; j < 30; j++) matrix[8 * 30 + j] = 2 * matrix[j]! - matrix[30 + j]!;
  const { coordinates, rank, back } = rowSpace(matrix, 9, 30);
  t.is(rank, 7);
  const product = (a: Float64Array, width: number, i: number, k: number) => {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += a[i * width + j]! * a[k * width + j]!;
    return sum;
  };
  for (let i = 0; i < 9; i++)
    for (let k = 0; k < 9; k++) t.true(Math.abs(product(coordinates, rank, i, k) - product(matrix, 30, i, k)) < 1e-9);
  const random = new Random(2);
  const v = Float64Array.from({ length: 2 * rank }, () => random.normal());
  const w = back(v, 2);
  for (let k = 0; k < 2; k++) {
    let [normV, normW] = [0, 0];
    for (let j = 0; j < rank; j++) normV += v[k * rank + j]! ** 2;
    for (let j = 0; j < 30; j++) normW += w[k * 30 + j]! ** 2;
    t.true(Math.abs(normV - normW) < 1e-8);
    for (let i = 0; i < 9; i++) {
      let [a, b] = [0, 0];
      for (let j = 0; j < rank; j++) a += v[k * rank + j]! * coordinates[i * rank + j]!;
      for (let j = 0; j < 30; j++) b += w[k * 30 + j]! * matrix[i * 30 + j]!;
      t.true(Math.abs(a - b) < 1e-8);
    }
  }
});

test('fitting in the span of the rows gives the weights of plain coordinates', t => {
  const data = blobs(12, 40, 3, 5, 2);
  const plain = { ...rowsOf(data, 3), matrix: Float64Array.from(data.features) };
  const { coordinates, rank, back } = rowSpace(plain.matrix, 12, 40);
  const tight = { gradientTolerance: 1e-10, valueTolerance: 0, iterations: 1000 };
  const primal = lbfgsNow(linearObjective(plain, all(12), 0.05), new Float64Array(3 * 41), tight);
  const spanned: Rows = { ...plain, matrix: coordinates, width: rank };
  const dual = lbfgsNow(linearObjective(spanned, all(12), 0.05), new Float64Array(3 * (rank + 1)), tight);
  const weights = back(dual.x.subarray(0, 3 * rank), 3);
  for (let i = 0; i < weights.length; i++) t.true(Math.abs(weights[i]! - primal.x[i]!) < 1e-7);
});

async function throughGraph(data: LabelledFeatures, classes: number, strengths: readonly number[], loss: Loss) {
  const { artifacts } = artifactsOf({ features: data.width, classes, head: linear, loss, optimizer: sgd() });
  const training = await runtime.open(artifacts.training);
  const evaluation = await runtime.open(artifacts.evaluation);
  try {
    return await fitLogistic(runtime, training, evaluation, data, classes, { strengths });
  } finally {
    await training.close();
    await evaluation.close();
  }
}

for (const [name, data, classes, loss] of [
  ['more pictures than features', blobs(90, 6, 3, 3, 2), 3, crossEntropy()],
  ['fewer pictures than features', blobs(40, 60, 3, 3, 4), 3, crossEntropy()],
  ['several labels', severalLabels(blobs(60, 6, 3, 3, 2), 3), 4, sigmoidCrossEntropy()],
] as const)
  test(`${name}: the fit through a graph agrees`, async t => {
    const strengths = [1e-4, 1e-3, 1e-2, 1e-1, 1];
    const told: number[] = [];
    const here = await solveLogistic(data, classes, { strengths, onProgress: done => told.push(done) });
    const graph = await throughGraph(data, classes, strengths, loss);
    t.is(here.strength, graph.strength);
    t.deepEqual(
      told,
      here.crossValidation.map((_, i) => i + 1),
    );
    here.crossValidation.forEach((at, i) => t.true(Math.abs(at.loss - graph.crossValidation[i]!.loss) < 2e-3));
    // The graph computes in float32, where values nearer than 1e-7 are equal.
    t.true(Math.abs(here.loss - graph.loss) < 1e-4);
    for (const part of ['head.weight', 'head.bias']) {
      const [a, b] = [here, graph].map(({ trained }) => floats(trained.get(part)!));
      a!.forEach((value, i) => t.true(Math.abs(value - b![i]!) < 2e-3, `${part} ${i}: ${value} ${b![i]}`));
    }
    t.deepEqual(bitsOf((await solveLogistic(data, classes, { strengths })).trained), bitsOf(here.trained));
  });

test('a class that weighs more is given more', async t => {
  const data = blobs(60, 3, 2, 3, 4);
  const given = async (classWeights: readonly number[]) =>
    floats((await solveLogistic(data, 2, { strengths: [0.01], classWeights })).trained.get('head.bias')!);
  const [even, more] = [await given([1, 1]), await given([5, 1])];
  t.true(more[0]! - more[1]! > even[0]! - even[1]! + 0.5);
});

test('a class of one picture cannot be held out; a fit can be stopped; labels must fit', async t => {
  const data = blobs(21, 3, 2, 11);
  const labels = BigInt64Array.from({ length: 21 }, (_, i) => (i === 20 ? 2n : BigInt(i % 2)));
  const lone = { ...data, labels: tensor('int64', [21], labels) };
  const found = await solveLogistic(lone, 3, { strengths: [0.5] });
  t.deepEqual(found.crossValidation, []);
  t.is(found.strength, 0.5);
  t.true((await solveLogistic(lone, 3)).strength > 0);
  const stopped = await solveLogistic(data, 2, { signal: AbortSignal.abort() });
  t.is(stopped.crossValidation.length, 1);
  await t.throwsAsync(solveLogistic({ ...data, count: 20 }, 2), { code: 'TRAINING_DATA' });
});

test('any head through its training graph: the optimum of a graph objective', async t => {
  const data = blobs(40, 5, 3, 6, 2);
  const { artifacts, initialState } = artifactsOf({
    features: 5,
    classes: 3,
    head: linear,
    loss: crossEntropy(),
    optimizer: sgd(),
  });
  const { parameters } = artifacts;
  const session = await runtime.open(artifacts.training);
  const feeds = new Map([
    ['features', runtime.tensor(tensor('float32', [40, 5], data.features))],
    ['labels', runtime.tensor(data.labels)],
  ]);
  const objective = graphObjective(runtime, session, parameters, feeds, 0.05);
  const start = packed(parameters, initialState);
  t.deepEqual(
    bitsOf(unpacked(parameters, start)),
    bitsOf(new Map(parameters.map(({ name }) => [name, initialState.get(name)!]))),
  );
  const found = await lbfgs(objective, start, { gradientTolerance: 1e-6 });
  const rows = { ...rowsOf(data, 3), weights: new Float64Array(40).fill(1) };
  const wanted = lbfgsNow(linearObjective(rows, all(40), 0.05), start, { gradientTolerance: 1e-10, valueTolerance: 0 });
  found.x.forEach((value, i) => t.true(Math.abs(value - wanted.x[i]!) < 1e-3));
  t.true(Math.abs(found.value - wanted.value) < 1e-6);
  await session.close();
});
