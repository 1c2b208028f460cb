// Predictions made by whole numbers alone, so that Python makes the same: the reference figures in these tests are of
//   w = 1 + (31 i² + 17 k² + 7 i k + 3 i + salt (i + 2 k + 5)) mod 97, plus `bump` for the true class (i² + ⌊i/3⌋) mod K,
//   p = w / Σ w as float32   (i picture, k class).

import type { MultiLabel, SingleLabel } from '../../src/evaluation/index.js';

export function made(count: number, K: number, bump: number, salt = 0): SingleLabel {
  const probabilities = new Float32Array(count * K);
  const labels = Array.from({ length: count }, (_, i) => (i * i + Math.floor(i / 3)) % K);
  labels.forEach((truth, i) => {
    const weights = Array.from(
      { length: K },
      (_, k) =>
        1 + ((31 * i * i + 17 * k * k + 7 * i * k + 3 * i + salt * (i + 2 * k + 5)) % 97) + (k === truth ? bump : 0),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    weights.forEach((weight, k) => (probabilities[i * K + k] = weight / sum));
  });
  return { probabilities, labels, classes: Array.from({ length: K }, (_, k) => `class ${k}`) };
}

/** Several labels: p = (3 ((31 i² + 17 k² + 7 i k + 3 i) mod 97) / 96 + t) / 4, t = [(5 i + 3 k + i k) mod 4 < 2]. */
export function madeSeveral(count: number, K: number): MultiLabel {
  const places = Array.from({ length: count * K }, (_, at) => [Math.floor(at / K), at % K] as const);
  const targets = places.map(([i, k]) => Number((5 * i + 3 * k + i * k) % 4 < 2));
  const probabilities = Float32Array.from(
    places,
    ([i, k], at) => (3 * (((31 * i * i + 17 * k * k + 7 * i * k + 3 * i) % 97) / 96) + targets[at]!) / 4,
  );
  return { probabilities, targets, classes: Array.from({ length: K }, (_, k) => `label ${k}`) };
}

/** Surer by a power: p^power, normalised. */
export function surer(at: SingleLabel, power: number): SingleLabel {
  const K = at.classes.length;
  const raised = Float64Array.from(at.probabilities, p => p ** power);
  const probabilities = at.probabilities.map((_, i) => {
    const start = i - (i % K);
    return raised[i]! / raised.subarray(start, start + K).reduce((a, b) => a + b, 0);
  });
  return { ...at, probabilities };
}

/** The mean probability. */
export const meanOf = (of: readonly SingleLabel[]): SingleLabel => ({
  ...of[0]!,
  probabilities: of[0]!.probabilities.map(
    (_, i) => of.reduce((sum, one) => sum + one.probabilities[i]!, 0) / of.length,
  ),
});
