import test from 'ava';
import { fitMahalanobis, outlierScores } from '../../src/evaluation/index.js';
import { madeFeatures } from './made-logits.js';

const near = (found: ArrayLike<number>, wanted: readonly number[], tolerance = 1e-5) =>
  wanted.every((one, i) => Math.abs(one - found[i]!) <= tolerance * Math.max(1, Math.abs(one)));

// References: sklearn.covariance.ledoit_wolf(residuals, assume_centered=True) (1.9), numpy.linalg.inv of it, and the least
// (x − m)' P (x − m) over classes, in float64. The second has fewer pictures than features.
const references = [
  { count: 12, width: 5, s: 0.7040115989906512, P: [0.799340569, 0.0671486113, 0.0394656014], last: 0.9258916387853791, d: [5.9912756403, 2.6382335656, 0.585110964, 4.7975353478] }, // prettier-ignore
  { count: 7, width: 9, s: 0.5418640036094767, P: [1.8329948534, -0.1518922556, 0.666280405], last: 1.3255819143688954, d: [7.4597201924, 4.6227997162, 4.4231934147, 6.2548173023] }, // prettier-ignore
  { count: 90, width: 4, s: 0.7194560294033472, P: [0.7704993116, -0.0131032513, 0.0120282635], last: 0.7555805176934923, d: [2.7765755614, 2.8349248112, 0.7697554194, 5.8533137403] }, // prettier-ignore
];
for (const { count, width, s, P, last, d } of references)
  test(`${count} pictures of ${width} features`, t => {
    const at = madeFeatures(count, width, 3);
    const found = fitMahalanobis(at);
    t.true(Math.abs(found.shrinkage - s) < 1e-9);
    t.true(near(found.precision, P) && near([found.precision.at(-1)!], [last]));
    t.true(near(outlierScores(found, at.features, width), d));
  });

/** P (a I + b R' R) − I at its largest, with Σ summed plainly. */
function inverseError(count: number, width: number): number {
  const at = madeFeatures(count, width, 3);
  const { means, precision, shrinkage } = fitMahalanobis(at);
  const covariance = new Float64Array(width * width);
  for (let row = 0; row < count; row++) {
    const r = at.features
      .subarray(row * width, (row + 1) * width)
      .map((f, j) => f - means[at.labels[row]! * width + j]!);
    for (let i = 0; i < width; i++)
      for (let j = 0; j < width; j++) covariance[i * width + j]! += (r[i]! * r[j]!) / count;
  }
  let mean = 0;
  for (let i = 0; i < width; i++) mean += covariance[i * width + i]! / width;
  let worst = 0;
  for (let i = 0; i < width; i++)
    for (let j = 0; j < width; j++) {
      let sum = i === j ? -1 : 0;
      for (let k = 0; k < width; k++)
        sum +=
          precision[i * width + k]! * ((1 - shrinkage) * covariance[k * width + j]! + (k === j ? shrinkage * mean : 0));
      worst = Math.max(worst, Math.abs(sum));
    }
  return worst;
}

test('the precision is the inverse for sizes that no block divides', t => {
  for (const [count, width] of [
    [300, 131],
    [200, 64],
    [70, 133],
    [65, 150],
  ] as const)
    t.true(inverseError(count, width) < 1e-5);
});

test('a class without pictures attracts nothing', t => {
  const at = madeFeatures(12, 5, 3);
  const found = fitMahalanobis({ ...at, classes: ['none', ...at.classes], labels: at.labels.map(label => label + 1) });
  const without = fitMahalanobis(at);
  t.deepEqual(outlierScores(found, at.features, 5), outlierScores(without, at.features, 5));
  t.true(found.means.every(Number.isFinite));
});

test('features that never vary do not break the inverse', t => {
  const at = madeFeatures(30, 6, 3);
  const flat = { ...at, features: at.features.map((f, i) => (i % 6 === 4 ? 7 : f)) };
  t.true(fitMahalanobis(flat).precision.every(Number.isFinite));
});

test('what has no covariance is refused', t => {
  const at = madeFeatures(3, 4, 3);
  t.throws(() => fitMahalanobis(at), { code: 'EVALUATION_OUTLIERS' });
  t.throws(() => fitMahalanobis({ ...at, width: 5 }), { code: 'EVALUATION_SHAPE' });
  t.throws(() => fitMahalanobis({ ...at, labels: [0, 1, 3] }), { code: 'EVALUATION_LABEL' });
  t.throws(() => fitMahalanobis({ ...at, features: new Float32Array(0), labels: [] }), { code: 'EVALUATION_EMPTY' });
  t.throws(() => fitMahalanobis({ ...at, features: at.features.map(() => Number.NaN) }), {
    code: 'EVALUATION_NOT_FINITE',
  });
  const detector = fitMahalanobis(madeFeatures(12, 4, 3));
  t.throws(() => outlierScores(detector, new Float32Array(10), 5), { code: 'EVALUATION_SHAPE' });
});
