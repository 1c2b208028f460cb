// An epoch as windows of steps: which pictures each step sees, at which rate, under which dropout masks. Every picture
// is seen once. An epoch of n pictures has S = ⌈n / batch⌉ steps of ⌈n / S⌉ or ⌊n / S⌋ pictures, the larger ones first,
// so that no step stands on one or two left-over pictures; steps of equal size go through the graph in one run.
// All chance comes from the seed and the number of the epoch: a resumed run draws what an unbroken one does.

import type { Random } from '../base/index.js';

/** Dropout masks that a step is fed: [B, width], 0 or 1 / (1 − rate). */
export interface Dropout {
  readonly name: string;
  readonly width: number;
  readonly rate: number;
}

/** What all epochs of a run have in common. */
export interface Plan {
  /** Pictures. */
  readonly count: number;
  /** Largest number of pictures in a step. */
  readonly batch: number;
  /** Logits of a window are held until its losses are made. */
  readonly classes: number;
  readonly dropouts: readonly Dropout[];
  /** Most steps of a window. @default as many as memory allows */
  readonly mostSteps?: number;
  readonly random: Random;
  /** Learning rate by the number of the step, from 1 on. */
  readonly rateAt: (step: number) => number;
  /** Weight in the Polyak average by the number of the step, from 1 on. */
  readonly averagingAt: (step: number) => number;
}

/** Consecutive steps of equal size. */
export interface Window {
  readonly steps: number;
  readonly batch: number;
  /** [S] each; `step` is numbered from 1 on. */
  readonly rate: Float32Array;
  readonly step: Float32Array;
  readonly averaging: Float32Array;
  /** [S, B]: rows of the features. */
  readonly order: BigInt64Array;
  /** [S, B, width] each. */
  readonly masks: ReadonlyMap<string, Float32Array>;
}

/** Elements of dropout masks and logits that a window holds: 64 MiB. */
const maxHeld = 1 << 24;

/** Steps of an epoch. */
export const stepsPerEpoch = ({ count, batch }: { readonly count: number; readonly batch: number }): number =>
  Math.ceil(count / batch);

/**
 * The windows of an epoch, one after the other.
 *
 * @param epoch its number, from 1 on
 */
export function* windowsOf(plan: Plan, epoch: number): Generator<Window> {
  const { count, classes, dropouts, random, mostSteps = Infinity } = plan;
  const order = random.at('order', epoch).permutation(count);
  const chance = new Map(dropouts.map(({ name }) => [name, random.at('dropout', name, epoch)]));
  const width = dropouts.reduce((sum, dropout) => sum + dropout.width, classes);
  const perEpoch = stepsPerEpoch(plan);
  const small = Math.floor(count / perEpoch);
  const large = count - small * perEpoch;
  let step = (epoch - 1) * perEpoch + 1;
  let at = 0;
  for (const [all, batch] of [
    [large, small + 1],
    [perEpoch - large, small],
  ] as const) {
    const most = Math.max(1, Math.min(mostSteps, Math.floor(maxHeld / Math.max(1, batch * width))));
    for (let done = 0; done < all;) {
      const steps = Math.min(most, all - done);
      const numbers = new Float32Array(steps).map((_, i) => step + i);
      yield {
        steps,
        batch,
        rate: numbers.map(plan.rateAt),
        step: numbers,
        averaging: numbers.map(plan.averagingAt),
        order: int64Of(order.subarray(at, at + steps * batch)),
        masks: new Map(dropouts.map(it => [it.name, maskOf(it, steps * batch, chance.get(it.name)!)])),
      };
      done += steps;
      step += steps;
      at += steps * batch;
    }
  }
}

/** Row numbers as int64, without a BigInt each. Every machine that JavaScript runs on stores the low half first. */
export function int64Of(rows: Uint32Array): BigInt64Array {
  const wide = new BigInt64Array(rows.length);
  const halves = new Uint32Array(wide.buffer);
  for (let i = 0; i < rows.length; i++) halves[2 * i] = rows[i]!;
  return wide;
}

function maskOf({ width, rate }: Dropout, rows: number, random: Random): Float32Array {
  const mask = new Float32Array(rows * width);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < mask.length; i++) mask[i] = random.uniform() < rate ? 0 : kept;
  return mask;
}
