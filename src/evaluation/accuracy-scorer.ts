// The mistakes of a growing mean of members, without holding what the members say. Of each member and picture are kept
// the truth's probability t and the C most probable other classes (C = 8: 64 MB for 1000 members and 1000 pictures). The
// sum S of those chosen plus member m is right for sure where S_y + t beats max S_others + v, v the least kept, and every
// kept class; wrong for sure where a kept class, or S alone, beats it. Members are then taken by the most that they can
// reach, and only those that could still be best are read again for the pictures between.

import type { MemberPredictions } from './member-predictions.js';
import type { Labels } from './predictions.js';
import { wins, type Candidate, type Scorer } from './scorer.js';
import { readTrueProbabilities } from './true-probabilities.js';

/** Other classes kept of each member and picture. */
const kept = 8;

/** A member's most probable classes beside the truth, largest first: [pictures, C] each. */
interface Others {
  readonly classes: Int32Array;
  readonly values: Float32Array;
}

/** Scores means of members by the share of mistakes; the first of equal classes wins, as in NumPy. */
export async function accuracyScorer(source: MemberPredictions, { labels }: Labels, memory: number): Promise<Scorer> {
  const { count: n, classes: K } = source;
  const C = Math.min(kept, K - 1);
  const others: Others[] = [];
  const given = await readTrueProbabilities(source, { labels }, memory, p => others.push(othersOf(p, labels, K, C)));
  const sum = new Float64Array(n * K);
  const mostOther = new Float64Array(n); // of the sum, over the classes beside the truth

  /** 1 right, 0 wrong, −1 unknown: of the sum with a member at a picture, from what is kept. */
  const sure = (member: number, i: number): number => {
    const { classes, values } = others[member]!;
    const y = labels[i]!;
    const truth = sum[i * K + y]! + given.members[member]![i]!;
    if (mostOther[i]! > truth) return 0;
    for (let c = i * C; c < (i + 1) * C; c++) {
      const k = classes[c]!;
      const other = sum[i * K + k]! + values[c]!;
      if (other > truth || (other === truth && k < y)) return 0;
    }
    return C === K - 1 || truth > mostOther[i]! + values[(i + 1) * C - 1]! ? 1 : -1;
  };

  /** Pictures that the sum with a member gets right. */
  const exactly = async (member: number): Promise<number> => {
    const p = await source.probabilitiesOf(member);
    let right = 0;
    for (let i = 0; i < n; i++) {
      const known = sure(member, i);
      right += known < 0 ? Number(isRight(p, i)) : known;
    }
    return right;
  };
  const isRight = (p: Float32Array, i: number): boolean => {
    const y = labels[i]!;
    const truth = sum[i * K + y]! + p[i * K + y]!;
    for (let k = 0; k < K; k++) {
      const other = sum[i * K + k]! + p[i * K + k]!;
      if (other > truth || (other === truth && k < y)) return false;
    }
    return true;
  };

  return {
    async best(allowed, used) {
      const hopes: (Candidate & { readonly known: boolean })[] = [];
      for (let member = 0; member < others.length; member++) {
        if (!allowed(member)) continue;
        let right = 0;
        let unknown = 0;
        for (let i = 0; i < n; i++) {
          const known = sure(member, i);
          if (known < 0) unknown++;
          else right += known;
        }
        hopes.push({ member, loss: 1 - (right + unknown) / n, used: used(member), known: unknown === 0 });
      }
      hopes.sort((a, b) => (wins(a, b) ? -1 : 1));
      let best: Candidate | undefined;
      for (const hope of hopes) {
        if (best && !wins(hope, best)) break; // nor does any after it
        const loss = hope.known ? hope.loss : 1 - (await exactly(hope.member)) / n;
        if (!best || wins({ ...hope, loss }, best)) best = { ...hope, loss };
      }
      return best;
    },
    async add(member) {
      const p = await source.probabilitiesOf(member);
      let right = 0;
      for (let i = 0; i < n; i++) {
        right += Number(isRight(p, i));
        let most = -Infinity;
        for (let k = 0; k < K; k++) {
          const value = (sum[i * K + k]! += p[i * K + k]!);
          if (k !== labels[i] && value > most) most = value;
        }
        mostOther[i] = most;
      }
      return 1 - right / n;
    },
    reset() {
      sum.fill(0);
      mostOther.fill(0);
    },
    mark() {
      const [then, most] = [sum.slice(), mostOther.slice()];
      return () => {
        sum.set(then);
        mostOther.set(most);
      };
    },
  };
}

/** The C largest classes beside the truth, of equals the first. */
function othersOf(p: Float32Array, labels: ArrayLike<number>, K: number, C: number): Others {
  const n = labels.length;
  const classes = new Int32Array(n * C);
  const values = new Float32Array(n * C).fill(-1);
  for (let i = 0; i < n && C > 0; i++) {
    const last = (i + 1) * C - 1;
    for (let k = 0; k < K; k++) {
      const value = p[i * K + k]!;
      if (!(value > values[last]!) || k === labels[i]) continue;
      let at = last;
      for (; at > i * C && value > values[at - 1]!; at--) {
        values[at] = values[at - 1]!;
        classes[at] = classes[at - 1]!;
      }
      values[at] = value;
      classes[at] = k;
    }
  }
  return { classes, values };
}
