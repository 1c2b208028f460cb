// A cascade: cheap members answer first, and a picture goes on to the next stage where the margin of what was pooled so
// far (the two largest probabilities apart; of several labels twice the least distance from ½) is below a threshold. The
// thresholds are the cheapest found, on validation pictures, that keep a stated accuracy: for two stages the cheapest
// there are; for more, one stage after the other is set so, from several orders, until none gets cheaper.

import { errors } from './errors.js';
import { checkedTruth, checkSizes, type Truth } from './member-predictions.js';
import { argmax, isMultiLabel } from './predictions.js';

/** One stage, cheap ones first. */
export interface CascadeStage {
  /** Pooled probabilities [pictures, classes] of this stage's members and those of all stages before it. */
  readonly probabilities: Float32Array;
  /** What running this stage costs beside those before it, in any unit. */
  readonly cost: number;
}

export interface CascadeOptions {
  readonly classes: number;
  /** The least accuracy, 0 … 1. @default that of the last stage for all pictures, less `tolerance` */
  readonly accuracy?: number;
  /** How much of the last stage's accuracy may be lost, where `accuracy` is not given. @default 0.005 */
  readonly tolerance?: number;
}

/** A cascade's thresholds and what they cost. */
export interface Cascade {
  /** One for each stage but the last: a picture goes on where its margin is below it. 0: none does; 2: all do. */
  readonly thresholds: readonly number[];
  /** Share of the pictures that each stage sees; the first sees all. */
  readonly shares: readonly number[];
  /** Mean cost of a picture; that of the last stage for all is the sum of the costs. */
  readonly cost: number;
  readonly accuracy: number;
  /** Accuracy of each stage for all pictures. */
  readonly stageAccuracies: readonly number[];
}

/**
 * Chooses the thresholds of a cascade. The figures are of the pictures it was chosen by: report on others.
 *
 * @throws `EVALUATION_OPTION` where the accuracy cannot be had, `EVALUATION_MEMBERS`, `EVALUATION_LABEL`, `EVALUATION_EMPTY`
 * @example
 * fitCascade([{ probabilities: small, cost: 1 }, { probabilities: pooled, cost: 9 }], { labels }, { classes: 10 });
 */
export function fitCascade(
  stages: readonly CascadeStage[],
  truth: Truth,
  { classes: K, accuracy, tolerance = 0.005 }: CascadeOptions,
): Cascade {
  const n = checkSizes(
    stages.map(stage => stage.probabilities),
    K,
    m => `stage ${m + 1}`,
  );
  checkedTruth(truth, n, K);
  for (const { cost } of stages)
    if (!(cost >= 0 && cost < Infinity))
      throw errors.OPTION({ option: 'cost', found: cost, wanted: 'a number from 0 on' });
  if (!(tolerance >= 0 && tolerance <= 1))
    throw errors.OPTION({ option: 'tolerance', found: tolerance, wanted: '0 to 1' });
  const right = stages.map(({ probabilities }) => rightOf(probabilities, truth, n, K));
  const stageAccuracies = right.map(at => at.reduce((a, b) => a + b, 0) / n);
  const wanted = accuracy ?? stageAccuracies.at(-1)! - tolerance;
  const margins = stages.slice(0, -1).map(({ probabilities }) => marginsOf(probabilities, n, K, isMultiLabel(truth)));
  const costs = stages.map(stage => stage.cost);
  const judge = (thresholds: readonly number[]) => figures(thresholds, margins, right, costs, n);

  const all = margins.map(() => 2);
  let best: Cascade | undefined;
  for (const order of ordersOf(margins.length)) {
    let thresholds = all;
    let at = judge(thresholds);
    const keeps = () => at.accuracy >= wanted - slack;
    for (let changed = true; changed;) {
      changed = false;
      for (const stage of order) {
        const next = thresholds.with(stage, cheapest(thresholds, stage, margins, right, costs, wanted));
        const then = judge(next);
        if (then.accuracy < wanted - slack || (keeps() && then.cost >= at.cost - slack)) continue;
        [thresholds, at, changed] = [next, then, true];
      }
    }
    if (keeps() && (!best || at.cost < best.cost)) best = { thresholds, ...at, stageAccuracies };
  }
  if (!best)
    throw errors.OPTION({
      option: 'accuracy',
      found: wanted,
      wanted: `at most ${stageAccuracies.at(-1)}, that of the last stage`,
    });
  return best;
}

