// How much each network of an ensemble has to say: weights multiplied down the recipe's tree, of sum 1, in the order of
// memberProbabilities. Members of stacks and stages of cascades, whose weights are no shares, count alike.

import { GraftError } from '../base/index.js';
import type { BundleEnsemble } from '../bundle/index.js';
import type { RecipeNode } from './recipe-nodes.js';
import { parseRecipe } from './recipe.js';

/** The shares of the leaves of a tree whose weights are found. */
export function sharesOf(node: RecipeNode, share = 1): number[] {
  if (node.op === 'member' || node.op === 'soup') return [share];
  const { op, members, weights, views = [] } = node;
  const given = typeof weights === 'object' && op !== 'stack' && op !== 'cascade' ? weights : undefined;
  const parts = op === 'tta' ? views.map(() => members[0]!) : members;
  const total = given?.reduce((a, b) => a + b, 0) ?? parts.length;
  return parts.flatMap((part, i) => sharesOf(part, (share * (given?.[i] ?? 1)) / total));
}

/**
 * What share each member of a stored ensemble has, of sum 1, in the order of `memberProbabilities`.
 *
 * @returns nothing where members have no shares: in stacks and cascades, where the recipe counts them another way, and where
 * it is of a kind that is not known here
 * @example
 * const members = ['a', 'b'].map(name => ({ name, sha256: '0'.repeat(64) }));
 * const root = { op: 'average', members: ['a', 'b'].map(member => ({ op: 'member', member })), weights: [3, 1] };
 * const ensemble = { recipe: { version: 1, root }, members, calibration: { kind: 'none' }, comparison: [] };
 * console.log(memberWeights(ensemble)); // [0.75, 0.25]
 */
export function memberWeights({ recipe, members }: BundleEnsemble): readonly number[] | undefined {
  const root = rootOf(recipe);
  const shares = root && hasShares(root) ? sharesOf(root) : [];
  return shares.length === members.length ? shares : undefined;
}

function rootOf(recipe: unknown): RecipeNode | undefined {
  try {
    return parseRecipe(JSON.stringify(recipe)).root;
  } catch (error) {
    if (error instanceof GraftError) return undefined;
    throw error;
  }
}

const hasShares = (node: RecipeNode): boolean =>
  node.op === 'member' ||
  node.op === 'soup' ||
  (node.op !== 'stack' && node.op !== 'cascade' && node.members.every(hasShares));
