// What each member gave to the truth: p_m(y_i) of a picture's label, [members, pictures]; of several labels p or 1 − p of
// each label, [members, pictures · classes]. A mean of members gives the truth the mean of these, so that the likelihood
// of any mean of 1000 members for 1000 pictures of 1000 classes needs 4 MB, not 4 GB, and one reading of the members.

import { errors } from './errors.js';
import { smallestProbability } from './likelihood.js';
import { checkedTruth, eachMember, type MemberPredictions, type Truth } from './member-predictions.js';
import { isMultiLabel } from './predictions.js';

/** Probabilities that members gave to the truth. */
export interface TrueProbabilities {
  /** [cells] of each member; a cell is a picture, or of several labels a label of a picture. */
  readonly members: readonly Float32Array[];
  readonly cells: number;
  readonly pictures: number;
  /** What a probability counts as at least: 2^-126; of a label that does not hold 2^-25. */
  readonly floorOf: (cell: number) => number;
}

/** Most bytes that the probabilities of the truth may take: 1 GiB. */
export const defaultMemory = 2 ** 30;

/**
 * Reads each member once.
 *
 * @param memory most bytes that the result may take
 * @param look gets each member's probabilities [pictures, classes] too, for whoever needs more of them
 * @throws `EVALUATION_MEMORY`, `EVALUATION_MEMBERS`, and what is wrong with the truth
 */
export async function readTrueProbabilities(
  source: MemberPredictions,
  truth: Truth,
  memory: number,
  look?: (probabilities: Float32Array, member: number) => void,
): Promise<TrueProbabilities> {
  const { count, classes: K, names } = source;
  if (names.length === 0) throw errors.MEMBERS({ member: 'the ensemble', reason: 'there is none' });
  checkedTruth(truth, count, K);
  const multi = isMultiLabel(truth);
  const cells = multi ? count * K : count;
  const needed = names.length * cells * 4;
  if (needed > memory) throw errors.MEMORY({ what: 'the probabilities of the truth', needed, limit: memory });
  const members: Float32Array[] = [];
  await eachMember(source, (p, m) => {
    const given = new Float32Array(cells);
    for (let cell = 0; cell < cells; cell++) {
      const at = multi ? p[cell]! : p[cell * K + truth.labels[cell]!]!;
      if (!(at >= 0 && at <= 1.001))
        throw errors.MEMBERS({ member: names[m]!, reason: `row ${multi ? Math.floor(cell / K) : cell} has ${at}` });
      given[cell] = multi && !truth.targets[cell] ? 1 - at : at;
    }
    members.push(given);
    look?.(p, m);
  });
  const floorOf = multi ? (cell: number) => (truth.targets[cell] ? smallestProbability : 2 ** -25) : () => smallestProbability; // prettier-ignore
  return { members, cells, pictures: count, floorOf };
}
