// The members of a run of several: how many, of which kind and seed, and which pictures each of them sees. All chance is
// drawn by the seed of the whole, so that a run that is resumed draws the same.

import { elements, Random, tensor, type Tensor } from '../base/index.js';
import { bootstrapOf, foldsOf } from '../training/index.js';
import { errors } from './errors.js';

/** How several members come about; one of the three. */
export interface MembersOptions {
  /** Parts of a cross-validation, from 2: each member trains without one of them. */
  readonly folds?: number;
  /** Runs that differ by seed, from 2: by their first weights, dropout masks and order of pictures. */
  readonly runs?: number;
  /** Bootstraps, from 2: each member trains on as many pictures drawn with replacement, of each class as many as it has. */
  readonly bagging?: number;
}

/** One member of a run of several, as run.json tells it. */
export interface MemberPlan {
  /** Below the folder of the whole: `members/1`. */
  readonly folder: string;
  readonly kind: 'fold' | 'run' | 'bag';
  readonly seed: number;
  /** Of folds: the part that it trains without, from 1. */
  readonly fold?: number;
}

/** The members that options ask for; none where they ask for one run. */
export function membersOf({ folds, runs, bagging }: MembersOptions, seed = 0): MemberPlan[] {
  const asked = Object.entries({ folds, runs, bagging }).filter(([, count]) => count !== undefined);
  if (asked.length > 1)
    throw errors.MEMBERS({
      found: asked.map(([name, count]) => `--${name} ${count}`).join(' and '),
      wanted: 'one of --folds, --runs and --bagging',
    });
  for (const [name, count] of asked)
    if (!Number.isSafeInteger(count) || count! < 2)
      throw errors.MEMBERS({ found: `--${name} ${count}`, wanted: 'a whole number from 2' });
  const kind = folds !== undefined ? 'fold' : runs !== undefined ? 'run' : 'bag';
  const count = folds ?? runs ?? bagging ?? 0;
  return Array.from({ length: count }, (_, i) => ({
    folder: `members/${i + 1}`,
    kind,
    seed: seed + i,
    ...(kind === 'fold' ? { fold: i + 1 } : {}),
  }));
}

/** Which pictures a member sees. */
export interface MemberShare {
  /** How often each of the training pictures trains, [pictures]. */
  readonly times: Uint32Array;
  /** The training pictures that it is judged by; undefined: the validation split. */
  readonly judged?: readonly number[];
}

/** The training pictures of all members. */
export interface SharedPictures {
  /** int64 [n] or float32 [n, K], of the pictures. */
  readonly labels: Tensor;
  readonly hashes: readonly string[];
  readonly classes: readonly string[];
  readonly hasOwnValidation: boolean;
}

/**
 * What each member sees of the training pictures. Pictures of the same content are in the same fold.
 *
 * @throws GRAFT_MEMBERS where a class has fewer pictures than there are folds
 */
export function sharesOf(plans: readonly MemberPlan[], pictures: SharedPictures, seed = 0): MemberShare[] {
  const { labels, hashes, hasOwnValidation } = pictures;
  const count = hashes.length;
  const random = new Random(seed).at('members');
  const folds = plans.some(({ kind }) => kind === 'fold') ? foldsByContent(plans.length, pictures, random) : [];
  return plans.map(({ kind }, i): MemberShare => {
    if (kind === 'run') return { times: new Uint32Array(count).fill(1) };
    if (kind === 'bag') return { times: bootstrapOf(labels, count, random.at(i)) };
    const out = folds[i]!;
    const times = Uint32Array.from({ length: count }, (_, picture) => Number(!out.has(picture)));
    return hasOwnValidation ? { times } : { times, judged: [...out].sort((a, b) => a - b) };
  });
}

function foldsByContent(wanted: number, { labels, hashes, classes }: SharedPictures, random: Random): Set<number>[] {
  const byHash = new Map<string, number[]>();
  hashes.forEach((hash, picture) => byHash.set(hash, [...(byHash.get(hash) ?? []), picture]));
  const contents = [...byHash.values()];
  const first = contents.map(([picture]) => picture!);
  const parts = foldsOf(labelsAt(labels, first), first.length, wanted, random);
  if (parts.length === wanted) return parts.map(part => new Set([...part].flatMap(content => contents[content]!)));
  const single = labels.type === 'int64' ? (elements(labels) as BigInt64Array) : undefined;
  const counts = classes.map((label, k) => ({
    label,
    count: single ? first.filter(picture => Number(single[picture]) === k).length : first.length,
  }));
  const smallest = counts.reduce((a, b) => (b.count < a.count ? b : a));
  throw errors.MEMBERS({
    found: `--folds ${wanted} with ${smallest.count} different pictures of ${smallest.label}`,
    wanted: `one in each fold at least: --folds ${Math.max(2, smallest.count)}, or --bagging`,
  });
}

/** Labels of some pictures; of several labels as they are in number, since those are dealt out as they come. */
function labelsAt(labels: Tensor, pictures: readonly number[]): Tensor {
  if (labels.type !== 'int64') return tensor('float32', [pictures.length, 1], new Float32Array(pictures.length));
  const all = elements(labels) as BigInt64Array;
  return tensor(
    'int64',
    [pictures.length],
    BigInt64Array.from(pictures, picture => all[picture]!),
  );
}
