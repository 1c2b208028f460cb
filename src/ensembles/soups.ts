// Model soups (Wortsman et al. 2022): one network of the mean weights of several that were tuned from one beginning.
//   uniform: all of them.
//   greedy:  best first; each stays if the soup with it scores no worse than without (their recipe 1; ties stay: of two
//            soups that score alike the one of more networks is the surer one).
// A score is a loss on held-out pictures, lower is better, negative log-likelihood as a rule. Both wings meet elsewhere:
// how weights become a score is the caller's.

import { errors } from './errors.js';

/** Something that can go into a soup: a weight set, a model, whatever `average` takes. */
export interface Ingredient<T> {
  readonly name: string;
  readonly weights: T;
}

/** How ingredients become a soup, and what a soup is worth. */
export interface SoupKitchen<T> {
  /** Such as `all => averageModels(all).model`; gets at least two. */
  readonly average: (all: readonly T[]) => T;
  /** The loss on held-out pictures; lower is better. What scores no number never goes in beside others. */
  readonly score: (weights: T) => Promise<number>;
}

/** What became of an ingredient. */
export interface SoupScore {
  readonly name: string;
  /** Its own. */
  readonly alone: number;
  /** Of the soup with it; of the first its own. */
  readonly together: number;
  readonly kept: boolean;
}

/** A soup. */
export interface Soup<T> {
  readonly weights: T;
  readonly score: number;
  /** In the order in which they went in. */
  readonly kept: readonly string[];
  /** Of every candidate, the best first; of equals the one that was named first. */
  readonly scores: readonly SoupScore[];
  /** What a reader should know: that only the best is left, or that the soup is worse than it. */
  readonly remark?: string;
}

/**
 * The mean of all.
 *
 * @throws ENSEMBLE_SHARES where there is none; what `average` and `score` throw
 * @example
 * const { weights, remark } = await uniformSoup(candidates, { average: all => averageModels(all).model, score });
 */
export async function uniformSoup<T>(
  ingredients: readonly Ingredient<T>[],
  { average, score }: SoupKitchen<T>,
): Promise<Soup<T>> {
  const ranked = await rank(ingredients, score);
  const best = ranked[0]!;
  // in the order given: the newest stays the last
  const all = ingredients.map(({ weights }) => weights);
  const weights = all.length === 1 ? best.weights : average(all);
  const together = all.length === 1 ? best.alone : worstIfNone(await score(weights));
  const isWorse = together > best.alone;
  return {
    weights,
    score: together,
    kept: ingredients.map(({ name }) => name),
    scores: ranked.map(({ name, alone }) => ({ name, alone, together, kept: true })),
    ...(isWorse ? { remark: `the soup is worse than ${best.name} alone; ${basins}` } : {}),
  };
}

/**
 * The best, and of the others those that make the soup no worse. It is never worse than the best on the pictures that
 * score; choose on others than those it is judged by.
 *
 * @throws ENSEMBLE_SHARES where there is none; what `average` and `score` throw
 * @example
 * const { weights, kept } = await greedySoup(candidates, { average: all => averageModels(all).model, score });
 */
export async function greedySoup<T>(
  ingredients: readonly Ingredient<T>[],
  { average, score }: SoupKitchen<T>,
): Promise<Soup<T>> {
  const [best, ...others] = await rank(ingredients, score);
  let kept = [best!];
  let soup = { weights: best!.weights, score: best!.alone };
  const scores: SoupScore[] = [{ name: best!.name, alone: best!.alone, together: best!.alone, kept: true }];
  for (const one of others) {
    // a broken network may hide in a mean of many
    if (one.alone === Infinity) {
      scores.push({ name: one.name, alone: one.alone, together: Infinity, kept: false });
      continue;
    }
    const tried = [...kept, one];
    const weights = average(tried.map(of => of.weights));
    const together = worstIfNone(await score(weights));
    const stays = together <= soup.score;
    scores.push({ name: one.name, alone: one.alone, together, kept: stays });
    if (!stays) continue;
    kept = tried;
    soup = { weights, score: together };
  }
  return {
    ...soup,
    kept: kept.map(({ name }) => name),
    scores,
    ...(kept.length === 1 && others.length > 0 ? { remark: `only ${best!.name} is left; ${basins}` } : {}),
  };
}

const basins = 'the networks may lie in different basins: graft landscape shows the loss between two of them';

interface Ranked<T> extends Ingredient<T> {
  readonly alone: number;
}

/** Best first; the order given decides between equals. */
async function rank<T>(ingredients: readonly Ingredient<T>[], score: SoupKitchen<T>['score']): Promise<Ranked<T>[]> {
  if (ingredients.length === 0) throw errors.SHARES({ found: [], wanted: 'one network or more' });
  const ranked: Ranked<T>[] = [];
  for (const one of ingredients) ranked.push({ ...one, alone: worstIfNone(await score(one.weights)) });
  return ranked.sort((a, b) => (a.alone === b.alone ? 0 : a.alone - b.alone));
}

const worstIfNone = (score: number): number => (Number.isNaN(score) ? Infinity : score);
