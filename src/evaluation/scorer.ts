// What greedy choice asks of a metric: which member makes the sum of those chosen so far best. Losses are lower for
// better: −ln p of the truth, or the share of mistakes.

/** A member that may be added, and what the mean then loses. */
export interface Candidate {
  readonly member: number;
  readonly loss: number;
  /** Whether it is among those chosen already. */
  readonly used: boolean;
}

/** The mean of members chosen so far, judged. */
export interface Scorer {
  /** The best member to add; ties go to one used already, then to the first. Undefined where none is allowed. */
  best(
    allowed: (member: number) => boolean,
    used: (member: number) => boolean,
  ): Candidate | undefined | Promise<Candidate | undefined>;
  /** Adds a member; the loss of the mean with it. */
  add(member: number): number | Promise<number>;
  /** Back to no member. */
  reset(): void;
  /** Remembers the members of now; the result goes back to them. */
  mark(): () => void;
}

/** Losses that differ by less are equal: float64 sums of the same terms in another order do. */
export const tie = 1e-12;

/** Whether a candidate is to be taken instead of another that comes before it or is as good. */
export function wins(a: Candidate, b: Candidate): boolean {
  if (Math.abs(a.loss - b.loss) > tie) return a.loss < b.loss;
  if (a.used !== b.used) return a.used;
  return a.member < b.member;
}
