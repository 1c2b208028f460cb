// How differently members answer the same pictures: what an average of them can gain from.
//   disagreement       share of pictures that two members give different classes
//   divergence         mean of KL(row ‖ column) = Σ p ln(p / q) in nats; p and q count as at least 2^-126 (likelihood.ts)
//   error correlation  Pearson's (φ) of the indicators "this member is wrong"; null where one has no or only errors
//   ambiguity          mean NLL of the members − NLL of their mean probability; by Jensen never below 0 (but for the clamp)
// Of several labels every (picture, label) is an answer of its own, given from 0.5 on; KL sums over a picture's labels.

import { errors } from './errors.js';
import { smallestProbability, surprise, surpriseOfNot } from './likelihood.js';
import { argmax, checkPredictions, isMultiLabel, type Labels, type Targets } from './predictions.js';

/** A member's answers; probabilities [pictures, classes]. */
export interface DiversityMember {
  readonly name: string;
  readonly probabilities: Float32Array;
}

/** Members against each other, [row][column] in the order of `members`. */
export interface Diversity {
  readonly members: readonly string[];
  readonly disagreement: readonly (readonly number[])[];
  /** Of the row's member from the column's, in nats. */
  readonly divergence: readonly (readonly number[])[];
  readonly errorCorrelation: readonly (readonly (number | null)[])[];
  /** Over pairs of different members, of divergence both ways; null where there is no pair, or none that has one. */
  readonly means: {
    readonly disagreement: number | null;
    readonly divergence: number | null;
    readonly errorCorrelation: number | null;
  };
  readonly ambiguity: {
    readonly memberLikelihood: number;
    readonly poolLikelihood: number;
    /** The one minus the other: what averaging probabilities gains over a member drawn by chance. */
    readonly gain: number;
  };
}

/**
 * How differently members answer. Takes members² · pictures · classes steps: of very many pass those that were chosen.
 * Throws EVALUATION_EMPTY without members or pictures, and what predictions are refused for.
 *
 * @example diversity([{name: 'seed 1', probabilities}, {name: 'seed 2', probabilities: other}], {labels, classes}).means.disagreement
 */
export function diversity(
  members: readonly DiversityMember[],
  truth: { readonly classes: readonly string[] } & (Labels | Targets),
): Diversity {
  if (members.length === 0) throw errors.EMPTY({ split: 'the members' });
  const counts = members.map(({ probabilities }) => checkPredictions({ ...truth, probabilities }));
  if (counts[0] === 0) throw errors.EMPTY({ split: 'the predictions' });
  const given = members.map(({ probabilities }) => answers(probabilities, truth));
  const wrong = given.map(answer => mistakes(answer, truth));
  const square = <T>(of: (row: number, column: number) => T): T[][] =>
    members.map((_, row) => members.map((__, column) => of(row, column)));
  const disagreement = square((a, b) => share(given[a]!, given[b]!));
  const divergence = divergences(members, counts[0]!, isMultiLabel(truth));
  const errorCorrelation = square((a, b) => correlation(wrong[a]!, wrong[b]!));
  return {
    members: members.map(({ name }) => name),
    disagreement,
    divergence,
    errorCorrelation,
    means: {
      disagreement: besides(disagreement),
      divergence: besides(divergence),
      errorCorrelation: besides(errorCorrelation),
    },
    ambiguity: ambiguity(members, truth, counts[0]!),
  };
}

/** The class of each picture; of several labels whether each is given. */
function answers(
  p: Float32Array,
  { classes, ...truth }: { classes: readonly string[] } & (Labels | Targets),
): Uint32Array {
  if (isMultiLabel(truth)) return Uint32Array.from(p, q => Number(q >= 0.5));
  return Uint32Array.from({ length: p.length / classes.length }, (_, row) => argmax(p, row, classes.length));
}

function mistakes(answer: Uint32Array, truth: Labels | Targets): Uint8Array {
  const wanted = isMultiLabel(truth) ? truth.targets : truth.labels;
  return Uint8Array.from(answer, (found, i) => Number(found !== wanted[i]));
}

/** Of all places, the share in which two differ. */
function share(one: Uint32Array, other: Uint32Array): number {
  let differ = 0;
  for (let i = 0; i < one.length; i++) differ += Number(one[i] !== other[i]);
  return differ / one.length;
}

/** φ of two indicators: (n₁₁ n − n₁ m₁) / √(n₁ n₀ m₁ m₀). */
function correlation(one: Uint8Array, other: Uint8Array): number | null {
  const n = one.length;
  let [both, first, second] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    both += one[i]! & other[i]!;
    first += one[i]!;
    second += other[i]!;
  }
  const spread = Math.sqrt(first * (n - first)) * Math.sqrt(second * (n - second));
  return spread === 0 ? null : Math.max(-1, Math.min(1, (both * n - first * second) / spread));
}

/** KL = Σ p ln p − Σ p ln q; of several labels the same of 1 − p too. */
function divergences(members: readonly DiversityMember[], count: number, several: boolean): number[][] {
  const logs = members.map(({ probabilities }) => Float64Array.from(probabilities, p => -surprise(p)));
  const logsOfNot = several
    ? members.map(({ probabilities }) => Float64Array.from(probabilities, p => -surpriseOfNot(p)))
    : [];
  return members.map(({ probabilities: p }, a) =>
    members.map((_, b) => {
      if (a === b) return 0;
      const [own, its] = [logs[a]!, logs[b]!];
      let sum = 0;
      for (let i = 0; i < p.length; i++) sum += Math.max(p[i]!, smallestProbability) * (own[i]! - its[i]!);
      if (several) {
        const [ownNot, itsNot] = [logsOfNot[a]!, logsOfNot[b]!];
        for (let i = 0; i < p.length; i++) sum += (1 - p[i]!) * (ownNot[i]! - itsNot[i]!);
      }
      return Math.max(0, sum / count);
    }),
  );
}

/** The mean of what lies beside the diagonal. */
function besides(square: readonly (readonly (number | null)[])[]): number | null {
  const found = square.flatMap((row, a) => row.filter((value, b) => a !== b && value !== null) as number[]);
  return found.length === 0 ? null : found.reduce((a, b) => a + b, 0) / found.length;
}

function ambiguity(
  members: readonly DiversityMember[],
  truth: { readonly classes: readonly string[] } & (Labels | Targets),
  count: number,
): Diversity['ambiguity'] {
  const K = truth.classes.length;
  // what each member gives the truth, place by place: the true class, or each label's truth
  const places = isMultiLabel(truth) ? count * K : count;
  const cost = (at: number, holds: boolean) => (holds ? surprise(at) : surpriseOfNot(at));
  let [single, pooled] = [0, 0];
  for (let i = 0; i < places; i++) {
    const [at, holds] = isMultiLabel(truth) ? [i, truth.targets[i] === 1] : [i * K + truth.labels[i]!, true];
    let sum = 0;
    for (const { probabilities } of members) {
      sum += probabilities[at]!;
      single += cost(probabilities[at]!, holds);
    }
    pooled += cost(sum / members.length, holds);
  }
  const [memberLikelihood, poolLikelihood] = [single / members.length / count, pooled / count];
  return { memberLikelihood, poolLikelihood, gain: memberLikelihood - poolLikelihood };
}
