// The comparison: members alone, the best member as a choice that is judged crosswise like any other, and the combinations.
// By default the best of them ships that is, on the pictures that choose, no worse than the best member.

import { costFront, membersInMemory, type CalibratorKind, type FrontPoint } from '../evaluation/index.js';
import { answerTree, rowsAt, truthAt, type Asked } from './ensemble-answers.js';
import type { Choices } from './ensemble-candidates.js';
import {
  judge,
  judgeWay,
  lossOf,
  topOf,
  winnerOf,
  withCalibrator,
  type Candidate,
  type Judged,
  type JudgeOptions,
} from './ensemble-choose.js';
import { costsOf, type Costs } from './ensemble-cost.js';
import { leavesOf, type LeafNode, type OpenedNode } from './ensemble-leaves.js';
import type { Networks } from './ensemble-networks.js';
import type { EnsembleOptions } from './ensemble-options.js';
import { errors } from './errors.js';
import type { Runtime } from '../runtime/index.js';

/** What a comparison needs. */
export interface Setting {
  readonly runtime: Runtime;
  readonly asked: Asked;
  readonly parts: JudgeOptions['parts'];
  readonly isOutOfFold: boolean;
  readonly options: EnsembleOptions;
  open(leaves: readonly LeafNode[]): Promise<Networks>;
}

/** What was compared, and what ships. */
export interface Compared {
  readonly judged: readonly Judged[];
  /** Places in `judged`: what ships, and the best member. */
  readonly chosen: number;
  readonly reference: number;
  /** What ships, with the calibrator that it ships with. */
  readonly best: Judged;
  /** Members by cost, where there are several; names of members with what they count. */
  readonly front: readonly { readonly point: NamedPoint; readonly judged: Judged }[];
  readonly costs: Costs;
}

/** An ensemble of some members that none of the same cost beats. */
export interface NamedPoint {
  readonly members: readonly string[];
  readonly weights: readonly number[];
  readonly cost: number;
  /** By the metric of the choice, on the pictures that choose. */
  readonly value: number;
}

/** Compares. */
export async function compare(choices: Choices, setting: Setting): Promise<Compared> {
  const { asked, parts, options, isOutOfFold, open, runtime } = setting;
  const { metric = 'negativeLogLikelihood', seed = 0, calibrate = 'auto', combine = 'auto', onProgress } = options;
  const kind: CalibratorKind = calibrate === 'auto' ? 'temperature' : calibrate;
  const firstOpened = await open(leavesIn(choices.singles, choices.leaves));
  const costs = await costsOf(runtime, firstOpened, choices.singles.map(({ node }) => node), options); // prettier-ignore
  const judgingBy = ({ measured, frame }: Networks): JudgeOptions => ({
    metric,
    seed,
    parts,
    measured,
    costOf: fusion => costs.costOf(fusion, frame),
  });
  const judgeAll = async (candidates: readonly Candidate[], judging: JudgeOptions) => {
    const judged: Judged[] = [];
    for (const candidate of candidates) {
      options.signal?.throwIfAborted();
      judged.push(await judge(candidate, asked, kind, judging));
      onProgress?.({ what: 'judging', done: judged.length, total: candidates.length, note: candidate.name });
    }
    return judged;
  };
  const first = judgingBy(firstOpened);
  const singles = await judgeAll(choices.singles, first);
  const isAffordable = (one: Judged) => one.cost <= costs.budget * (1 + 1e-9);
  const isGiven = options.recipe !== undefined || isOutOfFold;
  const top = topOf(singles, isGiven ? undefined : options.top, metric);
  const payable = isGiven ? top : top.filter(i => isAffordable(singles[i]!));
  if (payable.length === 0) throw tooDear(costs, singles);
  // of a cascade a dear member may be within the budget in the mean
  const kept = options.cascade === undefined ? payable : top;
  const seen = kept.map(i => choices.seen[i]).filter(node => node !== undefined);
  const { points, within } = isOutOfFold || seen.length < 2 ? { points: [], within: undefined } : await frontOf(seen, first, asked, costs, kind, options); // prettier-ignore
  const combined = isOutOfFold
    ? choices.combined(kept).filter(({ name }) => name === 'average' || name === 'recipe')
    : [...choices.combined(kept), ...(within ? [within] : [])];
  const policy = isOutOfFold || singles.length < 2 ? [] : [bestMember(payable.map(i => choices.singles[i]!.node))];
  const judging = judgingBy(await open(leavesIn([...choices.singles, ...combined], [])));
  const others = await judgeAll([...policy, ...combined], judging);
  const judged = [...singles, ...others];
  const reference = policy.length > 0 ? singles.length : 0;

  const asIsAsked = (isGiven || combine !== 'auto' || options.cascade !== undefined) && combined.length > 0;
  const most = asIsAsked ? Infinity : Math.min(...(await Promise.all(payable.map(async i => lossOf(singles[i]!, asked, judging))))); // prettier-ignore
  const isFit = async (one: Judged) => most === Infinity || (await lossOf(one, asked, judging)) <= most + 1e-9;
  const running: Judged[] = [];
  // what is asked for runs; or else what is no worse than the best member, and that member
  for (const one of asIsAsked ? others.slice(policy.length) : judged.slice(reference))
    if (one === judged[reference] || (await isFit(one))) running.push(one);
  const affordable = running.filter(isAffordable);
  if (affordable.length === 0) throw tooDear(costs, running);
  const winner = winnerOf(affordable, metric);
  // a member that ships alone is no combination: it has the simplest calibrator whatever that loses
  const mayShip = async (one: Judged) => winner === judged[reference] || isFit(one);
  const best = calibrate === 'auto' ? await withCalibrator(winner, asked, judging, mayShip) : winner;
  return { judged, chosen: judged.indexOf(winner), reference, best, front: points, costs };
}

