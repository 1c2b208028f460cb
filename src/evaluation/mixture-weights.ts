// The weights of members, or of test-time views, that make the truth likeliest under the mean probability:
//   minimize  −1/N Σ_i ln Σ_v w_v p_v(y_i),  w ≥ 0, Σ w = 1
// a convex problem, solved by expectation and maximization, which never makes it worse (Dempster et al. 1977):
//   w_v ← w_v g_v,  g_v = 1/N Σ_i p_v(y_i) / Σ_u w_u p_u(y_i)
// What is left to gain is at most ln max g, by which it ends. Of several labels each label of a picture is a cell i.

import { errors } from './errors.js';
import type { MemberPredictions, Truth } from './member-predictions.js';
import { defaultMemory, readTrueProbabilities } from './true-probabilities.js';

export interface MixtureOptions {
  /** Ends where no weights can gain more than this, in nats a picture (a label of several). @default 1e-5 */
  readonly tolerance?: number;
  /** Most steps, from 1; each goes over all that members gave to the truth twice. @default 2000 */
  readonly steps?: number;
  /** Most bytes that the probabilities of the truth may take. @default 1 GiB */
  readonly memory?: number;
}

/** Weights that were learned. */
export interface MixtureWeights {
  /** Of sum 1, one a member. */
  readonly weights: Float64Array;
  /** Negative log-likelihood of the mean with equal weights, and with these; nats a picture. */
  readonly before: number;
  readonly after: number;
  /** No weights gain more than this over these; nats a picture (a label of several). */
  readonly gap: number;
  readonly steps: number;
}

/** Weights below this are 0: a thousand of them move a probability by less than float32 resolves. */
const negligible = 1e-10;

/**
 * Learns the weights of members or of views by the likelihood of their mean probability. Few pictures and many members
 * overfit: fit on a selection split, report on another.
 *
 * @throws `EVALUATION_OPTION`, `EVALUATION_MEMBERS`, `EVALUATION_MEMORY`, `EVALUATION_LABEL`, `EVALUATION_EMPTY`
 * @example
 * const { weights } = await fitWeights(membersInMemory(views, 10), { labels });
 */
export async function fitWeights(
  source: MemberPredictions,
  truth: Truth,
  { tolerance = 1e-5, steps: most = 2000, memory = defaultMemory }: MixtureOptions = {},
): Promise<MixtureWeights> {
  if (!(tolerance > 0)) throw errors.OPTION({ option: 'tolerance', found: tolerance, wanted: 'more than 0' });
  if (!(Number.isInteger(most) && most >= 1))
    throw errors.OPTION({ option: 'steps', found: most, wanted: 'a whole number from 1 on' });
  const { members, cells, pictures, floorOf } = await readTrueProbabilities(source, truth, memory);
  for (const given of members) for (let i = 0; i < cells; i++) given[i] = Math.max(given[i]!, floorOf(i));
  const M = members.length;
  const weights = new Float64Array(M).fill(1 / M);
  const mean = new Float64Array(cells);
  const gains = new Float64Array(M);

  /** Fills `mean` and `gains`; the loss at the weights. */
  const look = (): number => {
    mean.fill(0);
    for (const [v, given] of members.entries()) {
      const w = weights[v]!;
      if (w > 0) for (let i = 0; i < cells; i++) mean[i]! += w * given[i]!;
    }
    let loss = 0;
    for (let i = 0; i < cells; i++) {
      loss -= Math.log(mean[i]!);
      mean[i] = 1 / mean[i]!;
    }
    for (const [v, given] of members.entries()) {
      let sum = 0;
      for (let i = 0; i < cells; i++) sum += given[i]! * mean[i]!;
      gains[v] = sum / cells;
    }
    return loss / pictures;
  };
  const gapOf = () => Math.log(Math.max(1, ...gains));

  const before = look();
  let after = before;
  let steps = 0;
  for (; steps < most && gapOf() > tolerance; steps++) {
    let sum = 0;
    for (let v = 0; v < M; v++) sum += weights[v]! *= gains[v]!;
    for (let v = 0; v < M; v++) weights[v]! /= sum;
    after = look();
  }
  const gap = gapOf();
  for (let v = 0; v < M; v++) if (weights[v]! < negligible) weights[v] = 0;
  const sum = weights.reduce((a, b) => a + b, 0);
  return { weights: weights.map(w => w / sum), before, after, gap, steps };
}
