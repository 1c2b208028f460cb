// What networks and ensembles cost for one picture: operations, two for each multiplication with its addition; what members
// compute alike counts once.

import { costOf, type CostPart, type Fusion } from '../ensembles/index.js';
import type { Model } from '../graph/index.js';

const known = new WeakMap<Model, number>();

/** The operations of a network alone. */
export function flopsOf(model: Model): number {
  const found = known.get(model);
  if (found !== undefined) return found;
  const [, height, width] = model.graph.inputs[0]!.shape ?? [];
  const parts = costOf({ kind: 'member', name: 'member', model }, { width: width as number, height: height as number });
  const flops = sumOf(parts);
  known.set(model, flops);
  return flops;
}

/** The operations of a tree. */
export const flopsOfTree = (root: Fusion, input: { readonly width: number; readonly height: number }): number =>
  sumOf(costOf(root, input));

const sumOf = (parts: readonly CostPart[]): number => parts.reduce((sum, { flops }) => sum + flops, 0);
