// Isotonic calibration of two classes: the margin z1 − z0 to the probability of class 1 by a function that never falls.
// Pool-adjacent-violators (Ayer 1955) gives blocks of neighbouring margins, each with the share of class 1 in it; the
// function runs straight between the blocks' mean margins and is flat outside (centred isotonic regression, Oron and
// Flournoy 2017), so that the order of pictures is kept and a margin that moves a little moves its probability a little.
// Half a picture of the other class stands at each end: no probability is 0 or 1, however well a small set went.

import { ascending } from './ascending.js';
import { errors } from './errors.js';
import { checkedLogits, type Logits } from './likelihood.js';
import { isMultiLabel } from './predictions.js';

/** p1 is `values` at margins `points` (both ascending), straight between them, flat outside. */
export interface IsotonicScaling {
  readonly kind: 'isotonic';
  readonly points: readonly number[];
  readonly values: readonly number[];
}

/** Neighbouring margins that share a probability. */
interface Block {
  /** Pictures, and the half ones at the ends. */
  weight: number;
  /** Of class 1. */
  positive: number;
  /** Pictures, and the sum of their margins. */
  count: number;
  margins: number;
}

/**
 * Fits margins of two classes to their truth.
 * Throws EVALUATION_OPTION where there are not two classes of one label, EVALUATION_EMPTY, EVALUATION_NOT_FINITE.
 *
 * @example
 * fitIsotonic({ logits: Float32Array.of(1, 0, 0, 1), labels: [0, 1], classes: ['ants', 'bees'] }).points // [-1, 1]
 */
export function fitIsotonic(at: Logits): IsotonicScaling {
  if (isMultiLabel(at) || at.classes.length !== 2)
    throw errors.OPTION({
      option: 'isotonic calibration',
      found: isMultiLabel(at) ? 'of several labels' : `of ${at.classes.length} classes`,
      wanted: 'of two classes, one label a picture',
    });
  const { z, count } = checkedLogits(at);
  if (count === 0) throw errors.EMPTY({ split: 'the validation logits' });
  const margins = Float32Array.from({ length: count }, (_, row) => marginOf(z, row));
  const groups: Block[] = [];
  let last = Number.NaN;
  for (const row of ascending(margins)) {
    const margin = margins[row]!;
    if (margin !== last) groups.push({ weight: 0, positive: 0, count: 0, margins: 0 });
    last = margin;
    const group = groups.at(-1)!;
    group.weight++;
    group.positive += at.labels[row]!;
    group.count++;
    group.margins += margin;
  }
  groups[0]!.weight += 0.5;
  groups[0]!.positive += 0.5;
  groups.at(-1)!.weight += 0.5;
  const blocks: Block[] = [];
  for (const group of groups) {
    blocks.push(group);
    for (let top = blocks.at(-1)!, below = blocks.at(-2); below && share(below) >= share(top); below = blocks.at(-2)) {
      blocks.pop();
      below.weight += top.weight;
      below.positive += top.positive;
      below.count += top.count;
      below.margins += top.margins;
      top = below;
    }
  }
  // as float32, which a graph holds: blocks do not share a margin, so that their means stay apart
  const points = blocks.map(block => Math.fround(block.margins / block.count));
  return { kind: 'isotonic', points, values: blocks.map(share) };
}

/** Probabilities [pictures, 2] of logits [pictures, 2] as float64 without infinite ones. */
export function applyIsotonic({ points, values }: IsotonicScaling, z: Float64Array): Float32Array {
  const out = new Float32Array(z.length);
  for (let row = 0; row < z.length / 2; row++) {
    const p = interpolated(points, values, marginOf(z, row));
    out[2 * row] = 1 - p;
    out[2 * row + 1] = p;
  }
  return out;
}

/** As float32, as a graph computes it. */
const marginOf = (z: Float64Array, row: number): number => Math.fround(z[2 * row + 1]! - z[2 * row]!);

const share = ({ positive, weight }: Block): number => positive / weight;

function interpolated(points: readonly number[], values: readonly number[], at: number): number {
  let [low, high] = [0, points.length - 1];
  if (at <= points[low]!) return values[low]!;
  if (at >= points[high]!) return values[high]!;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle]! <= at) low = middle;
    else high = middle;
  }
  const along = (at - points[low]!) / (points[high]! - points[low]!);
  return values[low]! + along * (values[high]! - values[low]!);
}
