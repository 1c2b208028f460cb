// Greedy ensemble selection (Caruana et al., ICML 2004): round by round, the member that makes the mean of those chosen
// best on a selection split is chosen, again if need be; the weights are the counts. Ties go to a member already used,
// and the result is cut at its first best round, so that it is never worse than its best member. Bags (Caruana et al.,
// ICDM 2006): the same within random subsets of the members, the counts added.

import { Random } from '../base/index.js';
import { accuracyScorer } from './accuracy-scorer.js';
import { exactMatchScorer, likelihoodScorer } from './cell-scorer.js';
import { errors } from './errors.js';
import type { MemberPredictions, Truth } from './member-predictions.js';
import { isMultiLabel } from './predictions.js';
import { tie, type Scorer } from './scorer.js';
import { defaultMemory, readTrueProbabilities } from './true-probabilities.js';

/** What members are chosen by. */
export type SelectionMetric = 'negativeLogLikelihood' | 'accuracy';

export interface SelectionOptions {
  /** @default 'negativeLogLikelihood' */
  readonly metric?: SelectionMetric;
  /** Most rounds, from 1. More than 25 brought nothing in AutoGluon's tests. @default 25 */
  readonly size?: number;
  /** Whether a member may be chosen again; without, the weights of those chosen are equal. @default true */
  readonly replacement?: boolean;
  /** Members that are in whatever comes, first: such as the picture as it is among its test-time views. @default none */
  readonly start?: readonly number[];
  /** Begins with so many of the best single members, in their order. @default 0 */
  readonly sorted?: number;
  /** How many random subsets are chosen from; 0 is one choice from all. @default 0 */
  readonly bags?: number;
  /** Share of the members in each bag, above 0 up to 1. @default 0.5 */
  readonly bagShare?: number;
  /** Of the bags. @default 0 */
  readonly seed?: number | string;
  /** Most bytes that the probabilities of the truth may take. @default 1 GiB */
  readonly memory?: number;
}

const defaults = {
  metric: 'negativeLogLikelihood',
  size: 25,
  replacement: true,
  start: [],
  sorted: 0,
  bags: 0,
  bagShare: 0.5,
  seed: 0,
  memory: defaultMemory,
} as const;

/** One round: who was added, and the metric of the mean with it. */
export interface SelectionRound {
  readonly member: number;
  readonly value: number;
}

/** A choice of members. */
export interface Selection {
  /** Of sum 1, one a member, 0 for those not chosen. */
  readonly weights: Float64Array;
  /** How often each member was chosen. */
  readonly counts: Uint32Array;
  /** The metric of the weighted mean, on the pictures that were chosen by. */
  readonly value: number;
  /** The best member alone. */
  readonly single: SelectionRound;
  /** All rounds, those after the cut too; of the last bag where there are bags. */
  readonly rounds: readonly SelectionRound[];
}

/**
 * Chooses members whose mean probability is best on the pictures of `truth`. Members are read once for the likelihood;
 * for the accuracy, those that are close are read again.
 *
 * @param source probabilities of the members, in memory or in files
 * @param truth of the selection split; report figures on another
 * @throws `EVALUATION_OPTION`, `EVALUATION_MEMBERS`, `EVALUATION_MEMORY`, `EVALUATION_LABEL`, `EVALUATION_EMPTY`
 * @example
 * const { weights } = await selectMembers(membersInMemory(new Map([['a', p], ['b', q]]), 10), { labels });
 */
export async function selectMembers(
  source: MemberPredictions,
  truth: Truth,
  options: SelectionOptions = {},
): Promise<Selection> {
  const resolved = { ...defaults, ...options };
  check(resolved, source.names.length);
  const scorer = await scorerOf(source, truth, resolved);
  return choose(scorer, source.names.length, resolved);
}

/** The scorer of a metric; reads the members. */
export async function scorerOf(
  source: MemberPredictions,
  truth: Truth,
  { metric, memory }: { readonly metric: SelectionMetric; readonly memory: number },
): Promise<Scorer> {
  if (metric === 'accuracy' && !isMultiLabel(truth)) return accuracyScorer(source, truth, memory);
  const given = await readTrueProbabilities(source, truth, memory);
  return metric === 'accuracy' && isMultiLabel(truth)
    ? exactMatchScorer(given, truth.targets)
    : likelihoodScorer(given);
}

type Resolved = Required<SelectionOptions>;

