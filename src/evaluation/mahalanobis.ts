// Distance of features to the nearest class (Lee 2018): one mean m a class, one covariance for all classes,
//   Σ = (1 − s) S + s μ I,   S = (1/n) Σ (f − m_y)(f − m_y)',   μ = trace S / F,   P = Σ⁻¹
// with the shrinkage s of Ledoit and Wolf (2004), at least 0.001 so that P is fit for float32. Sums are float64. With fewer
// pictures than features P comes of the pictures' products with each other (Woodbury), else of the features'.

import { addProducts, cholesky, solveRows, symmetric } from './dense.js';
import { errors } from './errors.js';
import { checkTruth } from './predictions.js';

/** Features [pictures, width] with one label a picture. Of several labels: one class, and the label 0 for all. */
export interface KnownFeatures {
  readonly features: Float32Array;
  readonly labels: ArrayLike<number>;
  readonly classes: readonly string[];
  readonly width: number;
}

/** What distances are measured with. */
export interface Mahalanobis {
  readonly kind: 'mahalanobis';
  /** [classes, width]; a class without pictures stands where the first class with some does. */
  readonly means: Float32Array<ArrayBuffer>;
  /** [width, width], symmetric. */
  readonly precision: Float32Array<ArrayBuffer>;
  /** s: 0 keeps the covariance of the pictures, 1 makes all directions alike. */
  readonly shrinkage: number;
}

const leastShrinkage = 1e-3;

/**
 * Fits means and precision to features of known pictures: those that the head was trained on. The threshold needs others.
 *
 * @throws `EVALUATION_EMPTY`, `EVALUATION_SHAPE`, `EVALUATION_LABEL`, `EVALUATION_NOT_FINITE`, `EVALUATION_OUTLIERS` where
 *   no class has two pictures that differ
 * @example
 * const detector = fitMahalanobis({ features, labels, classes, width: 512 });
 * const { threshold } = fitOutliers(outlierScores(detector, others, 512), { falseAlarmRate: 0.05 });
 */
export function fitMahalanobis({ features, labels, classes, width: F }: KnownFeatures): Mahalanobis {
  const [K, n] = [classes.length, labels.length];
  if (n === 0) throw errors.EMPTY({ split: 'the features' });
  checkTruth(n * K, { labels, classes });
  if (!Number.isInteger(F) || F < 1 || features.length !== n * F)
    throw errors.SHAPE({ what: `features of ${n} pictures`, found: features.length, wanted: n * F });
  for (let i = 0; i < features.length; i++)
    if (!Number.isFinite(features[i])) throw errors.NOT_FINITE({ row: Math.floor(i / F), label: 'a feature', found: features[i]! }); // prettier-ignore
  const means = classMeans(features, labels, K, F);
  const residuals = new Float64Array(features);
  for (let row = 0; row < n; row++) for (let j = 0; j < F; j++) residuals[row * F + j]! -= means[labels[row]! * F + j]!;
  // the smaller of R R' [n, n] and R' R [F, F]: both have the same trace and the same sum of squares
  const few = n < F;
  const rows = few ? residuals : transposed(residuals, n, F);
  const size = few ? n : F;
  const gram = new Float64Array(size * size);
  addProducts(gram, size, rows, rows, few ? F : n, { lower: true });
  const { mean, shrinkage } = ledoitWolf(residuals, gram, n, F, size);
  // Σ = a I + b R' R
  const [a, b] = [shrinkage * mean, (1 - shrinkage) / n];
  const P = few ? precisionOfFew(residuals, gram, a, b, n, F) : precisionOfMany(gram, a, b, F);
  return { kind: 'mahalanobis', means: new Float32Array(means), precision: new Float32Array(P), shrinkage };
}

/** The least distance (squared) of each row to a class. */
export function mahalanobisDistances(
  { means, precision }: { readonly means: Float32Array; readonly precision: Float32Array },
  features: Float32Array,
  F: number,
): Float64Array {
  if (precision.length !== F * F) throw errors.SHAPE({ what: 'precision', found: precision.length, wanted: F * F });
  if (means.length === 0 || means.length % F !== 0)
    throw errors.SHAPE({ what: 'means of classes', found: means.length, wanted: F * Math.ceil(means.length / F || 1) });
  const [n, K] = [features.length / F, means.length / F];
  // f' P f − 2 f' P m + m' P m, counted from the mean of means, so that little cancels
  const middle = new Float64Array(F);
  for (let i = 0; i < means.length; i++) middle[i % F]! += means[i]! / K;
  const [f, m, P] = [new Float64Array(features), new Float64Array(means), new Float64Array(precision)];
  for (const rows of [f, m]) for (let i = 0; i < rows.length; i++) rows[i]! -= middle[i % F]!;
  const [ownPf, ownPm] = [quadratic(f, P, n, F), quadratic(m, P, K, F)];
  const cross = new Float64Array(n * K);
  addProducts(cross, K, f, ownPm.product, F);
  return Float64Array.from(ownPf.form, (own, row) => {
    let least = Infinity;
    for (let k = 0; k < K; k++) least = Math.min(least, own - 2 * cross[row * K + k]! + ownPm.form[k]!);
    return Math.max(0, least);
  });
}

