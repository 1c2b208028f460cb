// How much each network of an ensemble has to say: weights multiplied down the recipe's tree, of sum 1, in the order of
// memberProbabilities. Members of stacks and stages of cascades, whose weights are no shares, count alike.

import type { RecipeNode } from './recipe-nodes.js';

/** The shares of the leaves of a tree whose weights are found. */
export function sharesOf(node: RecipeNode, share = 1): number[] {
  if (node.op === 'member' || node.op === 'soup') return [share];
  const { op, members, weights, views = [] } = node;
  const given = typeof weights === 'object' && op !== 'stack' && op !== 'cascade' ? weights : undefined;
  const parts = op === 'tta' ? views.map(() => members[0]!) : members;
  const total = given?.reduce((a, b) => a + b, 0) ?? parts.length;
  return parts.flatMap((part, i) => sharesOf(part, (share * (given?.[i] ?? 1)) / total));
}
