// The ways to combine members that are judged: those of a recipe, those that were asked for, or the usual ones. Every member
// alone is among them, so that what ships is never worse than the best of them.

import { readFile } from 'node:fs/promises';
import { whyNotAveraged } from '../ensembles/index.js';
import type { Candidate } from './ensemble-choose.js';
import type { DrawOptions } from './drawn-members.js';
import { leavesOf, openTree, type LeafNode, type PoolNode } from './ensemble-leaves.js';
import { errors } from './errors.js';
import { flopsOf } from './ensemble-cost.js';
import type { Combination, EnsembleOptions } from './ensemble-options.js';
import type { OpenedMember } from './members.js';
import { parseRecipe } from './recipe.js';
import type { RecipeNode } from './recipe-nodes.js';

/** What is judged: the members alone, and combinations of those that are kept. */
export interface Choices {
  readonly singles: readonly Candidate[];
  /** Each of these with the views that were asked for; nothing where a recipe says it. */
  readonly seen: readonly LeafNode[];
  /** Networks that combinations will need whatever is kept. */
  readonly leaves: readonly LeafNode[];
  /** @param kept places of `singles` */
  combined(kept: readonly number[]): readonly Candidate[];
}

/** Opens members or a recipe. */
export async function choicesOf(
  members: readonly string[],
  options: EnsembleOptions,
  drawing?: DrawOptions,
): Promise<Choices> {
  const { recipe, views = [], seed = 0 } = options;
  if (recipe !== undefined) {
    const { root } = await readRecipe(recipe);
    const node = await openTree(root, seed, drawing);
    const leaves = leavesOf(node);
    const plain = distinct(leaves.flatMap(leaf => leaf.networks));
    return { singles: plain.map(alone), seen: [], leaves, combined: () => [{ name: 'recipe', node }] };
  }
  if (members.length === 0) throw errors.NO_MEMBER({ spec: 'nothing', reason: 'no member was named' });
  const root: RecipeNode = { op: 'average', members: members.map(member => ({ op: 'member', member })) };
  const networks = distinct(leavesOf(await openTree(root, seed, drawing)).flatMap(leaf => leaf.networks));
  const singles = networks.map(alone);
  const shown = (network: OpenedMember): LeafNode => ({ op: 'member', networks: [network], views: { words: views } });
  const seen = views.length === 0 ? singles.map(({ node }) => node) : networks.map(shown);
  return {
    singles,
    seen,
    leaves: seen,
    combined: kept =>
      combinedOf(
        kept.map(i => ({ network: networks[i]!, seen: seen[i]!, name: singles[i]!.name })),
        options,
      ),
  };
}

/** Networks of which no two are the same. */
export const distinct = (networks: readonly OpenedMember[]): OpenedMember[] => [
  ...new Map(networks.map(network => [network.sha256, network])).values(),
];
const alone = (network: OpenedMember): Candidate & { readonly node: LeafNode } => ({
  name: network.name,
  node: { op: 'member', networks: [network] },
});

interface Kept {
  readonly network: OpenedMember;
  readonly seen: LeafNode;
  readonly name: string;
}

/** The combinations that were asked for, or the usual ones. */
function combinedOf(kept: readonly Kept[], { combine = 'auto', cascade, views = [] }: EnsembleOptions): Candidate[] {
  const members = kept.map(one => one.seen);
  const withViews =
    views.length === 0 ? [] : kept.map(({ name, seen }) => ({ name: `${name} with views`, node: seen }));
  if (kept.length === 1) return withViews;
  if (cascade !== undefined) {
    const cheapFirst = [...members].sort((a, b) => flopsOf(a.networks[0]!.model) - flopsOf(b.networks[0]!.model));
    return [{ name: 'cascade', node: { op: 'cascade', members: cheapFirst, tolerance: cascade } }];
  }
  const pooled = (name: string, node: Omit<PoolNode, 'members'>): Candidate => ({ name, node: { ...node, members } });
  const ways: Readonly<Record<Exclude<Combination, 'auto'>, () => Candidate[]>> = {
    average: () => [pooled('average', { op: 'average' })],
    logit: () => [pooled('average of logits', { op: 'average', rule: 'logit' })],
    vote: () => [pooled('vote', { op: 'average', rule: 'vote' })],
    rank: () => [pooled('ranks', { op: 'average', rule: 'rank' })],
    learned: () => [pooled('learnt weights', { op: 'average', weights: 'learned' })],
    greedy: () => [pooled('greedy choice', { op: 'greedy' })],
    stack: () => [pooled('stacking', { op: 'stack' })],
    soup: () => soupsOf(kept, combine, views),
    best: () => withViews,
  };
  const usual = ['average', 'logit', 'greedy', 'soup', 'best'] as const;
  return (combine === 'auto' ? usual : [combine]).flatMap(name => ways[name]());
}

/** Soups of networks whose weights can be averaged. */
function soupsOf(kept: readonly Kept[], combine: Combination, views: readonly string[]): Candidate[] {
  const networks = kept.map(({ network }) => network);
  const fault = whyNotAveraged(
    networks.map(({ model }) => model),
    { outputs: ['logits'] },
  );
  if (fault && combine === 'soup')
    throw errors.NO_SOUP({ member: networks[fault.member]!.name, at: fault.name, reason: fault.reason });
  if (fault) return [];
  const seen = views.length === 0 ? {} : { views: { words: views } };
  return [
    { name: 'uniform soup', node: { op: 'soup', networks, ...seen } },
    { name: 'greedy soup', node: { op: 'soup', networks, weights: 'greedy', ...seen } },
  ];
}

/** A recipe's text: the line itself, or what stands in a file. */
async function readRecipe(recipe: string) {
  const text = await readFile(recipe, 'utf8').catch(() => undefined);
  return text === undefined ? parseRecipe(recipe) : parseRecipe(text, recipe);
}
