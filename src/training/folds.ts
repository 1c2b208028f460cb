// The parts of a cross-validation.

import { elements, type Random, type Tensor } from '../base/index.js';

/** Parts with every class in each, in shares as in the whole; several labels are dealt out as they come. */
export function foldsOf(labels: Tensor, count: number, folds: number, random: Random): Set<number>[] {
  const groups = new Map<bigint, number[]>();
  const single = labels.type === 'int64' ? (elements(labels) as BigInt64Array) : undefined;
  for (const i of random.permutation(count)) {
    const label = single?.[i] ?? 0n;
    const group = groups.get(label);
    if (group) group.push(i);
    else groups.set(label, [i]);
  }
  const smallest = Math.min(...[...groups.values()].map(group => group.length));
  const wanted = Math.min(folds, smallest);
  if (wanted < 2) return [];
  const parts = Array.from({ length: wanted }, () => new Set<number>());
  let next = 0;
  for (const group of groups.values()) for (const i of group) parts[next++ % wanted]!.add(i);
  return parts;
}
