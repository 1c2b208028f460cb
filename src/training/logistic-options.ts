// What is asked of a logistic regression and what it gives, however it is computed.

import type { Tensor } from '../base/index.js';

export interface LogisticOptions {
  /** Values of C that are tried, from strong to weak. @default 10^-6 … 10^2 in half decades */
  readonly strengths?: readonly number[];
  /** Parts of the cross-validation; fewer where a class has fewer pictures. @default 5 */
  readonly folds?: number;
  /** @default 0 */
  readonly seed?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What cross-validation found for one strength. */
export interface StrengthFigures {
  readonly strength: number;
  /** Mean negative log-likelihood over held-out pictures at the temperature that suits them best. */
  readonly loss: number;
}

/**
 * Whether the valley of the losses lies behind, strengths going from strong to weak: three rose one after the other.
 * Before the valley there may be a bump, where biases have moved and the weights have not.
 */
export const isPastValley = (figures: readonly StrengthFigures[]): boolean =>
  figures.length > 3 && figures.slice(-3).every(({ loss }, i) => loss > figures.at(i - 4)!.loss);

/** A fitted linear head. */
export interface LogisticFit {
  /** `head.weight` [classes, width] and `head.bias` [classes]. */
  readonly trained: Map<string, Tensor>;
  /** The chosen C. */
  readonly strength: number;
  readonly crossValidation: readonly StrengthFigures[];
  readonly iterations: number;
  /** Mean loss over the training pictures, without the penalty. */
  readonly loss: number;
}

export const logisticDefaults = {
  folds: 5,
  seed: 0,
  strengths: Array.from({ length: 17 }, (_, i) => 10 ** (-6 + i / 2)),
} as const;
