// Four members of 60 pictures and 3 classes by a formula, so that NumPy, SciPy and scikit-learn can be given the same:
//   z[m, i, k] = 2 sin(1.7 i + 2.3 k (1 + 0.1 m) + 0.9 m) + (k = y_i) (0.4 + 0.5 (m mod 3)),  y_i = (7 i + ⌊i / 5⌋) mod 3

import { membersInMemory, type MemberPredictions } from '../../src/evaluation/index.js';

export const [pictures, classes] = [60, 3];
export const labels = Array.from({ length: pictures }, (_, i) => (i * 7 + Math.floor(i / 5)) % classes);
/** Several labels: label k holds where (3 i + 5 k) mod 4 < 2. */
export const targets = Array.from({ length: pictures * classes }, (_, at) =>
  Number((Math.floor(at / classes) * 3 + (at % classes) * 5) % 4 < 2),
); // prettier-ignore

/** Logits [60, 3] of each member. */
export const logits = [0, 1, 2, 3].map(m =>
  Float32Array.from({ length: pictures * classes }, (_, at) => {
    const [i, k] = [Math.floor(at / classes), at % classes];
    const bump = labels[i] === k ? 0.4 + 0.5 * (m % 3) : 0;
    return Math.sin(1.7 * i + 2.3 * k * (1 + 0.1 * m) + 0.9 * m) * 2 + bump;
  }),
);
/** Softmax of them. */
export const probabilities = logits.map(z => {
  const p = new Float32Array(z.length);
  for (let i = 0; i < z.length; i += classes) {
    const row = [...z.subarray(i, i + classes)].map(Math.exp);
    const sum = row.reduce((a, b) => a + b, 0);
    p.set(
      row.map(e => e / sum),
      i,
    );
  }
  return p;
});
/** Sigmoid of them. */
export const questions = logits.map(z => z.map(x => 1 / (1 + Math.exp(-x))));

/** Members by their letters. */
export const named = (members: readonly Float32Array[], K = classes): MemberPredictions =>
  membersInMemory(new Map(members.map((p, m) => ['abcdefghijklmnopqrstuvwxyz'[m]!, p])), K);

/** Within `tolerance` of each number. */
export const near = (found: ArrayLike<number>, wanted: readonly number[], tolerance: number): boolean =>
  found.length === wanted.length && wanted.every((w, i) => Math.abs(found[i]! - w) <= tolerance);