/** The best member as a choice: which one is chosen without the pictures that judge it. */
const bestMember = (members: readonly OpenedNode[]): Candidate => ({
  name: 'best member',
  node: { op: 'greedy', members, size: 1 },
});

const tooDear = ({ budget, unit }: Costs, of: readonly Judged[]) =>
  errors.BUDGET({ budget, unit, cheapest: Math.min(...of.map(({ cost }) => cost)) });

/** Every network of candidates, once. */
export const leavesIn = (candidates: readonly Candidate[], more: readonly LeafNode[]): LeafNode[] => [
  ...new Set([...candidates.flatMap(({ node }) => leavesOf(node)), ...more]),
];

/** The front of the members, and the best of it within the budget as a candidate. */
async function frontOf(
  seen: readonly LeafNode[],
  judging: JudgeOptions,
  asked: Asked,
  { partsOf, budget }: Costs,
  kind: CalibratorKind,
  { metric = 'negativeLogLikelihood' }: EnsembleOptions,
): Promise<{ readonly points: Compared['front']; readonly within: Candidate | undefined }> {
  const { select } = judging.parts;
  const answers = [];
  for (const node of seen) answers.push(await answerTree(node, asked, { ...judging, fit: select, memberFirst: false }));
  const names = answers.map(({ first }) => first.name);
  const said = answers.map(({ probabilities }) => rowsAt(probabilities, select, asked.classes.length));
  const source = membersInMemory(new Map(said.map((of, i) => [String(i), of])), asked.classes.length);
  const parts = answers.map(({ fusion }) => partsOf(fusion));
  const found = await costFront(source, truthAt(asked, select), parts, { metric, ...(budget < Infinity ? { budget } : {}) }); // prettier-ignore
  const averageOf = ({ members, weights }: FrontPoint): OpenedNode =>
    members.length === 1 ? seen[members[0]!]! : { op: 'average', members: members.map(m => seen[m]!), weights };
  const points: Compared['front'][number][] = [];
  for (const point of found.front) {
    const of = point.members.map(m => names[m]!);
    const name = of.length > 3 ? `${of.length} members` : of.join(' + ');
    const judged = await judgeWay({ name, node: averageOf(point) }, asked, kind, false, judging);
    const { weights, cost, value } = point;
    points.push({ point: { members: of, weights, cost, value }, judged });
  }
  const { members } = found.best;
  return {
    points,
    within:
      budget < Infinity && members.length > 1 ? { name: 'within the budget', node: averageOf(found.best) } : undefined,
  };
}
