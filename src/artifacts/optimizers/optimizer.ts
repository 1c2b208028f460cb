// What an optimizer is: slots beside each parameter, and one update as graph. Learning rate and step number are
// scalars that enter with every step, so that schedules live outside. All parameters that are treated alike are updated
// together, as one row vector [1, n]: for a head, the number of nodes counts as much as the number of weights.

import type { Value } from '../../graph/index.js';

/** The scalars of one step. */
export interface StepScalars {
  /** Learning rate, float32 [1, 1]; [S, 1, 1] where all steps of an epoch are prepared at once. */
  readonly rate: Value;
  /** Number of the step, from 1 on; shaped like the rate. */
  readonly step: Value;
}

/** Parameters before the step, end to end in row vectors [1, n]. */
export interface ParameterState {
  readonly parameter: Value;
  readonly gradient: Value;
  /** In the order of {@link Optimizer.slots}. */
  readonly slots: readonly Value[];
  /** Whether weight decay applies: matrices yes, biases no. */
  readonly decays: boolean;
}

/** What weight decay shrinks: matrices and kernels, or also biases and the scales of normalizations. */
export type Decayed = 'matrices' | 'all';

export interface Optimizer {
  readonly name: string;
  /** Whether it decays weights. Where it does, matrices and biases are updated apart, otherwise all together. */
  readonly decays: boolean;
  /** What decays where weights do. */
  readonly decayed: Decayed;
  /** Whether it divides by the size of each gradient: then the rounding of small ones moves weights as far as anything. */
  readonly normalises: boolean;
  /** Names of what is kept beside each parameter `P`, as `P.m`; each starts at zero. */
  readonly slots: readonly string[];
  /** Values that depend on the step only, element by element; shared by all parameters. */
  prepare(at: StepScalars): readonly Value[];
  /** The parameters and their slots after the step, each element by itself. */
  update(
    state: ParameterState,
    prepared: readonly Value[],
  ): { readonly parameter: Value; readonly slots: readonly Value[] };
}
