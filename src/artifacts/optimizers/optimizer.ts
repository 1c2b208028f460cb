// What an optimizer is: slots beside each parameter, and one update as graph. Learning rate and step number are
// scalars that enter with every step, so that schedules live outside.

import type { Value } from '../../graph/index.js';

/** The scalars of one step. */
export interface StepScalars {
  /** Learning rate, float32 []. */
  readonly rate: Value;
  /** Number of the step, from 1 on, float32 []. */
  readonly step: Value;
}

/** One parameter before the step. */
export interface ParameterState {
  readonly parameter: Value;
  readonly gradient: Value;
  /** In the order of {@link Optimizer.slots}. */
  readonly slots: readonly Value[];
  /** Whether weight decay applies: matrices yes, biases no. */
  readonly decays: boolean;
}

export interface Optimizer {
  readonly name: string;
  /** Names of what is kept beside each parameter `P`, as `P.m`; each starts at zero. */
  readonly slots: readonly string[];
  /** Values that depend on the step only, shared by all parameters. */
  prepare(at: StepScalars): readonly Value[];
  /** The parameter and its slots after the step. */
  update(
    state: ParameterState,
    prepared: readonly Value[],
  ): { readonly parameter: Value; readonly slots: readonly Value[] };
}
