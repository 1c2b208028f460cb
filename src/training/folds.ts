// Parts of a cross-validation, and samples with replacement; both with every class in its share.

import { elements, type Random, type Tensor } from '../base/index.js';

/** Parts with every class in each, in shares as in the whole; several labels are dealt out as they come. */
export function foldsOf(labels: Tensor, count: number, folds: number, random: Random): Set<number>[] {
  const groups = classesOf(labels, random.permutation(count));
  const smallest = Math.min(...groups.map(group => group.length));
  const wanted = Math.min(folds, smallest);
  if (wanted < 2) return [];
  const parts = Array.from({ length: wanted }, () => new Set<number>());
  let next = 0;
  for (const group of groups) for (const i of group) parts[next++ % wanted]!.add(i);
  return parts;
}

/**
 * A bootstrap: as many pictures as there are, drawn with replacement, of each class as many as it has; several labels are
 * drawn as they come.
 *
 * @returns how often each picture was drawn, [count]
 */
export function bootstrapOf(labels: Tensor, count: number, random: Random): Uint32Array {
  const drawn = new Uint32Array(count);
  for (const group of classesOf(
    labels,
    Uint32Array.from({ length: count }, (_, i) => i),
  ))
    for (let i = 0; i < group.length; i++) drawn[group[random.integer(group.length)]!]!++;
  return drawn;
}

/** Pictures by their class, in an order; of several labels all of them. */
function classesOf(labels: Tensor, order: Uint32Array): number[][] {
  const groups = new Map<bigint, number[]>();
  const single = labels.type === 'int64' ? (elements(labels) as BigInt64Array) : undefined;
  for (const i of order) {
    const label = single?.[i] ?? 0n;
    const group = groups.get(label);
    if (group) group.push(i);
    else groups.set(label, [i]);
  }
  return [...groups.values()];
}
