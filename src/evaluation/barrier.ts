// The loss along the line between two networks, and whether it rises over the straight line between their own losses:
//   barrier(t) = mean over pictures of  ℓ(t) − (1 − t) ℓ(0) − t ℓ(1),     the highest of it over t, at least 0,
// with its standard error over pictures (they are the same ones at every t). Accuracy likewise, downwards. Weights of
// networks with a barrier between them do not average: Frankle et al. 2020 call those without one, within 2 points of
// accuracy, linearly connected.

import { errors } from './errors.js';

/** What the network at a point of the line says. */
export interface LinePoint {
  /** 0 is the first network, 1 the second. */
  readonly t: number;
  /** Of each picture; every point in the same order. */
  readonly losses: ArrayLike<number>;
  /** Share of the pictures. */
  readonly accuracy: number;
}

/** The highest rise over the straight line. */
export interface Barrier {
  /** In nats; 0 where the loss is nowhere above the line. */
  readonly loss: number;
  /** Over pictures, of `loss`. */
  readonly standardError: number;
  /** Where, 0 to 1; 0 where there is none. */
  readonly at: number;
  /** How far accuracy falls below its straight line, as a share; 0 where it does not. */
  readonly accuracy: number;
  /** The mean loss of each point. */
  readonly means: readonly number[];
  /**
   * `barrier` where the loss rises by more than 0.02 nats, or accuracy falls by more than 2 points, beyond two standard
   * errors; `unclear` where the loss rises by more than 0.02, which so few pictures cannot tell from none.
   */
  readonly verdict: 'one basin' | 'barrier' | 'unclear';
  /** Twice the standard error, where that is more than 0.02: a lower barrier cannot be seen with so few pictures. */
  readonly unseen?: number;
}

/** What a barrier is at least, in nats and as a share. */
const least = 0.02;

/**
 * Measures the barrier of a line.
 *
 * @param line ordered by t, from 0 to 1
 * @throws EVALUATION_SHAPE, EVALUATION_EMPTY, EVALUATION_OPTION
 * @example barrierOf([{t: 0, losses: [1], accuracy: 1}, {t: 0.5, losses: [3], accuracy: 0}, {t: 1, losses: [1], accuracy: 1}]).loss // 2
 */
export function barrierOf(line: readonly LinePoint[]): Barrier {
  const [first, last] = [line[0], line.at(-1)];
  if (first?.t !== 0 || last?.t !== 1)
    throw errors.OPTION({ option: 'line', found: line.map(({ t }) => t).join(', '), wanted: 'points from 0 to 1' });
  const count = first.losses.length;
  if (count === 0) throw errors.EMPTY({ split: 'the line' });
  for (const { losses } of line)
    if (losses.length !== count) throw errors.SHAPE({ what: 'losses of a point', found: losses.length, wanted: count });
  let loss = 0;
  let standardError = 0;
  let at = 0;
  let accuracy = 0;
  let widest = 0;
  for (const point of line) {
    const { t, losses } = point;
    const rises = Array.from(losses, (of, i) => of - (1 - t) * first.losses[i]! - t * last.losses[i]!);
    const { mean, error } = meanOf(rises);
    widest = Math.max(widest, error);
    if (mean > loss) [loss, standardError, at] = [mean, error, t];
    accuracy = Math.max(accuracy, (1 - t) * first.accuracy + t * last.accuracy - point.accuracy);
  }
  // of a difference of shares, at most: all of its pictures change
  const accuracyError = Math.sqrt(Math.max(accuracy, 1 / count) / count);
  const isBarrier = (loss > least && loss > 2 * standardError) || (accuracy > least && accuracy > 2 * accuracyError);
  return {
    loss,
    standardError,
    at,
    accuracy,
    means: line.map(({ losses }) => meanOf(losses).mean),
    verdict: isBarrier ? 'barrier' : loss > least ? 'unclear' : 'one basin',
    ...(2 * widest > least ? { unseen: 2 * widest } : {}),
  };
}

function meanOf(values: ArrayLike<number>): { readonly mean: number; readonly error: number } {
  const n = values.length;
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const before = values[i]! - mean;
    mean += before / (i + 1);
    squares += before * (values[i]! - mean);
  }
  return { mean, error: n > 1 ? Math.sqrt(squares / (n - 1) / n) : 0 };
}
