// What accuracy costs: ensembles of few and of many members, each with its cost and its metric, and the front of those
// that nothing cheaper beats. Costs come in parts, such as a trunk and a head; a part that members share costs once.
// Looked at are all members alone, all subsets of up to twelve members, and greedy choices (selection.ts) of which each
// may add only what a budget leaves room for, for sixteen budgets between the cheapest member and all.

import { errors } from './errors.js';
import type { MemberPredictions, Truth } from './member-predictions.js';
import { greedy, scorerOf, type SelectionMetric } from './selection.js';
import { tie, type Scorer } from './scorer.js';
import { defaultMemory } from './true-probabilities.js';

/** A part of what a member costs. Parts of one id are one and cost once. */
export interface CostPart {
  readonly id: string;
  /** From 0 on, in any unit: milliseconds, operations. */
  readonly cost: number;
}

export interface FrontOptions {
  /** @default 'negativeLogLikelihood' */
  readonly metric?: SelectionMetric;
  /** Most that `best` may cost. @default no limit */
  readonly budget?: number;
  /** Most rounds of a greedy choice. @default 25 */
  readonly size?: number;
  /** Up to so many members all subsets are looked at, at most 16. @default 12 */
  readonly exhaustive?: number;
  /** Most bytes that the probabilities of the truth may take. @default 1 GiB */
  readonly memory?: number;
}

/** An ensemble, what it costs, and what it is worth on the pictures that it was chosen by. */
export interface FrontPoint {
  /** Positions of its members, ascending. */
  readonly members: readonly number[];
  /** Of sum 1, one for each of `members`. */
  readonly weights: readonly number[];
  readonly cost: number;
  readonly value: number;
}

/** Ensembles by cost. */
export interface Front {
  /** All that were looked at, cheap ones first. */
  readonly points: readonly FrontPoint[];
  /** Those that are better than all that cost as much or less. */
  readonly front: readonly FrontPoint[];
  /** The best within the budget. */
  readonly best: FrontPoint;
}

const defaults = {
  metric: 'negativeLogLikelihood',
  budget: Infinity,
  size: 25,
  exhaustive: 12,
  memory: defaultMemory,
} as const;

/** How many budgets greedy choices are made for, beside the one asked for. */
const levels = 16;

/**
 * The front of accuracy and cost of a set of members.
 *
 * @param source probabilities of the members
 * @param truth of the selection split
 * @param costs the parts of each member's cost, in the order of the members
 * @throws `EVALUATION_BUDGET` where no member fits; `EVALUATION_OPTION`, `EVALUATION_MEMBERS`, `EVALUATION_MEMORY`
 * @example
 * const trunk = { id: 'trunk', cost: 10 };
 * await costFront(members, { labels }, [[trunk, { id: 'a', cost: 1 }], [trunk, { id: 'b', cost: 1 }]], { budget: 12 });
 */
export async function costFront(
  source: MemberPredictions,
  truth: Truth,
  costs: readonly (readonly CostPart[])[],
  options: FrontOptions = {},
): Promise<Front> {
  const { metric, budget, size, exhaustive, memory } = { ...defaults, ...options };
  const M = source.names.length;
  check(costs, M, { metric, budget, size, exhaustive });
  const scorer = await scorerOf(remembered(source, memory), truth, { metric, memory });
  const gathered = new Map<string, Judged>();
  const note = (members: readonly number[], loss: number) => {
    const judged = judge(members, loss, costs);
    const key = `${judged.members.join()}:${judged.weights.join()}`;
    if (!gathered.has(key)) gathered.set(key, judged);
  };

  for (let m = 0; m < M; m++) {
    scorer.reset();
    note([m], await scorer.add(m));
  }
  const singles = [...gathered.values()];
  const cheapest = singles.reduce((a, b) => (b.cost < a.cost ? b : a));
  if (cheapest.cost > budget)
    throw errors.BUDGET({ budget, cheapest: source.names[cheapest.members[0]!]!, cost: cheapest.cost });
  if (M <= exhaustive) await subsets(scorer, M, note);
  const total = costOf(Array.from({ length: M }, (_, m) => m), costs); // prettier-ignore
  for (const limit of limitsOf(cheapest.cost, total, budget)) {
    const fits = (member: number, chosen: ReadonlySet<number>) => costOf([...chosen, member], costs) <= limit;
    const rounds = await greedy(scorer, fits, { size, replacement: true, start: [], sorted: 0 });
    for (const [i, { loss }] of rounds.entries())
      note(
        rounds.slice(0, i + 1).map(round => round.member),
        loss,
      );
  }

  const all = [...gathered.values()].sort((a, b) => a.cost - b.cost || a.loss - b.loss);
  const front: Judged[] = [];
  for (const point of all) if (front.length === 0 || point.loss < front.at(-1)!.loss - tie) front.push(point);
  const best = front.filter(point => point.cost <= budget).at(-1)!;
  const told = ({ members, weights, cost, loss }: Judged): FrontPoint => ({
    members,
    weights,
    cost,
    value: metric === 'accuracy' ? 1 - loss : loss,
  });
  return { points: all.map(told), front: front.map(told), best: told(best) };
}

