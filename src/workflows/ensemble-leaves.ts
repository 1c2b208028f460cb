// A recipe whose words have become networks: members are opened, several of one word are spread among their siblings,
// members that are drawn are drawn, and views are given to the networks that they are views of.

import { batchMembers, dropoutMembers, swagMembers, type DrawOptions } from './drawn-members.js';
import { errors } from './errors.js';
import { openMembers, type OpenedMember } from './members.js';
import { recipeErrors } from './recipe-errors.js';
import type { InnerNode, PoolRule, RecipeNode } from './recipe-nodes.js';

/** The views that a network is asked with. */
export interface LeafViews {
  readonly words: readonly string[];
  readonly rule?: PoolRule;
  /** In the order of the views, the picture as it is first; or how they are found. */
  readonly weights?: readonly number[] | 'learned' | 'greedy';
}

/** One network, or the mean of the weights of several. */
export interface LeafNode {
  readonly op: 'member' | 'soup';
  /** One, or the ingredients. */
  readonly networks: readonly OpenedMember[];
  readonly views?: LeafViews;
  /** Of a soup: shares, or by greedy choice. @default equal */
  readonly weights?: readonly number[] | 'greedy';
}
/** Predictions of several made one. */
export interface PoolNode {
  readonly op: 'average' | 'greedy' | 'stack' | 'cascade';
  readonly members: readonly OpenedNode[];
  readonly weights?: readonly number[] | 'learned';
  readonly rule?: PoolRule;
  readonly tolerance?: number;
  /** Of a cascade whose thresholds are known. */
  readonly thresholds?: readonly number[];
  /** Of `greedy`: most rounds. */
  readonly size?: number;
}
export type OpenedNode = LeafNode | PoolNode;

/**
 * Opens a tree.
 *
 * @param seed of members that are drawn
 * @param drawing how statistics of BatchNormalization are estimated; without it `batchnorm` and some `swag` are refused
 * @throws GRAFT_NO_MEMBER, GRAFT_NOTHING_DRAWN, RECIPE_FIELD; BUNDLE_…
 */
export async function openTree(root: RecipeNode, seed = 0, drawing?: DrawOptions): Promise<OpenedNode> {
  const nodes = await opened(root, { seed, drawing }, undefined);
  return nodes.length === 1 ? nodes[0]! : { op: 'average', members: nodes };
}

interface Opening {
  readonly seed: number;
  readonly drawing: DrawOptions | undefined;
}

/** The nodes that one node of a recipe stands for. */
async function opened(node: RecipeNode, options: Opening, views: LeafViews | undefined): Promise<OpenedNode[]> {
  const seen = views ? { views } : {};
  if (node.op === 'member') {
    const members = await openMembers(node.member);
    if (node.sha256 !== undefined && members[0]?.sha256 !== node.sha256)
      throw errors.NO_MEMBER({ spec: node.member, reason: 'it is not the one of the recipe: its SHA-256 differs' });
    return members.map(member => ({ op: 'member', networks: [member], ...seen }));
  }
  if (node.op === 'tta') {
    const { weights, rule } = node;
    if (views)
      throw recipeErrors.FIELD({
        file: 'the recipe',
        field: 'views',
        found: `${node.views!.join(', ')} inside ${views.words.join(', ')}`,
        wanted: 'views of one picture, listed together',
      });
    const own: LeafViews = { words: node.views!, ...(rule ? { rule } : {}), ...(weights ? { weights } : {}) };
    return opened(node.members[0]!, options, own);
  }
  if (node.op === 'dropout' || node.op === 'batchnorm' || node.op === 'swag') {
    const drawn = await drawnFrom(node, options);
    return drawn.map(member => ({ op: 'member', networks: [member], ...seen }));
  }
  if (node.op === 'soup') {
    const { weights } = node;
    const found = await networks(node);
    const shares = typeof weights === 'object' || weights === 'greedy' ? { weights } : {};
    return [{ op: 'soup', networks: found, ...shares, ...seen }];
  }
  const { op, members, weights, rule, tolerance, thresholds } = node as InnerNode & { readonly op: PoolNode['op'] };
  const parts = await Promise.all(members.map(async member => opened(member, options, views)));
  // a word that names several shares its weight among them
  const shares =
    typeof weights === 'object' ? parts.flatMap((part, i) => part.map(() => weights[i]! / part.length)) : undefined;
  return [
    {
      op,
      members: parts.flat(),
      ...(shares ? { weights: shares } : weights === 'learned' ? { weights } : {}),
      ...(rule ? { rule } : {}),
      ...(tolerance === undefined ? {} : { tolerance }),
      ...(thresholds && thresholds.length === parts.flat().length - 1 ? { thresholds } : {}),
    },
  ];
}

/** The members that are drawn from the networks of a node. */
async function drawnFrom(node: InnerNode, { seed, drawing }: Opening): Promise<OpenedMember[]> {
  const { op, count } = node;
  const found = await networks(node);
  if (op === 'swag') return swagMembers(found, count!, seed, drawing);
  const [one, ...others] = found;
  if (!one || others.length > 0)
    throw errors.NOTHING_DRAWN({ member: op, reason: `it is over ${found.length} members, wanted is one` });
  return op === 'dropout' ? dropoutMembers(one, count!, seed) : batchMembers(one, count!, seed, drawing);
}

/** The networks directly below a node that works on weights. */
async function networks({ op, members }: InnerNode): Promise<OpenedMember[]> {
  const all = await Promise.all(
    members.map(async member => {
      if (member.op !== 'member')
        throw errors.NO_MEMBER({
          spec: `${op}[${member.op}[…]]`,
          reason: `${op} is over networks, not over ensembles`,
        });
      return openMembers(member.member);
    }),
  );
  return all.flat();
}

/** Every network of a tree. */
export function leavesOf(node: OpenedNode): LeafNode[] {
  return 'networks' in node ? [node] : node.members.flatMap(leavesOf);
}

/** Whether this is one network that sees the picture as it is. */
export const isMember = (node: OpenedNode): boolean =>
  'networks' in node && node.networks.length === 1 && node.views === undefined;
