// What a head is: a function from features to logits. The built-in ones use exactly this type, so each is the template
// for your own. Parameters and dropout are asked of `at`, because the same head becomes a training step (parameters
// are inputs), an epoch (parameters are carried) and a network (parameters are weights).

import type { Random, Tensor } from '../../base/index.js';
import type { Value } from '../../graph/index.js';

/** What a head may ask for while it is built. */
export interface HeadContext {
  readonly classes: number;
  /** A trainable parameter; `initial` is called once, when training starts from nothing. */
  parameter(name: string, shape: readonly number[], initial: (random: Random) => Tensor): Value;
  /** Inverted dropout: elements are dropped with probability `rate` and the others scaled by 1 / (1 - rate); nothing outside training. */
  dropout(name: string, value: Value, rate: number): Value;
}

/** Features [N, F] to logits [N, classes]. */
export type Head = (features: Value, at: HeadContext) => Value;
