// Which of several ways to combine members is best, told honestly: each is judged by answers to pictures that neither
// chose its parts nor calibrated it. Few pictures are used crosswise; where there are many, halves choose and calibrate.

import {
  applyCalibrator,
  chooseCalibrator,
  evaluate,
  fitCalibrator,
  foldsOf,
  termsOf,
  type CalibratorKind,
  type Calibrator,
  type Evaluation,
  type Predictions,
} from '../evaluation/index.js';
import { answerTree, rowsAt, truthAt, type Answer, type AnswerOptions, type Asked } from './ensemble-answers.js';
import { leavesOf, type OpenedNode } from './ensemble-leaves.js';

/** A way to combine members. */
export interface Candidate {
  readonly name: string;
  readonly node: OpenedNode;
}

/** Rows that choose, and rows that calibrate. */
export interface Parts {
  readonly select: readonly number[];
  readonly calibrate: readonly number[];
  /** Both are all rows: figures come from cross-fitting alone. */
  readonly isShared: boolean;
}

/** From so many pictures on, one half chooses and the other calibrates. */
const enoughForHalves = 1000;
const foldCount = 5;

/** Splits the pictures that choose, by class. */
export function partsOf(asked: Asked, seed: number): Parts {
  const all = Array.from({ length: asked.count }, (_, row) => row);
  if (asked.count < enoughForHalves) return { select: all, calibrate: all, isShared: true };
  const half = foldsOf({ classes: asked.classes, ...asked.truth }, 2, seed);
  return {
    select: all.filter(row => half[row] === 0),
    calibrate: all.filter(row => half[row] === 1),
    isShared: false,
  };
}

/** A candidate and what it is worth on pictures that did not fit it. */
export interface Judged extends Candidate {
  /** Whether members have temperatures of their own. */
  readonly memberFirst: boolean;
  readonly kind: CalibratorKind;
  /** Cross-fitted: calibrated, and as pooled. */
  readonly predictions: Predictions;
  readonly evaluation: Evaluation;
  readonly uncalibrated: Evaluation;
  /** What a picture costs, of a cascade in the mean. */
  readonly cost: number;
}

/** What judging needs beside the tree. */
export interface JudgeOptions extends Pick<AnswerOptions, 'metric' | 'seed' | 'measured' | 'costOf'> {
  readonly parts: Parts;
}

/** Judges a candidate, with members as they are and with members calibrated first: the better one is kept. */
export async function judge(
  candidate: Candidate,
  asked: Asked,
  kind: CalibratorKind,
  options: JudgeOptions,
): Promise<Judged> {
  const { node } = candidate;
  // one network needs one temperature; the choice of one compares networks at the best temperature of each
  const isChoice = 'size' in node && node.size === 1;
  const isSingle = leavesOf(node).length === 1 && !('networks' in node && node.views);
  const ways = kind === 'none' || isSingle ? [false] : isChoice ? [true] : [false, true];
  let best: Judged | undefined;
  for (const memberFirst of ways) {
    const judged = await judgeWay(candidate, asked, kind, memberFirst, options);
    if (!best || isBetter(judged.evaluation, best.evaluation, options.metric)) best = judged;
  }
  return best!;
}

/** Judges a candidate in one of the two ways. */
export async function judgeWay(
  candidate: Candidate,
  asked: Asked,
  kind: CalibratorKind,
  memberFirst: boolean,
  options: JudgeOptions,
): Promise<Judged> {
  const { parts, seed } = options;
  const K = asked.classes.length;
  const truth = { classes: asked.classes, ...asked.truth };
  const fold = foldsOf(truth, foldCount, seed);
  const calibrated = new Float32Array(asked.count * K);
  const pooled = new Float32Array(asked.count * K);
  const folds = Math.max(...fold) + 1;
  for (let f = 0; f < folds; f++) {
    const outside = (rows: readonly number[]) => rows.filter(row => fold[row] !== f);
    const answer = await answerTree(candidate.node, asked, { ...options, fit: outside(parts.select), memberFirst });
    const calibrator = calibratorOf(answer, asked, outside(parts.calibrate), kind);
    const said = applyCalibrator(calibrator, { logits: answer.logits, classes: asked.classes }, asked.task);
    for (let row = 0; row < asked.count; row++) {
      if (fold[row] !== f) continue;
      calibrated.set(said.subarray(row * K, (row + 1) * K), row * K);
      pooled.set(answer.probabilities.subarray(row * K, (row + 1) * K), row * K);
    }
  }
  // what is chosen from all pictures is what a picture pays for
  const whole = await answerTree(candidate.node, asked, { ...options, fit: parts.select, memberFirst });
  const predictions = { probabilities: calibrated, ...truth };
  return {
    ...candidate,
    memberFirst,
    kind,
    predictions,
    evaluation: evaluate(predictions, { split: 'validation' }),
    uncalibrated: evaluate({ ...predictions, probabilities: pooled }, { split: 'validation' }),
    cost: whole.cost ?? options.costOf(whole.fusion),
  };
}

