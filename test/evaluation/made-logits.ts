// Logits and features made by whole numbers alone, so that Python makes the same: the reference figures are of
//   z = ((31 i² + 17 k² + 7 i k + 3 i) mod 97) / 24 − 2, plus 1.5 for the true class where i mod 4 ≠ 1, as float32,
//   the true class (i² + ⌊i/3⌋) mod K   (i picture, k class).

import type { Random } from '../../src/base/index.js';

const wave = (i: number, k: number): number => ((31 * i * i + 17 * k * k + 7 * i * k + 3 * i) % 97) / 24;
const places = (count: number, K: number) =>
  Array.from({ length: count * K }, (_, at) => [Math.floor(at / K), at % K] as const);

export function madeLogits(count: number, K: number) {
  const labels = Array.from({ length: count }, (_, i) => (i * i + Math.floor(i / 3)) % K);
  const logits = Float32Array.from(
    places(count, K),
    ([i, k]) => wave(i, k) - 2 + (k === labels[i] && i % 4 !== 1 ? 1.5 : 0),
  );
  return { logits, labels, classes: Array.from({ length: K }, (_, k) => `class ${k}`) };
}

/** Several labels: t = [(5 i + 3 k + i k) mod 4 < 2], and 1 more for the logits of labels that hold. */
export function madeSeveralLogits(count: number, K: number) {
  const { logits, classes } = madeLogits(count, K);
  const targets = places(count, K).map(([i, k]) => Number((5 * i + 3 * k + i * k) % 4 < 2));
  return { logits: logits.map((z, at) => z + targets[at]!), targets, classes };
}

/** Features: the wave without the −2, plus 2 where j = i mod K; the label is i mod K. */
export function madeFeatures(count: number, width: number, K: number) {
  const features = Float32Array.from(places(count, width), ([i, j]) => wave(i, j) + (j === i % K ? 2 : 0));
  const labels = Array.from({ length: count }, (_, i) => i % K);
  return { features, labels, width, classes: Array.from({ length: K }, (_, k) => `class ${k}`) };
}

/** Logits drawn about a truth that is drawn: `sure` for the true class, noise of `noise`. */
export function drawnLogits(random: Random, count: number, K: number, sure = 2, noise = 1) {
  const labels = Array.from({ length: count }, () => random.integer(K));
  const logits = Float32Array.from(
    places(count, K),
    ([i, k]) => noise * random.normal() + (k === labels[i] ? sure : 0),
  );
  return { logits, labels, classes: Array.from({ length: K }, (_, k) => `class ${k}`) };
}
