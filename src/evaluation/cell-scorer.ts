// Metrics of a growing mean of members that need no more than the probabilities given to the truth, S the sum of the r
// members chosen so far:
//   likelihood   −1/n Σ_i ln (S_i + p_m(y_i)) / (r + 1); eight factors are multiplied before a logarithm is taken, none
//                below 2^-126, so their product is a normal float64
//   exact match  of several labels: the share of pictures of which not all labels are right, a label given from ½ on

import { wins, type Candidate, type Scorer } from './scorer.js';
import type { TrueProbabilities } from './true-probabilities.js';

/** Scores means of members by their negative log-likelihood. */
export function likelihoodScorer(given: TrueProbabilities): Scorer {
  const { cells, pictures, floorOf } = given;
  const floors = Float64Array.from({ length: cells }, (_, cell) => floorOf(cell));
  return cellScorer(given, (sum, more, r) => {
    let logs = 0;
    let product = 1;
    for (let cell = 0; cell < cells; cell++) {
      const mean = (sum[cell]! + more[cell]!) / r;
      product *= mean > floors[cell]! ? (mean < 1 ? mean : 1) : floors[cell]!;
      if ((cell & 7) === 7) {
        logs += Math.log(product);
        product = 1;
      }
    }
    return 0 - (logs + Math.log(product)) / pictures;
  });
}

/** Scores means of members by the share of pictures of which not all labels are right. */
export function exactMatchScorer(given: TrueProbabilities, targets: ArrayLike<number>): Scorer {
  const { cells, pictures } = given;
  const K = cells / pictures;
  return cellScorer(given, (sum, more, r) => {
    let right = 0;
    for (let i = 0; i < pictures; i++) {
      const end = (i + 1) * K;
      let cell = i * K;
      for (; cell < end; cell++) {
        const both = sum[cell]! + more[cell]!;
        if (targets[cell] ? both < r / 2 : both <= r / 2) break;
      }
      right += Number(cell === end);
    }
    return 1 - right / pictures;
  });
}

/** @param lossOf the loss of (sum + more) / r */
function cellScorer(
  { members, cells }: TrueProbabilities,
  lossOf: (sum: Float64Array, more: Float32Array, r: number) => number,
): Scorer {
  const sum = new Float64Array(cells);
  let chosen = 0;
  return {
    best(allowed, used) {
      let best: Candidate | undefined;
      for (const [member, more] of members.entries()) {
        if (!allowed(member)) continue;
        const candidate = { member, loss: lossOf(sum, more, chosen + 1), used: used(member) };
        if (!best || wins(candidate, best)) best = candidate;
      }
      return best;
    },
    add(member) {
      const more = members[member]!;
      const loss = lossOf(sum, more, ++chosen);
      for (let cell = 0; cell < cells; cell++) sum[cell]! += more[cell]!;
      return loss;
    },
    reset() {
      sum.fill(0);
      chosen = 0;
    },
    mark() {
      const [then, count] = [sum.slice(), chosen];
      return () => {
        sum.set(then);
        chosen = count;
      };
    },
  };
}
