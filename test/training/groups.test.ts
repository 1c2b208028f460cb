// Several rows of one picture: they train together, are held out together, and only the picture as it is judges.

import test from 'ava';
import { elements, floats, tensor } from '../../src/base/index.js';
import { crossEntropy, linear, sgd } from '../../src/artifacts/index.js';
import { nodeRuntime } from '../../src/runtime/node.js';
import { fitLogistic, solveLogistic, type LabelledFeatures, type LogisticFit } from '../../src/training/index.js';
import { artifactsOf, blobs } from './heads.js';

const runtime = nodeRuntime();

async function byGraph(data: LabelledFeatures, strengths: readonly number[]): Promise<LogisticFit> {
  const { artifacts } = artifactsOf({
    features: data.width,
    classes: 3,
    head: linear,
    loss: crossEntropy(),
    optimizer: sgd(),
  });
  const training = await runtime.open(artifacts.training);
  const evaluation = await runtime.open(artifacts.evaluation);
  try {
    return await fitLogistic(runtime, training, evaluation, data, 3, { strengths });
  } finally {
    await training.close();
    await evaluation.close();
  }
}
const byHand = (data: LabelledFeatures, strengths: readonly number[]) => solveLogistic(data, 3, { strengths });

/** Rows of other pictures' features, labelled as said: `rows[i]` copies that row of the data and belongs to `groups[i]`. */
function copies(data: LabelledFeatures, rows: readonly number[], groups: readonly number[]): LabelledFeatures {
  const { width } = data;
  const features = Float32Array.from(rows.flatMap(row => [...data.features.subarray(row * width, (row + 1) * width)]));
  const all = elements(data.labels) as BigInt64Array;
  const labels = tensor(
    'int64',
    [rows.length],
    BigInt64Array.from(groups, group => all[group]!),
  );
  return { features, count: rows.length, width, labels, groups: Uint32Array.from(groups) };
}

for (const [name, fit] of [
  ['fitLogistic', byGraph],
  ['solveLogistic', byHand],
] as const) {
  test(`${name}: every picture twice is every picture once, at half the strength`, async t => {
    // ‖W‖² / (2 · C · n): twice the rows halve the penalty
    const data = blobs(36, 5, 3, 1, 1.5);
    const order = Array.from({ length: data.count }, (_, i) => i);
    const once = await fit(data, [0.02, 0.2]);
    const twice = await fit(copies(data, [...order, ...order], [...order, ...order]), [0.01, 0.1]);
    t.is(once.crossValidation.length, 2);
    for (const [i, { loss }] of once.crossValidation.entries())
      t.true(
        Math.abs(twice.crossValidation[i]!.loss - loss) < 2e-3 * loss,
        `${loss} ${twice.crossValidation[i]!.loss}`,
      );
    const [a, b] = [once, twice].map(({ trained }) => floats(trained.get('head.weight')!));
    const most = Math.max(...a!.map(Math.abs));
    a!.forEach((weight, i) => t.true(Math.abs(weight - b![i]!) < 1e-2 * most));
  });
}

test('groups that are out of order are refused', async t => {
  const data = blobs(36, 5, 3, 1, 1.5);
  const order = Array.from({ length: data.count }, (_, i) => i);
  const reversed = Uint32Array.from([...order].reverse());
  await t.throwsAsync(solveLogistic({ ...data, groups: reversed }, 3), { code: 'TRAINING_DATA' });
  await t.throwsAsync(solveLogistic({ ...data, groups: Uint32Array.of(0) }, 3), { code: 'TRAINING_DATA' });
});