function calibratorOf(answer: Answer, asked: Asked, rows: readonly number[], kind: CalibratorKind): Calibrator {
  const { classes } = asked;
  return fitCalibrator(kind, { logits: rowsAt(answer.logits, rows, classes.length), classes, ...truthAt(asked, rows) });
}

/** A candidate fitted to all its pictures: what is shipped. */
export interface Final {
  readonly answer: Answer;
  readonly calibration: Calibrator;
  /** Calibrated, of all pictures, which also fitted it. */
  readonly probabilities: Float32Array;
}

/** Fits what was judged to all pictures. */
export async function settle({ node, memberFirst, kind }: Judged, asked: Asked, options: JudgeOptions): Promise<Final> {
  const { select, calibrate } = options.parts;
  const answer = withoutOwn(await answerTree(node, asked, { ...options, fit: select, memberFirst }));
  const calibration = calibratorOf(answer, asked, calibrate, kind);
  const logits = { logits: answer.logits, classes: asked.classes };
  return { answer, calibration, probabilities: applyCalibrator(calibration, logits, asked.task) };
}

/** Of one network, the temperature that compared it with others gives way to the one that calibrates its raw logits. */
function withoutOwn(answer: Answer): Answer {
  if (answer.fusion.kind !== 'member') return answer;
  const { calibration: _, ...fusion } = answer.fusion;
  return { ...answer, fusion };
}

/** What is taken where nothing is better by more than chance may explain, the first that is there. */
const usual = ['average', 'greedy choice', 'best member'];

/**
 * The plain average, or what is better by more than two standard errors of the paired difference: few pictures cannot tell
 * combinations apart, and the best of several is then the luckiest. Without the usual ones the best, of equals the cheaper.
 */
export function winnerOf(judged: readonly Judged[], metric: AnswerOptions['metric']): Judged {
  const found = usual.map(name => judged.find(one => one.name === name)).find(one => one !== undefined);
  if (!found)
    return judged.reduce((best, one) => {
      const [a, b] = [one.evaluation, best.evaluation];
      if (isBetter(a, b, metric)) return one;
      return !isBetter(b, a, metric) && one.cost < best.cost ? one : best;
    });
  const losses = termsOf(metric, found.predictions);
  const sign = metric === 'accuracy' ? -1 : 1;
  let best = { gain: 0, one: found };
  for (const one of judged) {
    const gains = termsOf(metric, one.predictions).map((loss, row) => sign * (losses[row]! - loss));
    const gain = gains.reduce((a, b) => a + b, 0) / gains.length;
    const variance = gains.reduce((sum, each) => sum + (each - gain) ** 2, 0) / Math.max(1, gains.length - 1);
    if (gain > 2 * Math.sqrt(variance / gains.length) && gain > best.gain) best = { gain, one };
  }
  return best.one;
}

/** Places of the best so many, in the order in which they were named. */
export function topOf(judged: readonly Judged[], count: number | undefined, metric: AnswerOptions['metric']): number[] {
  const places = judged.map((_, i) => i);
  if (count === undefined || count >= judged.length) return places;
  const ranked = places.toSorted((a, b) => (isBetter(judged[a]!.evaluation, judged[b]!.evaluation, metric) ? -1 : 1));
  return ranked.slice(0, Math.max(1, count)).toSorted((a, b) => a - b);
}

const isBetter = (a: Evaluation, b: Evaluation, metric: AnswerOptions['metric']): boolean =>
  metric === 'accuracy'
    ? a.accuracy > b.accuracy || (a.accuracy === b.accuracy && a.negativeLogLikelihood < b.negativeLogLikelihood)
    : a.negativeLogLikelihood < b.negativeLogLikelihood;

/**
 * The winner with a temperature, or with what is better than that by more than a standard error.
 *
 * @param isFit whether it may ship with that
 */
export async function withCalibrator(
  winner: Judged,
  asked: Asked,
  options: JudgeOptions,
  isFit: (judged: Judged) => Promise<boolean>,
): Promise<Judged> {
  const { answer } = await settle(winner, asked, options);
  const { calibrate } = options.parts;
  const logits = rowsAt(answer.logits, calibrate, asked.classes.length);
  const { chosen } = chooseCalibrator(
    { logits, classes: asked.classes, ...truthAt(asked, calibrate) },
    { seed: options.seed },
  );
  // a temperature has one number, and networks are sure of themselves as a rule: what does not hurt stays
  if (chosen === winner.kind || chosen === 'none') return winner;
  const other = await judgeWay(winner, asked, chosen, winner.memberFirst, options);
  return (await isFit(other)) ? other : winner;
}

/**
 * What a candidate loses on the very pictures that choose, fitted to all of them: by the metric of the choice.
 * Never shipped is a combination that loses more than the best member.
 */
export async function lossOf(candidate: Judged, asked: Asked, options: JudgeOptions): Promise<number> {
  const { probabilities } = await settle(candidate, asked, options);
  const { select } = options.parts;
  const { classes } = asked;
  const of = { probabilities: rowsAt(probabilities, select, classes.length), classes, ...truthAt(asked, select) };
  const { accuracy, negativeLogLikelihood } = evaluate(of, { split: 'validation' });
  return options.metric === 'accuracy' ? 1 - accuracy : negativeLogLikelihood;
}
