// Stochastic gradient descent in PyTorch's convention: v ← μ·v + g, w ← w − rate·v (Nesterov: w ← w − rate·(g + μ·v)).

import { Neg } from '../../operators/index.js';
import type { Decayed, Optimizer } from './optimizer.js';
import { addScaled } from './row-vectors.js';

export interface SgdOptions {
  /** μ, 0 ≤ μ < 1. @default 0.9 */
  readonly momentum?: number;
  /** @default false */
  readonly nesterov?: boolean;
  /** λ: λ·w is added to the gradient. @default 0 */
  readonly weightDecay?: number;
  /** `all` is PyTorch's way. @default 'matrices' */
  readonly decayed?: Decayed;
}

/** SGD with momentum. Source: torch.optim.SGD; Sutskever et al. 2013 for Nesterov. */
export function sgd({
  momentum = 0.9,
  nesterov = false,
  weightDecay = 0,
  decayed = 'matrices',
}: SgdOptions = {}): Optimizer {
  return {
    name: 'sgd',
    slots: momentum ? ['v'] : [],
    decays: weightDecay !== 0,
    decayed,
    normalises: false,
    prepare: ({ rate }) => [Neg(rate)],
    update: ({ parameter, gradient, slots: [v], decays }, [back]) => {
      const g = weightDecay && decays ? addScaled(gradient, weightDecay, parameter) : gradient;
      if (!v) return { parameter: addScaled(parameter, back!, g), slots: [] };
      const next = addScaled(g, momentum, v);
      const direction = nesterov ? addScaled(g, momentum, next) : next;
      return { parameter: addScaled(parameter, back!, direction), slots: [next] };
    },
  };
}
