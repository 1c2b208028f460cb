// The comparison: members alone, the best member as a choice that is judged crosswise like any other, and the combinations.
// By default the best of them ships that is, on the pictures that choose, no worse than the best member.

import {
  costFront,
  membersInMemory,
  negativeLogLikelihood,
  type CalibratorKind,
  type FrontPoint,
} from '../evaluation/index.js';
import { answerTree, rowsAt, truthAt, type Asked } from './ensemble-answers.js';
import type { Choices } from './ensemble-candidates.js';
import {
  judge,
  settle,
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
  readonly front: readonly NamedPoint[];
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
  const kept = topOf(singles, isOutOfFold ? undefined : options.top, metric);
  const seen = kept.map(i => choices.seen[i]).filter(node => node !== undefined);
  const { points, within } = isOutOfFold || seen.length < 2 ? { points: [], within: undefined } : await frontOf(seen, first, asked, costs, options); // prettier-ignore
  const combined = isOutOfFold
    ? choices.combined(kept).filter(({ name }) => name === 'average' || name === 'recipe')
    : [...choices.combined(kept), ...(within ? [within] : [])];
  const policy = isOutOfFold || singles.length < 2 ? [] : [bestMember(kept.map(i => choices.singles[i]!.node))];
  const judging = judgingBy(await open(leavesIn([...choices.singles, ...combined], [])));
  const others = await judgeAll([...policy, ...combined], judging);
  const judged = [...singles, ...others];
  const reference = policy.length > 0 ? singles.length : 0;

  const isAffordable = (one: Judged) => one.cost <= costs.budget * (1 + 1e-9);
  const asIsAsked = combine !== 'auto' || options.recipe !== undefined || options.cascade !== undefined || isOutOfFold;
  const running = asIsAsked && combined.length > 0 ? others.slice(policy.length) : await noWorse(judged.slice(reference), reference - singles.length, judging, asked); // prettier-ignore
  const affordable = running.filter(isAffordable);
  if (affordable.length === 0)
    throw errors.BUDGET({ budget: costs.budget, unit: costs.unit, cheapest: Math.min(...judged.map(({ cost }) => cost)) }); // prettier-ignore
  const winner = winnerOf(affordable, metric);
  const best = calibrate === 'auto' ? await withCalibrator(winner, asked, judging) : winner;
  return { judged, chosen: judged.indexOf(winner), reference, best, front: points, costs };
}

/** The best member as a choice: which one is chosen without the pictures that judge it. */
const bestMember = (members: readonly OpenedNode[]): Candidate => ({
  name: 'best member',
  node: { op: 'greedy', members, size: 1 },
});

/** Those that are no worse than the best member on the very pictures that choose, and that member itself. */
async function noWorse(
  candidates: readonly Judged[],
  best: number,
  judging: JudgeOptions,
  asked: Asked,
): Promise<Judged[]> {
  const losses: number[] = [];
  for (const candidate of candidates) losses.push(await lossOf(candidate, judging, asked));
  const most = losses[Math.max(0, best)]!;
  return candidates.filter((_, i) => losses[i]! <= most + 1e-9);
}

async function lossOf(candidate: Judged, judging: JudgeOptions, asked: Asked): Promise<number> {
  const { probabilities } = await settle(candidate, asked, judging);
  const { select } = judging.parts;
  const { classes, task } = asked;
  const isOfSeveral = task === 'multi-label';
  const logits = rowsAt(probabilities, select, classes.length).map(p =>
    isOfSeveral ? Math.log(p / (1 - p)) : Math.log(p),
  );
  return negativeLogLikelihood({ logits, classes, ...truthAt(asked, select) });
}

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
  { metric = 'negativeLogLikelihood' }: EnsembleOptions,
): Promise<{ readonly points: NamedPoint[]; readonly within: Candidate | undefined }> {
  const { select } = judging.parts;
  const answers = [];
  for (const node of seen) answers.push(await answerTree(node, asked, { ...judging, fit: select, memberFirst: false }));
  const names = answers.map(({ first }) => first.name);
  const said = answers.map(({ probabilities }) => rowsAt(probabilities, select, asked.classes.length));
  const source = membersInMemory(new Map(said.map((of, i) => [String(i), of])), asked.classes.length);
  const parts = answers.map(({ fusion }) => partsOf(fusion));
  const found = await costFront(source, truthAt(asked, select), parts, { metric, ...(budget < Infinity ? { budget } : {}) }); // prettier-ignore
  const named = ({ members, weights, cost, value }: FrontPoint): NamedPoint => ({
    members: members.map(m => names[m]!),
    weights,
    cost,
    value,
  });
  const { members, weights } = found.best;
  return {
    points: found.front.map(named),
    within:
      budget < Infinity && members.length > 1
        ? { name: 'within the budget', node: { op: 'average', members: members.map(m => seen[m]!), weights } }
        : undefined,
  };
}