async function choose(scorer: Scorer, M: number, options: Resolved): Promise<Selection> {
  const sign = options.metric === 'accuracy' ? (loss: number) => 1 - loss : (loss: number) => loss;
  const told = ({ member, loss }: { readonly member: number; readonly loss: number }) => ({
    member,
    value: sign(loss),
  });
  scorer.reset();
  const single = (await scorer.best(all, none))!;
  const counts = new Uint32Array(M);
  let rounds: readonly Round[] = [];
  const random = new Random(options.seed).at('bags');
  for (let bag = 0; bag < Math.max(1, options.bags); bag++) {
    const allowed = options.bags > 0 ? bagOf(random.at(bag), M, options) : all;
    rounds = await greedy(scorer, allowed, options);
    for (const { member } of rounds.slice(0, firstBest(rounds, options.start.length) + 1)) counts[member]!++;
  }
  let loss = await lossOf(scorer, counts);
  // Bags do not see all members, so their sum may be worse than the best of them; what must be in may be, too.
  if (options.start.length === 0 && loss > single.loss + tie) {
    counts.fill(0);
    counts[single.member] = 1;
    loss = single.loss;
  }
  const total = counts.reduce((a, b) => a + b, 0);
  const weights = Float64Array.from(counts, count => count / total);
  return { weights, counts, value: sign(loss), single: told(single), rounds: rounds.map(told) };
}

/** One round, by its loss. */
interface Round {
  readonly member: number;
  readonly loss: number;
}

/** The rounds of one choice: what must be in, the best singles, then the best to add. */
export async function greedy(
  scorer: Scorer,
  allowed: (member: number, chosen: ReadonlySet<number>) => boolean,
  { size, replacement, start, sorted }: Pick<Resolved, 'size' | 'replacement' | 'start' | 'sorted'>,
): Promise<Round[]> {
  const used = new Set<number>();
  const first = [...start];
  scorer.reset();
  for (let i = 0; i < sorted; i++) {
    const best = await scorer.best(member => allowed(member, used) && !first.includes(member), none);
    if (best) first.push(best.member);
  }
  const rounds: Round[] = [];
  const add = async (member: number) => {
    rounds.push({ member, loss: await scorer.add(member) });
    used.add(member);
  };
  for (const member of first.slice(0, Math.max(size, start.length))) await add(member);
  while (rounds.length < size) {
    const best = await scorer.best(
      member => allowed(member, used) && (replacement || !used.has(member)),
      member => used.has(member),
    );
    if (!best) break;
    await add(best.member);
  }
  return rounds;
}

/** The first round that no other is better than, not before all that must be in are. */
function firstBest(rounds: readonly Round[], least = 0): number {
  let best = Math.max(0, least - 1);
  for (let round = best + 1; round < rounds.length; round++)
    if (rounds[round]!.loss < rounds[best]!.loss - tie) best = round;
  return best;
}

async function lossOf(scorer: Scorer, counts: Uint32Array): Promise<number> {
  scorer.reset();
  let loss = Infinity;
  for (const [member, count] of counts.entries()) for (let i = 0; i < count; i++) loss = await scorer.add(member);
  return loss;
}

/** A random subset; what must be in is. */
function bagOf(random: Random, M: number, { bagShare, start }: Resolved): (member: number) => boolean {
  const size = Math.max(1, Math.round(bagShare * M));
  const bag = new Set([...random.permutation(M).subarray(0, size), ...start]);
  return member => bag.has(member);
}

const all = (): boolean => true;
const none = (): boolean => false;

function check({ metric, size, start, sorted, bags, bagShare }: Resolved, M: number): void {
  const option = (option: string, found: unknown, wanted: string) => errors.OPTION({ option, found, wanted });
  if (!['negativeLogLikelihood', 'accuracy'].includes(metric))
    throw option('metric', metric, 'negativeLogLikelihood or accuracy');
  if (!(Number.isInteger(size) && size >= 1)) throw option('size', size, 'a whole number from 1 on');
  for (const [name, found] of [
    ['sorted', sorted],
    ['bags', bags],
  ] as const)
    // prettier-ignore
    if (!(Number.isInteger(found) && found >= 0)) throw option(name, found, 'a whole number from 0 on');
  if (!(bagShare > 0 && bagShare <= 1)) throw option('bagShare', bagShare, 'above 0, up to 1');
  for (const member of start)
    if (!(Number.isInteger(member) && member >= 0 && member < M))
      throw option('start', `[${start.join(', ')}]`, `positions among ${M} members`);
  if (new Set(start).size < start.length) throw option('start', `[${start.join(', ')}]`, 'each member once');
}
