// The folds of a cross-fit: which part each picture belongs to, every class spread evenly over the parts. Of several
// labels a picture counts as its rarest label, so that rare labels are spread too. A class with fewer pictures than
// folds is missing from some parts: calibrators must bear that, and do.

import { Random } from '../base/index.js';
import { errors } from './errors.js';
import { checkTruth, isMultiLabel, type Labels, type Targets } from './predictions.js';

/** The truth of pictures with the classes it is of. */
export type ClassTruth = { readonly classes: readonly string[] } & (Labels | Targets);

/**
 * Deals pictures out to folds by class.
 *
 * @param folds how many, 2 or more; never more than pictures
 * @returns the fold of each picture, from 0; the same seed gives the same folds
 * @throws `EVALUATION_OPTION`, and what is wrong with the truth
 * @example foldsOf({ labels: [0, 0, 1, 1], classes: ['ants', 'bees'] }, 2, 0) // one of each class in 0 and in 1
 */
export function foldsOf(truth: ClassTruth, folds: number, seed: number): Uint32Array<ArrayBuffer> {
  if (!Number.isInteger(folds) || folds < 2)
    throw errors.OPTION({ option: 'folds', found: folds, wanted: 'a whole number from 2 on' });
  const groups = isMultiLabel(truth) ? rarestLabels(truth.targets, truth.classes.length) : truth.labels;
  const count = checkTruth(groups.length * truth.classes.length, truth);
  const parts = Math.max(1, Math.min(folds, count));
  const members = new Map<number, number[]>();
  for (const row of new Random(seed).at('folds').permutation(count)) {
    const group = members.get(groups[row]!);
    if (group) group.push(row);
    else members.set(groups[row]!, [row]);
  }
  // the next class goes on where the last one ended, so that parts differ by one picture at most
  const fold = new Uint32Array(count);
  let next = 0;
  for (const group of [...members.keys()].sort((a, b) => a - b))
    for (const row of members.get(group)!) fold[row] = next++ % parts;
  return fold;
}

/** Of each picture the label it holds that fewest pictures hold; −1 where it holds none. */
function rarestLabels(targets: ArrayLike<number>, K: number): Int32Array {
  const count = Math.floor(targets.length / (K || 1));
  const support = new Float64Array(K);
  for (let i = 0; i < count * K; i++) support[i % K]! += targets[i]!;
  return Int32Array.from({ length: count }, (_, row) => {
    let rarest = -1;
    for (let k = 0; k < K; k++)
      if (targets[row * K + k] === 1 && (rarest < 0 || support[k]! < support[rarest]!)) rarest = k;
    return rarest;
  });
}