/** x' P x of each row, and P x. */
function quadratic(
  x: Float64Array,
  P: Float64Array,
  rows: number,
  F: number,
): { form: Float64Array; product: Float64Array } {
  const product = new Float64Array(rows * F);
  addProducts(product, F, x, P, F);
  const form = new Float64Array(rows);
  for (let i = 0; i < x.length; i++) form[Math.floor(i / F)]! += x[i]! * product[i]!;
  return { form, product };
}

function classMeans(features: Float32Array, labels: ArrayLike<number>, K: number, F: number): Float64Array {
  const means = new Float64Array(K * F);
  const support = new Float64Array(K);
  for (let row = 0; row < labels.length; row++) {
    const k = labels[row]!;
    support[k]!++;
    for (let j = 0; j < F; j++) means[k * F + j]! += features[row * F + j]!;
  }
  for (let i = 0; i < means.length; i++) means[i]! /= support[Math.floor(i / F)]! || 1;
  const first = support.findIndex(pictures => pictures > 0);
  for (let k = 0; k < K; k++) if (support[k] === 0) means.copyWithin(k * F, first * F, (first + 1) * F);
  return means;
}

/** μ and s, as scikit-learn's ledoit_wolf with assume_centered=True has them, s at least 0.001. */
function ledoitWolf(
  residuals: Float64Array,
  gram: Float64Array,
  n: number,
  F: number,
  size: number,
): { mean: number; shrinkage: number } {
  let [trace, squares, fourth] = [0, 0, 0];
  for (let row = 0; row < n; row++) {
    let length = 0;
    for (let i = row * F; i < (row + 1) * F; i++) length += residuals[i]! ** 2;
    trace += length / n;
    fourth += length ** 2;
  }
  const mean = trace / F;
  if (!(mean > 0)) throw errors.OUTLIERS({ reason: 'no class has two pictures that differ in their features' });
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) squares += (i === j ? 1 : 2) * (gram[i * size + j]! / n) ** 2;
  const spread = (fourth / n - squares) / (F * n);
  const distance = squares / F - mean ** 2;
  // distance 0: all directions are alike already
  const found = distance > 1e-12 * mean ** 2 ? Math.min(1, Math.max(0, spread / distance)) : 1;
  return { mean, shrinkage: Math.max(leastShrinkage, found) };
}

/** (a I + b R' R)⁻¹ from R' R [F, F]: Σ = L L', P = W W' with W' = L⁻¹. */
function precisionOfMany(gram: Float64Array, a: number, b: number, F: number): Float64Array {
  for (let i = 0; i < gram.length; i++) gram[i]! *= b;
  for (let i = 0; i < F; i++) gram[i * F + i]! += a;
  cholesky(gram, F);
  const W = new Float64Array(F * F);
  for (let i = 0; i < F; i++) W[i * F + i] = 1;
  solveRows(gram, F, W, F, { upper: true });
  const P = new Float64Array(F * F);
  addProducts(P, F, W, W, F, { lower: true, upperOperands: true });
  return symmetric(P, F);
}

/** The same from R R' [n, n]: P = (I − R' M⁻¹ R) / a with M = (a / b) I + R R' = L L'. */
function precisionOfFew(
  residuals: Float64Array,
  gram: Float64Array,
  a: number,
  b: number,
  n: number,
  F: number,
): Float64Array {
  const P = new Float64Array(F * F);
  if (b > 0) {
    for (let i = 0; i < n; i++) gram[i * n + i]! += a / b;
    cholesky(gram, n);
    const W = transposed(residuals, n, F);
    solveRows(gram, n, W, F);
    addProducts(P, F, W, W, n, { lower: true, sign: -1 });
  }
  for (let i = 0; i < F; i++) P[i * F + i]! += 1;
  for (let i = 0; i < P.length; i++) P[i]! /= a;
  return symmetric(P, F);
}

function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(matrix.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j]!;
  return out;
}