interface Judged {
  readonly members: readonly number[];
  readonly weights: readonly number[];
  readonly cost: number;
  readonly loss: number;
}

function judge(chosen: readonly number[], loss: number, costs: readonly (readonly CostPart[])[]): Judged {
  const counts = new Map<number, number>();
  for (const member of chosen) counts.set(member, (counts.get(member) ?? 0) + 1);
  const members = [...counts.keys()].sort((a, b) => a - b);
  return { members, weights: members.map(m => counts.get(m)! / chosen.length), cost: costOf(members, costs), loss };
}

/** The cost of members together. */
function costOf(members: readonly number[], costs: readonly (readonly CostPart[])[]): number {
  const parts = new Map<string, number>();
  for (const m of members) for (const { id, cost } of costs[m]!) parts.set(id, cost);
  let sum = 0;
  for (const cost of parts.values()) sum += cost;
  return sum;
}

/** All subsets of two members and more, of equal weights: each is one that was judged before and one more member. */
async function subsets(
  scorer: Scorer,
  M: number,
  note: (members: readonly number[], loss: number) => void,
): Promise<void> {
  const grow = async (members: readonly number[]): Promise<void> => {
    const back = scorer.mark();
    for (let m = (members.at(-1) ?? -1) + 1; m < M; m++) {
      const loss = await scorer.add(m);
      if (members.length > 0) note([...members, m], loss);
      await grow([...members, m]);
      back();
    }
  };
  scorer.reset();
  await grow([]);
}

/** Keeps what members said, where all of it takes no more than so many bytes. */
function remembered(source: MemberPredictions, memory: number): MemberPredictions {
  if (source.names.length * source.count * source.classes * 4 > memory) return source;
  const said = new Map<number, Float32Array | Promise<Float32Array>>();
  return {
    ...source,
    probabilitiesOf(m) {
      const found = said.get(m) ?? source.probabilitiesOf(m);
      said.set(m, found);
      return found;
    },
  };
}

/** Budgets in equal ratios from the cheapest member to all, and the one asked for. */
function limitsOf(least: number, most: number, budget: number): Set<number> {
  const limits = new Set([most]);
  if (budget < most) limits.add(budget);
  for (let i = 0; i < levels && least > 0 && most > least; i++) limits.add(least * (most / least) ** (i / levels));
  return limits;
}

function check(
  costs: readonly (readonly CostPart[])[],
  M: number,
  { metric, budget, size, exhaustive }: { metric: string; budget: number; size: number; exhaustive: number },
): void {
  const option = (option: string, found: unknown, wanted: string) => errors.OPTION({ option, found, wanted });
  if (!['negativeLogLikelihood', 'accuracy'].includes(metric))
    throw option('metric', metric, 'negativeLogLikelihood or accuracy');
  if (!(budget >= 0)) throw option('budget', budget, 'a number from 0 on');
  if (!(Number.isInteger(size) && size >= 1)) throw option('size', size, 'a whole number from 1 on');
  if (!(Number.isInteger(exhaustive) && exhaustive >= 0 && exhaustive <= 16))
    throw option('exhaustive', exhaustive, 'a whole number from 0 to 16');
  if (costs.length !== M) throw option('costs', `${costs.length} lists`, `one for each of ${M} members`);
  const known = new Map<string, number>();
  for (const { id, cost } of costs.flat()) {
    if (!(cost >= 0 && cost < Infinity)) throw option(`the cost of ${id}`, cost, 'a number from 0 on');
    if ((known.get(id) ?? cost) !== cost) throw option(`the cost of ${id}`, cost, `${known.get(id)}, as before`);
    known.set(id, cost);
  }
}