/** Sums of the same shares in another order. */
const slack = 1e-12;

/** First stage first, last stage first, and each stage first once. */
function ordersOf(count: number): readonly (readonly number[])[] {
  const stages = Array.from({ length: count }, (_, stage) => stage);
  if (count < 2) return [stages];
  return [[...stages].reverse(), ...stages.map(first => [first, ...stages.filter(stage => stage !== first)])];
}

/** Where each picture stops, and what that gives. */
function figures(
  thresholds: readonly number[],
  margins: readonly Float64Array[],
  right: readonly Uint8Array[],
  costs: readonly number[],
  n: number,
) {
  const seen = costs.map(() => 0);
  let hits = 0;
  for (let i = 0; i < n; i++) {
    let stage = 0;
    seen[0]!++;
    while (stage < margins.length && margins[stage]![i]! < thresholds[stage]!) seen[++stage]!++;
    hits += right[stage]![i]!;
  }
  const shares = seen.map(count => count / n);
  return { shares, cost: shares.reduce((sum, share, stage) => sum + share * costs[stage]!, 0), accuracy: hits / n };
}

/** The threshold of one stage that costs least and keeps the accuracy, the others as they are; its own if none does. */
function cheapest(
  thresholds: readonly number[],
  stage: number,
  margins: readonly Float64Array[],
  right: readonly Uint8Array[],
  costs: readonly number[],
  wanted: number,
): number {
  const own = margins[stage]!;
  const n = own.length;
  const reaches: number[] = [];
  const hitsHere: number[] = []; // whether right where it stops here
  const hitsLater: number[] = []; // … and where it goes on
  let fixed = 0; // hits of pictures that stop before
  const costLater = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let at = 0;
    while (at < stage && margins[at]![i]! < thresholds[at]!) at++;
    if (at < stage) {
      fixed += right[at]![i]!;
      continue;
    }
    let end = stage + 1;
    costLater[i] = costs[end]!;
    while (end < margins.length && margins[end]![i]! < thresholds[end]!) costLater[i]! += costs[++end]!;
    reaches.push(i);
    hitsHere[i] = right[stage]![i]!;
    hitsLater[i] = right[end]![i]!;
  }
  // the surest first: those before a cut stop here
  reaches.sort((a, b) => own[b]! - own[a]!);
  let hits = fixed + reaches.reduce((sum, i) => sum + hitsLater[i]!, 0);
  let cost = reaches.reduce((sum, i) => sum + costLater[i]!, 0);
  let best = { threshold: thresholds[stage]!, cost: Infinity };
  const offer = (threshold: number) => {
    if (hits / n >= wanted - slack && cost < best.cost - slack) best = { threshold, cost };
  };
  offer(2);
  for (const [rank, i] of reaches.entries()) {
    hits += hitsHere[i]! - hitsLater[i]!;
    cost -= costLater[i]!;
    const next = reaches[rank + 1];
    if (next === undefined) offer(0);
    else if (own[next]! < own[i]!) offer((own[next]! + own[i]!) / 2); // equal margins go together
  }
  return best.threshold;
}

function rightOf(p: Float32Array, truth: Truth, n: number, K: number): Uint8Array {
  return Uint8Array.from({ length: n }, (_, i) => {
    if (!isMultiLabel(truth)) return Number(argmax(p, i, K) === truth.labels[i]);
    for (let k = i * K; k < (i + 1) * K; k++) if (p[k]! >= 0.5 !== Boolean(truth.targets[k])) return 0;
    return 1;
  });
}

/** How sure each picture's answer is, 0 … 1. */
function marginsOf(p: Float32Array, n: number, K: number, multi: boolean): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => {
    if (multi) {
      let least = 1;
      for (let k = i * K; k < (i + 1) * K; k++) least = Math.min(least, 2 * Math.abs(p[k]! - 0.5));
      return least;
    }
    let [first, second] = [-Infinity, 0];
    for (let k = i * K; k < (i + 1) * K; k++)
      if (p[k]! > first) [second, first] = [Math.max(0, first), p[k]!];
      else if (p[k]! > second) second = p[k]!;
    return first - second;
  });
}
